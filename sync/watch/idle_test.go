package watch_test

import (
	"context"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/watch"
)

// waiter is a box that tells how long it is to wait. A deaf one hears of no
// news meanwhile, as where IDLE has gone quiet.
type waiter struct {
	watch.Box
	waits chan time.Duration
	deaf  bool
}

func (w waiter) Wait(ctx context.Context, most time.Duration, enough <-chan struct{}) (bool, error) {
	if most > 0 { // a probe only tries whether it can
		select {
		case w.waits <- most:
		default:
		}
	}
	if w.deaf {
		over, cancel := context.WithTimeout(ctx, most)
		defer cancel()
		select {
		case <-enough:
		case <-over.Done():
		}
		return false, ctx.Err()
	}
	return w.Box.Wait(ctx, most, enough)
}

// newWaitingOffice opens an office whose boxes are waiters, with a day between
// two looks that nobody asks for.
func newWaitingOffice(t *testing.T, deaf bool) (*office, chan time.Duration) {
	t.Helper()
	waits := make(chan time.Duration, 1)
	o := newOffice(t, dovecottest.Start(t), func(w *watch.Options) {
		connect := w.Connect
		w.Connect = func(ctx context.Context, l crm.Login, trace func(crm.Step)) (watch.Box, error) {
			b, err := connect(ctx, l, trace)
			return waiter{b, waits, deaf}, err
		}
		w.Interval = 24 * time.Hour
	})
	return o, waits
}

func TestIdleIsSaidAgainWithinMinutes(t *testing.T) {
	o, waits := newWaitingOffice(t, false)
	o.look(o.linkOwn("aoi"))
	if most := <-waits; most > 5*time.Minute {
		t.Errorf("IDLE may stand for %s", most)
	}
}

// What IDLE has not announced for minutes is found by a look, and counted.
func TestMissedNewsAreCounted(t *testing.T) {
	o, _ := newWaitingOffice(t, true)
	l := o.linkOwn("aoi")
	o.look(l)
	missed := func() int64 {
		o.t.Helper()
		h, err := o.store.Health(t.Context(), o.account.ID, l.Mailbox)
		must(t, err)
		return h.Missed
	}
	o.dovecot.Deliver(t, "aoi@acme.example", mail{subject: "a moment ago"}.raw())
	o.look(l)
	if n := missed(); n != 0 {
		t.Errorf("%d missed, though the server had no time to announce it", n)
	}
	o.dovecot.Append(t, "aoi@acme.example", "INBOX", mail{subject: "two minutes ago"}.raw(), time.Now().Add(-2*time.Minute))
	o.look(l)
	if n := missed(); n != 1 {
		t.Errorf("%d missed, want 1", n)
	}
	if got := o.subjects(); got != "two minutes ago, a moment ago" {
		t.Errorf("messages: %s", got)
	}
}

// Where people's own mail programs have all the connections that the server
// allows them, the mailbox is left alone for a while: that is no refusal.
func TestTooManyConnections(t *testing.T) {
	o := newOffice(t, dovecottest.Start(t, dovecottest.Setting("mail_max_userip_connections = 1")), nil)
	l := o.linkOwn("aoi")
	o.look(l)
	o.stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	login := o.dovecot.Login("aoi@acme.example", crm.SecurityTLS)
	program := until(t, ctx, func() (watch.Box, error) { return o.options.Connect(ctx, login, nil) })
	defer program.Close()
	o.watcher = watch.New(o.options)
	o.start()
	if err := o.watcher.Look(ctx, l.Account, l.Mailbox); crm.KindOf(err) != crm.Throttled {
		t.Errorf("a look without a connection to spare: %v", err)
	}
	program.Close()
	until(t, ctx, func() (struct{}, error) { return struct{}{}, o.watcher.Look(ctx, l.Account, l.Mailbox) })
	for _, e := range o.events(crm.LinkFailing) { // none, unless the server took long to count
		if field(t, e, "status") == string(crm.LinkAuthFailed) {
			t.Error("the user was told that the password is wrong")
		}
	}
}

// until tries until the server has a connection to spare: it counts one for a
// moment longer than it stands.
func until[T any](t *testing.T, ctx context.Context, try func() (T, error)) T {
	t.Helper()
	for {
		got, err := try()
		if err == nil {
			return got
		}
		if crm.KindOf(err) != crm.Throttled || ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}
