package grant

import (
	"context"
	"errors"
	"sync"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/watch"
)

// Open opens a mailbox; trace, where set, hears of each step.
type Open func(ctx context.Context, l crm.Login, trace func(crm.Step)) (watch.Box, error)

// least is the least time between two refreshes while a connection stands,
// whatever a provider says of how long its tokens are good.
const least = time.Second

// Connect opens mailboxes by way of open, with an access token where a login
// has a grant, and gets the next token in time for as long as the box is open.
// A token that the mail server refuses is replaced once before the sign-in
// counts as refused: it may have been withdrawn alone, or a clock be wrong.
func (r *Refresher) Connect(open Open) Open {
	return func(ctx context.Context, l crm.Login, trace func(crm.Step)) (watch.Box, error) {
		if l.Grant == "" {
			return open(ctx, l, trace)
		}
		p := place{l.Account, l.Link}
		g, err := r.token(ctx, p, "")
		if err != nil {
			return nil, err
		}
		b, err := open(ctx, with(l, g), trace)
		if crm.KindOf(err) == crm.Rejected {
			if g, err = r.token(ctx, p, g.Access); err != nil {
				return nil, err
			}
			b, err = open(ctx, with(l, g), trace)
		}
		if err != nil {
			return nil, err
		}
		fresh := &box{Box: b, r: r, place: p}
		fresh.renewAt(g.RenewAt)
		return fresh, nil
	}
}

func with(l crm.Login, g crm.Grant) crm.Login {
	l.Secret = g.Access
	return l
}

// box is an open mailbox whose grant is looked after. Between two refreshes it
// costs a timer and no goroutine: there may be thousands.
type box struct {
	watch.Box
	r     *Refresher
	place place

	mu        sync.Mutex
	timer     *time.Timer
	closed    bool
	over      error              // the person must act; nil while all is well
	interrupt context.CancelFunc // ends the wait that is going on
}

// renewAt has the token replaced at a time.
func (b *box) renewAt(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.timer = time.AfterFunc(max(at.Sub(b.r.o.Now()), least), b.renew)
	}
}

// renew gets the next token. Where that fails for now, the connection goes on
// with what it was opened with; where the grant was withdrawn, it ends: who
// does not want us to read any more is not to wait for an hour.
func (b *box) renew() {
	g, err := b.r.renew(context.Background(), b.place, "")
	switch {
	case err == nil:
		b.renewAt(g.RenewAt)
	case crm.KindOf(err) == crm.NotFound: // the watcher ends what is left
	case crm.KindOf(err) == crm.Rejected:
		b.mu.Lock()
		defer b.mu.Unlock()
		b.over = err
		if b.interrupt != nil {
			b.interrupt()
		}
	default:
		wait := b.r.o.Retry
		if e, ok := errors.AsType[*crm.Error](err); ok {
			wait = max(wait, e.After)
		}
		b.renewAt(b.r.o.Now().Add(wait))
	}
}

// Wait is the box's own, and ends where the grant was withdrawn.
func (b *box) Wait(ctx context.Context, most time.Duration, enough <-chan struct{}) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := b.interruptBy(cancel); err != nil {
		return false, err
	}
	news, err := b.Box.Wait(ctx, most, enough)
	if over := b.interruptBy(nil); over != nil {
		return false, over
	}
	return news, err
}

// Folders is the box's own; each look begins with it.
func (b *box) Folders(ctx context.Context) ([]crm.Listing, error) {
	if err := b.interruptBy(nil); err != nil {
		return nil, err
	}
	return b.Box.Folders(ctx)
}

// interruptBy says how the wait that begins is ended, and tells if there is
// nothing to wait for any more.
func (b *box) interruptBy(cancel context.CancelFunc) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.interrupt = cancel
	return b.over
}

// Close closes the box and leaves the grant alone.
func (b *box) Close() {
	b.mu.Lock()
	b.closed = true
	b.timer.Stop()
	b.mu.Unlock()
	b.Box.Close()
}
