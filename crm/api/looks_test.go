package api

import (
	"context"
	"sync"
	"testing"

	"mailsyncd.example/crm"
)

// waiting is how many wait for a look.
func (l *looks) waiting(k look) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.going[k]; s != nil {
		return s.waiting
	}
	return 0
}

// Those who ask at the same time share a look.
func TestLooksAreShared(t *testing.T) {
	l := looks{going: map[look]*shared{}}
	k := look{account: "acc_1", mailbox: "mbx_1"}
	proceed, done := make(chan struct{}), make(chan crm.MailboxID, 10)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			l.share(t.Context(), k, func(context.Context) {
				<-proceed
				done <- k.mailbox
			})
		})
	}
	for l.waiting(k) < 5 {
	}
	l.share(t.Context(), look{account: "acc_2", mailbox: "mbx_2"}, func(context.Context) { done <- "mbx_2" })
	close(proceed)
	all.Wait()
	if one, two := <-done, <-done; one != "mbx_2" || two != "mbx_1" || len(done) > 0 {
		t.Errorf("looked at %s, %s and %d more", one, two, len(done))
	}
	l.share(t.Context(), k, func(context.Context) { done <- k.mailbox })
	if len(done) != 1 {
		t.Error("who asks later got no look of their own")
	}
}

// A look goes on while anybody waits for it, and ends with the last one.
func TestLookEndsWithTheLastWhoWaits(t *testing.T) {
	l := looks{going: map[look]*shared{}}
	k := look{account: "acc_1", mailbox: "mbx_1"}
	ended := make(chan error, 10)
	var all sync.WaitGroup
	var leave []context.CancelFunc
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		leave = append(leave, cancel)
		all.Go(func() { l.share(ctx, k, func(ctx context.Context) { <-ctx.Done(); ended <- ctx.Err() }) })
	}
	for l.waiting(k) < 2 {
	}
	leave[0]()
	for l.waiting(k) > 1 {
	}
	if len(ended) > 0 {
		t.Error("the look ended with the first who left")
	}
	leave[1]()
	all.Wait()
	<-ended
	l.share(t.Context(), k, func(ctx context.Context) { ended <- ctx.Err() })
	if err := <-ended; err != nil {
		t.Errorf("the next look began with %v", err)
	}
}
