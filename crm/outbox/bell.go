// Package outbox brings committed events to those who listen. The events
// themselves stand in the database; a bell only says that it's worth looking.
package outbox

import (
	"sync"

	"mailsyncd.example/crm"
)

// Bell rings when an account has new events, for listeners in this process.
// A ring that nobody heard yet stands for all that follow, so a slow listener
// costs nobody anything. The zero value is ready to use, from any goroutine.
type Bell struct {
	mu    sync.Mutex
	rings map[crm.AccountID]rings
	own   rings // of those who listen to what this process writes
}

// rings are the channels of listeners.
type rings map[chan struct{}]struct{}

// EventsWritten rings for everybody who listens to the account, and for those
// who listen to what this process has written. It never waits.
func (b *Bell) EventsWritten(a crm.AccountID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rings[a].strike()
	b.own.strike()
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

// ListenOwn returns a channel that holds a value when this process has written
// events of any account, and a function that ends the listening. It is for
// those who carry events on and have their like in every process.
func (b *Bell) ListenOwn() (<-chan struct{}, func()) {
	ring := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.own == nil {
		b.own = rings{}
	}
	b.own[ring] = struct{}{}
	return ring, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.own, ring)
	}
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
