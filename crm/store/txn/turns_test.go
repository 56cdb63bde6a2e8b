package txn

import (
	"context"
	"sync"
	"testing"

	"mailsyncd.example/crm"
)

func TestTurns(t *testing.T) {
	ts := turns{all: map[crm.AccountID]*turn{}}
	first, err := ts.take(t.Context(), "acc_1")
	if err != nil {
		t.Fatal(err)
	}
	other, err := ts.take(t.Context(), "acc_2")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ts.take(ctx, "acc_1"); err == nil {
		t.Error("two have the turn of one account")
	}
	at := 0
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			giveBack, err := ts.take(t.Context(), "acc_1")
			if err != nil {
				t.Error(err)
				return
			}
			at++ // the race detector looks on
			giveBack()
		})
	}
	first()
	other()
	wg.Wait()
	if at != 100 || len(ts.all) != 0 {
		t.Errorf("%d turns, %d accounts left over", at, len(ts.all))
	}
}
