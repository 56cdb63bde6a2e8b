package watch

import (
	"sync"
	"time"
)

// reports is whether delivery reports of a mailbox are read, as its keeper has
// heard last. The account may turn that while the keeper's session stands.
type reports struct {
	mu    sync.Mutex
	since time.Time // zero where they are not
	turns int       // how often it was heard of
}

// now tells since when they are read, zero where they are not, and how often
// that was heard of.
func (r *reports) now() (since time.Time, turns int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.since, r.turns
}

// turn takes what was heard.
func (r *reports) turn(since time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since = since
	r.turns++
}

// turnUnless takes what was read in the database, unless something was heard
// since turns: that may be newer.
func (r *reports) turnUnless(turns int, since time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turns == turns {
		r.since = since
	}
}
