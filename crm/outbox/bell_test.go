package outbox

import (
	"slices"
	"sync"
	"testing"

	"mailsyncd.example/crm"
)

func heard(ring <-chan struct{}) bool {
	select {
	case <-ring:
		return true
	default:
		return false
	}
}

func TestBellRingsForItsAccountOnly(t *testing.T) {
	var b Bell
	mine, end := b.Listen("acc_1")
	defer end()
	also, endAlso := b.Listen("acc_1")
	defer endAlso()
	other, endOther := b.Listen("acc_2")
	defer endOther()

	b.EventsWritten("acc_1")

	if !heard(mine) || !heard(also) {
		t.Error("a listener of the account did not hear the bell")
	}
	if heard(other) {
		t.Error("a listener of another account heard the bell")
	}
}

// Who carries events on hears what this process wrote, and nothing of others;
// who shows them hears of everybody's.
func TestBellKnowsWhoWrote(t *testing.T) {
	var b Bell
	own, also := b.ListenOwn(), b.ListenOwn()
	defer also.Leave()
	shown, end := b.Listen("acc_1")
	defer end()
	for _, c := range []struct {
		name  string
		ring  func()
		own   string // the account, where who carries on hears of it
		shown bool
	}{
		{"written here", func() { b.EventsWritten("acc_1") }, "acc_1", true},
		{"written here, for another account", func() { b.EventsWritten("acc_2") }, "acc_2", false},
		{"written elsewhere", func() { b.EventsElsewhere("acc_1") }, "", true},
		{"written elsewhere, for another account", func() { b.EventsElsewhere("acc_2") }, "", false},
		{"nobody knows", b.Anything, "", true},
	} {
		c.ring()
		for _, o := range []*Own{own, also} {
			rang := heard(o.Ring())
			if got := o.Take(); rang != (c.own != "") || rang && !slices.Equal(got, []crm.AccountID{crm.AccountID(c.own)}) {
				t.Errorf("%s: who carries on heard of %v, want %q", c.name, got, c.own)
			}
		}
		if got := heard(shown); got != c.shown {
			t.Errorf("%s: who shows heard %v, want %v", c.name, got, c.shown)
		}
	}
	own.Leave()
	b.EventsWritten("acc_1")
	if heard(own.Ring()) || !heard(also.Ring()) {
		t.Error("listening to what this process wrote did not end for one and go on for the other")
	}
}

func TestRingsThatNobodyHeardAreOne(t *testing.T) {
	var b Bell
	ring, end := b.Listen("acc_1")
	defer end()
	for range 100 {
		b.EventsWritten("acc_1") // would block here if rings piled up
	}
	if !heard(ring) {
		t.Fatal("the bell was not heard")
	}
	if heard(ring) {
		t.Error("rings that nobody heard did not become one")
	}
	b.EventsWritten("acc_1")
	if !heard(ring) {
		t.Error("the bell did not ring again")
	}
}

func TestListeningEndsWithoutATrace(t *testing.T) {
	var b Bell
	ring, end := b.Listen("acc_1")
	end()
	end() // twice does no harm
	b.EventsWritten("acc_1")
	if heard(ring) {
		t.Error("the bell rang for somebody who had left")
	}
	if n := len(b.rings); n != 0 {
		t.Errorf("%d accounts are kept though nobody listens", n)
	}
}

func TestBellFromManyGoroutines(t *testing.T) {
	var b Bell
	var wg sync.WaitGroup
	for i := range 8 {
		account := crm.AccountID([]string{"acc_1", "acc_2"}[i%2])
		wg.Go(func() {
			ring, end := b.Listen(account)
			defer end()
			b.EventsWritten(account)
			<-ring // its own ring at the latest
		})
	}
	wg.Wait()
	if n := len(b.rings); n != 0 {
		t.Errorf("%d accounts are kept though nobody listens", n)
	}
}
