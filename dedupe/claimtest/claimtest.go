// Package claimtest is the promise of dedupe.Claimer as a suite, which every
// implementation has to keep.
package claimtest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/dedupe"
)

// Run tests a Claimer. newClaimers returns two that share their claims, as two
// processes would hold them; they may be one and the same. Nothing is claimed
// under them yet.
func Run(t *testing.T, newClaimers func(t *testing.T) (one, other dedupe.Claimer)) {
	for name, test := range map[string]func(t *testing.T, one, other dedupe.Claimer){
		"one at a time":                oneAtATime,
		"waits for the release":        waits,
		"other messages do not wait":   apart,
		"many at once":                 many,
		"all or nothing":               allOrNothing,
		"ctx ends the waiting":         ctxEnds,
		"ctx that has ended":           ctxEnded,
		"released twice":               releasedTwice,
		"a claim outlives its context": outlives,
	} {
		t.Run(name, func(t *testing.T) {
			one, other := newClaimers(t)
			test(t, one, other)
		})
	}
}

const account = crm.AccountID("acc_1")

var identity = crm.Identity{1, 2, 3}

func claim(t *testing.T, c dedupe.Claimer, a crm.AccountID, ids ...crm.Identity) (release func()) {
	t.Helper()
	release, err := c.Claim(t.Context(), a, ids...)
	if err != nil {
		t.Fatalf("Claim: %v", err)
	}
	return release
}

func oneAtATime(t *testing.T, one, other dedupe.Claimer) {
	const workers, rounds = 8, 25
	var inside, turns atomic.Int32
	var wg sync.WaitGroup
	for i := range workers {
		c := one
		if i%2 == 1 {
			c = other
		}
		wg.Go(func() {
			for range rounds {
				release, err := c.Claim(t.Context(), account, identity)
				if err != nil {
					t.Errorf("Claim: %v", err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d hold the claim", n)
				}
				turns.Add(1)
				inside.Add(-1)
				release()
			}
		})
	}
	wg.Wait()
	if got := turns.Load(); got != workers*rounds {
		t.Errorf("%d turns, want %d", got, workers*rounds)
	}
}

func waits(t *testing.T, one, other dedupe.Claimer) {
	release := claim(t, one, account, identity)
	var released atomic.Bool
	asking, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		close(asking)
		again, err := other.Claim(t.Context(), account, identity)
		if err != nil {
			t.Errorf("Claim: %v", err)
			return
		}
		if !released.Load() {
			t.Error("claimed while somebody else held it")
		}
		again()
	}()
	<-asking
	released.Store(true)
	release()
	<-done
}

func apart(t *testing.T, one, other dedupe.Claimer) {
	defer claim(t, one, account, identity)()
	defer claim(t, other, "acc_2", identity)()
	defer claim(t, other, account, crm.Identity{1, 2, 4})()
}

// many would not end if two could wait for each other.
func many(t *testing.T, one, other dedupe.Claimer) {
	const workers, rounds, messages = 6, 25, 10
	var holders [messages]atomic.Int32
	var wg sync.WaitGroup
	for i := range workers {
		c := one
		if i%2 == 1 {
			c = other
		}
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range rounds {
				picks := r.Perm(messages)[:1+r.IntN(messages-1)]
				ids := make([]crm.Identity, len(picks), len(picks)+1)
				for j, n := range picks {
					ids[j] = crm.Identity{byte(n)}
				}
				release, err := c.Claim(t.Context(), account, append(ids, ids[0])...) // one of them twice
				if err != nil {
					t.Errorf("Claim: %v", err)
					return
				}
				for _, n := range picks {
					if holders[n].Add(1) != 1 {
						t.Errorf("message %d is claimed twice", n)
					}
				}
				for _, n := range picks {
					holders[n].Add(-1)
				}
				release()
			}
		})
	}
	wg.Wait()
	claim(t, one, account)() // nothing to claim is no fault
}

func allOrNothing(t *testing.T, one, other dedupe.Claimer) {
	low, middle, high := crm.Identity{1}, crm.Identity{2}, crm.Identity{3}
	release := claim(t, one, account, middle)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := other.Claim(ctx, account, high, middle, low)
		failed <- err
	}()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	claim(t, one, account, low, high)()
	release()
	claim(t, other, account, low, middle, high)()
}

func ctxEnds(t *testing.T, one, other dedupe.Claimer) {
	release := claim(t, one, account, identity)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := other.Claim(ctx, account, identity)
		failed <- err
	}()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	release()
	claim(t, other, account, identity)() // whoever gave up left nothing behind
}

func ctxEnded(t *testing.T, one, other dedupe.Claimer) {
	release := claim(t, one, account, identity)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := other.Claim(ctx, account, identity); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func releasedTwice(t *testing.T, one, other dedupe.Claimer) {
	first := claim(t, one, account, identity)
	first()
	second := claim(t, other, account, identity)
	first() // must not take the claim away from its new holder
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := one.Claim(ctx, account, identity); err == nil {
		t.Error("a claim was released by somebody who did not hold it any more")
	}
	second()
	claim(t, one, account, identity)()
}

func outlives(t *testing.T, one, other dedupe.Claimer) {
	ctx, cancel := context.WithCancel(t.Context())
	release, err := one.Claim(ctx, account, identity)
	if err != nil {
		t.Fatalf("Claim: %v", err)
	}
	defer release()
	cancel()
	if _, err := other.Claim(ctx, account, identity); err == nil {
		t.Error("the claim ended with the context it was made under, and not with its release")
	}
}
