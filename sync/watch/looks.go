package watch

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

// flushEvery is how long the result of an ordinary look may wait to be
// written: thousands of mailboxes that have no news must not make thousands of
// transactions.
const flushEvery = 5 * time.Second

// looks gathers the results of looks and writes many at once.
type looks struct {
	store  Store
	shares Shares
	log    *zap.Logger

	mu      sync.Mutex
	waiting map[place]crm.Looked
	urgent  chan struct{}
	writing chan struct{} // holds a value while somebody writes
}

func newLooks(s Store, shares Shares, log *zap.Logger) *looks {
	return &looks{
		store: s, shares: shares, log: log, waiting: map[place]crm.Looked{},
		urgent: make(chan struct{}, 1), writing: make(chan struct{}, 1),
	}
}

// add takes the result of a look. An urgent one is written at once.
func (l *looks) add(looked crm.Looked, urgent bool) {
	p := place{looked.Account, looked.Mailbox}
	l.mu.Lock()
	looked.Missed += l.waiting[p].Missed
	l.waiting[p] = looked
	l.mu.Unlock()
	if urgent {
		select {
		case l.urgent <- struct{}{}:
		default:
		}
	}
}

func (l *looks) run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.urgent:
		case <-tick.C:
		}
		l.flush(ctx)
	}
}

// flush writes what is waiting; what can't be written waits on, unless
// something newer has come in. What somebody else has taken to write is written
// when it returns: who flushes relies on what was added before.
func (l *looks) flush(ctx context.Context) {
	select {
	case l.writing <- struct{}{}:
		defer func() { <-l.writing }()
	case <-ctx.Done():
		return
	}
	l.mu.Lock()
	waiting := l.waiting
	l.waiting = map[place]crm.Looked{}
	l.mu.Unlock()
	all := make([]crm.Looked, 0, len(waiting))
	for p, looked := range waiting {
		fence, ours := l.shares.Fence(p.account, p.mailbox)
		if !ours {
			delete(waiting, p) // who works it now looks soon
			continue
		}
		looked.Fence = fence
		all = append(all, looked)
	}
	if len(all) == 0 {
		return
	}
	if err := l.store.SaveLooks(ctx, all); err != nil {
		if ctx.Err() == nil {
			l.log.Error("the results of looks can't be written; trying again", zap.Error(err))
		}
		l.keep(waiting)
	}
}

// keep puts back what could not be written.
func (l *looks) keep(waiting map[place]crm.Looked) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, looked := range waiting {
		if newer, ok := l.waiting[p]; ok {
			newer.Missed += looked.Missed
			looked = newer
		}
		l.waiting[p] = looked
	}
}
