// Package outbox brings committed events to those who listen. The events
// themselves stand in the database; a bell only says that it's worth looking.
package outbox

import (
	"maps"
	"slices"
	"sync"

	"mailsyncd.example/crm"
)

// Bell rings when an account has new events, for listeners in this process.
// A ring that nobody heard yet stands for all that follow, so a slow listener
// costs nobody anything. The zero value is ready to use, from any goroutine.
type Bell struct {
	mu    sync.Mutex
	rings map[crm.AccountID]rings
	own   map[*Own]struct{} // who listens to what this process writes
}

// rings are the channels of listeners.
type rings map[chan struct{}]struct{}

// EventsWritten rings for everybody who listens to the account, and for those
// who listen to what this process has written. It never waits.
func (b *Bell) EventsWritten(a crm.AccountID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rings[a].strike()
	for o := range b.own {
		o.note(a)
	}
}

// EventsElsewhere rings for everybody who listens to the account: another
// process has written events of it.
func (b *Bell) EventsElsewhere(a crm.AccountID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rings[a].strike()
}

// Anything rings for everybody who listens to an account, whichever that is:
// what other processes had to say may have been lost.
func (b *Bell) Anything() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, of := range b.rings {
		of.strike()
	}
}

func (r rings) strike() {
	for ring := range r {
		strike(ring)
	}
}

func strike(ring chan struct{}) {
	select {
	case ring <- struct{}{}:
	default: // one is waiting to be heard already
	}
}

// ListenOwn returns the accounts of which this process writes events. It is for
// those who carry events on and have their like in every process.
func (b *Bell) ListenOwn() *Own {
	o := &Own{bell: b, ring: make(chan struct{}, 1), accounts: map[crm.AccountID]struct{}{}}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.own == nil {
		b.own = map[*Own]struct{}{}
	}
	b.own[o] = struct{}{}
	return o
}

// Own gathers the accounts of which this process has written events.
type Own struct {
	bell     *Bell
	ring     chan struct{}
	mu       sync.Mutex
	accounts map[crm.AccountID]struct{}
}

func (o *Own) note(a crm.AccountID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.accounts[a] = struct{}{}
	strike(o.ring)
}

// Ring returns a channel that holds a value when there is something to Take.
func (o *Own) Ring() <-chan struct{} { return o.ring }

// Take returns the accounts that were written since it was last called.
func (o *Own) Take() []crm.AccountID {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := slices.Collect(maps.Keys(o.accounts))
	clear(o.accounts)
	return taken
}

// Leave ends the listening.
func (o *Own) Leave() {
	o.bell.mu.Lock()
	defer o.bell.mu.Unlock()
	delete(o.bell.own, o)
}

// Listen returns a channel that holds a value when the account may have new
// events, and a function that ends the listening; it may be called twice. Who
// listens first and reads the events then can't miss one.
func (b *Bell) Listen(a crm.AccountID) (<-chan struct{}, func()) {
	ring := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rings == nil {
		b.rings = map[crm.AccountID]rings{}
	}
	if b.rings[a] == nil {
		b.rings[a] = rings{}
	}
	b.rings[a][ring] = struct{}{}
	return ring, func() { b.forget(a, ring) }
}

func (b *Bell) forget(a crm.AccountID, ring chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.rings[a], ring)
	if len(b.rings[a]) == 0 {
		delete(b.rings, a)
	}
}
