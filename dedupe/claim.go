package dedupe

import (
	"context"
	"sync"

	"mailsyncd.example/crm"
)

// Claimer lets those who find copies of one message at the same instant fetch
// it only once. A claim says "I am fetching this one now", and is advice: the
// unique key in the database decides which copy makes the message, and a claim
// that is lost costs bandwidth, never a message. Package claimtest is this
// promise as a suite.
type Claimer interface {
	// Claim waits until nobody else claims the identity within the account,
	// and claims it. Whoever had to wait should ask the store again whether
	// the message is known by now. The claim lasts until release is called;
	// calling it again does nothing. The error is ctx's, where it ended
	// first, or says that claims can't be had at the moment; then there is
	// nothing to release.
	Claim(ctx context.Context, a crm.AccountID, id crm.Identity) (release func(), err error)
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
func (c *Claims) Claim(ctx context.Context, a crm.AccountID, id crm.Identity) (func(), error) {
	key := claim{a, id}
	for {
		mine, theirs := c.try(key)
		if theirs == nil {
			return sync.OnceFunc(func() { c.release(key, mine) }), nil
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
