package outbox

import (
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
