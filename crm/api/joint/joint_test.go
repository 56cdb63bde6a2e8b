package joint

import (
	"context"
	"sync"
	"testing"
)

// waiting is how many wait for a piece of work.
func (l *Works[K]) waiting(k K) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.going[k]; s != nil {
		return s.waiting
	}
	return 0
}

// Those who ask at the same time share it.
func TestWorkIsShared(t *testing.T) {
	var l Works[string]
	const k = "one"
	proceed, done := make(chan struct{}), make(chan string, 10)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			l.Do(t.Context(), k, func(context.Context) {
				<-proceed
				done <- k
			})
		})
	}
	for l.waiting(k) < 5 {
	}
	l.Do(t.Context(), "two", func(context.Context) { done <- "two" })
	close(proceed)
	all.Wait()
	if one, two := <-done, <-done; one != "two" || two != "one" || len(done) > 0 {
		t.Errorf("done: %s, %s and %d more", one, two, len(done))
	}
	l.Do(t.Context(), k, func(context.Context) { done <- k })
	if len(done) != 1 {
		t.Error("who asks later got nothing")
	}
}

// Work goes on while anybody waits for it, and ends with the last one.
func TestWorkEndsWithTheLastWhoWaits(t *testing.T) {
	var l Works[string]
	const k = "one"
	ended := make(chan error, 10)
	var all sync.WaitGroup
	var leave []context.CancelFunc
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		leave = append(leave, cancel)
		all.Go(func() { l.Do(ctx, k, func(ctx context.Context) { <-ctx.Done(); ended <- ctx.Err() }) })
	}
	for l.waiting(k) < 2 {
	}
	leave[0]()
	for l.waiting(k) > 1 {
	}
	if len(ended) > 0 {
		t.Error("it ended with the first who left")
	}
	leave[1]()
	all.Wait()
	<-ended
	l.Do(t.Context(), k, func(ctx context.Context) { ended <- ctx.Err() })
	if err := <-ended; err != nil {
		t.Errorf("the next began with %v", err)
	}
}
