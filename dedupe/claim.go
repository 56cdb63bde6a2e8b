package dedupe

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"mailsyncd.example/crm"
)

// Claimer lets those who find copies of one message at the same instant fetch
// it only once. A claim says "I am fetching this one now", and is advice: the
// unique key in the database decides which copy makes the message, and a claim
// that is lost costs bandwidth, never a message. Package claimtest is this
// promise as a suite.
type Claimer interface {
	// Claim waits until nobody else claims any of the identities within the
	// account, and claims them all. Whoever had to wait should ask the store
	// again whether the messages are known by now. The claim lasts until
	// release is called; calling it again does nothing. The error is ctx's,
	// where it ended first, or says that claims can't be had at the moment;
	// then there is nothing to release.
	Claim(ctx context.Context, a crm.AccountID, ids ...crm.Identity) (release func(), err error)
}

// Order returns the identities in the order in which they are to be claimed,
// each once. It is one and the same everywhere, so that nobody waits in a
// circle.
func Order(ids []crm.Identity) []crm.Identity {
	ordered := slices.Clone(ids)
	slices.SortFunc(ordered, func(a, b crm.Identity) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ordered)
}

// Claims is the Claimer within one process.
type Claims struct {
	mu   sync.Mutex
	held map[claim]chan struct{} // closed on release
}

type claim struct {
	account  crm.AccountID
	identity crm.Identity
}

// NewClaims returns a Claimer under which nothing is claimed yet.
func NewClaims() *Claims {
	return &Claims{held: make(map[claim]chan struct{})}
}

// Claim implements Claimer.
func (c *Claims) Claim(ctx context.Context, a crm.AccountID, ids ...crm.Identity) (func(), error) {
	var releases []func()
	release := func() {
		for _, r := range releases {
			r()
		}
	}
	for _, id := range Order(ids) {
		r, err := c.claim(ctx, claim{a, id})
		if err != nil {
			release()
			return nil, err
		}
		releases = append(releases, r)
	}
	return sync.OnceFunc(release), nil
}

func (c *Claims) claim(ctx context.Context, key claim) (release func(), err error) {
	for {
		mine, theirs := c.try(key)
		if theirs == nil {
			return func() { c.release(key, mine) }, nil
		}
		select {
		case <-theirs:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// try claims key, or returns what is closed once those who hold it let go.
func (c *Claims) try(key claim) (mine, theirs chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if theirs, held := c.held[key]; held {
		return nil, theirs
	}
	mine = make(chan struct{})
	c.held[key] = mine
	return mine, nil
}

func (c *Claims) release(key claim, mine chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.held, key)
	close(mine)
}
