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
	rings map[crm.AccountID]map[chan struct{}]struct{}
	any   chan struct{} // of whoever listens to all accounts; nil: nobody
}

// EventsWritten rings for everybody who listens to the account. It never waits.
func (b *Bell) EventsWritten(a crm.AccountID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ring := range b.rings[a] {
		strike(ring)
	}
	if b.any != nil {
		strike(b.any)
	}
}

func strike(ring chan struct{}) {
	select {
	case ring <- struct{}{}:
	default: // one is waiting to be heard already
	}
}

// ListenAll returns a channel that holds a value when any account may have new
// events. There is one such channel: it is for the Dispatcher.
func (b *Bell) ListenAll() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.any == nil {
		b.any = make(chan struct{}, 1)
	}
	return b.any
}

// Listen returns a channel that holds a value when the account may have new
// events, and a function that ends the listening; it may be called twice. Who
// listens first and reads the events then can't miss one.
func (b *Bell) Listen(a crm.AccountID) (<-chan struct{}, func()) {
	ring := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rings == nil {
		b.rings = map[crm.AccountID]map[chan struct{}]struct{}{}
	}
	if b.rings[a] == nil {
		b.rings[a] = map[chan struct{}]struct{}{}
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
