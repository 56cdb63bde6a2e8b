package watch

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

func TestNextLookIsSoonEnoughAndSpread(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	var tenths [10]int
	for i := range 1000 {
		name := fmt.Sprintf("mbx_%d", i)
		next := nextAt(name, DefaultInterval, now)
		wait := next.Sub(now)
		if wait <= 0 || wait > DefaultInterval {
			t.Fatalf("%s: the next look is in %v", name, wait)
		}
		if again := nextAt(name, DefaultInterval, next); again.Sub(next) != DefaultInterval {
			t.Fatalf("%s: %v between looks", name, again.Sub(next))
		}
		tenths[min(9, int(10*wait/DefaultInterval))]++
	}
	for i, n := range tenths {
		if n < 60 || n > 140 {
			t.Errorf("%d of 1000 mailboxes look in tenth %d of the interval: %v", n, i, tenths)
		}
	}
}

func TestBackoffGrowsToTheInterval(t *testing.T) {
	for failures := range 100 {
		d := backoff(failures, DefaultInterval)
		most := min(DefaultInterval, time.Second<<min(30, max(0, failures-1)))
		if d < most*2/3-time.Nanosecond || d > most {
			t.Errorf("after %d failures: %v, want two thirds to all of %v", failures, d, most)
		}
	}
}

func TestBudgetHoldsAndForgets(t *testing.T) {
	b := newBudget(Limits{PerMailbox: 2, PerHost: 3, LoginsPerSecond: 1000}, nil)
	login := func(host, user string) crm.Login {
		return crm.Login{Server: crm.Server{Host: host}, Username: user}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var release []func()
	take := func(host, user string) {
		t.Helper()
		r, err := b.take(ctx, login(host, user))
		if err != nil {
			t.Fatal(err)
		}
		release = append(release, r)
	}
	take("Mail.Example", "aoi")
	take("mail.example", "aoi")
	take("mail.example", "ben")
	take("other.example", "aoi")
	refused := make(chan error, 2)
	for _, user := range []string{"aoi", "cho"} { // over the mailbox's budget, over the host's
		go func() {
			_, err := b.take(ctx, login("mail.example", user))
			refused <- err
		}()
	}
	cancel()
	for range 2 {
		if err := <-refused; !errors.Is(err, context.Canceled) {
			t.Errorf("a connection over the budget: %v", err)
		}
	}
	for _, r := range release {
		r()
	}
	if own, ok := b.hosts.(*ownQuota); !ok || len(b.mailboxes.all) != 0 || len(own.hosts.all) != 0 {
		t.Errorf("%d mailboxes are kept for nobody, and hosts: %v", len(b.mailboxes.all), own.hosts.all)
	}
}

// Whoever asks while thousands are being opened at a host hears that it is busy,
// and not that its address is wrong.
func TestNoTurnInTime(t *testing.T) {
	w := New(Options{Limits: Limits{LoginsPerSecond: 0.001}}) // one, and the next in a quarter of an hour
	login := func(user string) crm.Login {
		return crm.Login{Server: crm.Server{Host: "mail.example"}, Username: user}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	release, err := w.budget.take(ctx, login("ben"))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if p := w.Probe(ctx, login("aoi")); crm.CodeOf(p.Err) != "server_busy" || crm.KindOf(p.Err) != crm.Throttled {
		t.Errorf("probe: %v", p.Err)
	}
}

// lookStore takes the results of looks; the first writes fail.
type lookStore struct {
	Store
	fail  int
	saved []crm.Looked
}

func (s *lookStore) SaveLooks(_ context.Context, looks []crm.Looked) error {
	if s.fail > 0 {
		s.fail--
		return errors.New("disk full")
	}
	s.saved = append(s.saved, looks...)
	return nil
}

func TestLooksWaitAndAreNotLost(t *testing.T) {
	s := &lookStore{fail: 1}
	l := newLooks(s, alone{}, zap.NewNop())
	at := time.Unix(1000, 0)
	l.add(crm.Looked{Mailbox: "a", At: at, Missed: 2}, false)
	l.add(crm.Looked{Mailbox: "a", At: at.Add(time.Minute), Missed: 3}, false)
	l.add(crm.Looked{Mailbox: "b", At: at}, false)
	l.flush(context.Background())
	l.add(crm.Looked{Mailbox: "b", At: at.Add(time.Hour)}, false)
	l.flush(context.Background())
	if len(s.saved) != 2 {
		t.Fatalf("%d looks saved, want one for each mailbox: %+v", len(s.saved), s.saved)
	}
	for _, got := range s.saved {
		if got.Mailbox == "a" && (got.Missed != 5 || !got.At.Equal(at.Add(time.Minute))) {
			t.Errorf("mailbox a: %+v, want the later look with all that was missed", got)
		}
		if got.Mailbox == "b" && !got.At.Equal(at.Add(time.Hour)) {
			t.Errorf("mailbox b: %+v, want the later look", got)
		}
	}
}
