package watch

import (
	"context"
	"sync"
	"time"

	"mailsyncd.example/crm"
)

// heedAtOnce is how many changed mailboxes are looked after in one go: what
// else has to be heeded must not wait for thousands.
const heedAtOnce = 100

// reconcile reads the list of mailboxes that are linked, and makes the keepers
// those of them that are this process's.
func (w *Watcher) reconcile(ctx context.Context, all *sync.WaitGroup) error {
	w.o.Metrics.Lists.Inc()
	linked := roster{}
	err := w.o.Store.ActiveMailboxes(ctx, func(a crm.AccountID, m crm.MailboxID) { linked.add(place{a, m}) })
	if err != nil {
		return err
	}
	w.linked = linked
	w.mu.Lock()
	for p, k := range w.keepers {
		if !linked.has(p) {
			k.leave()
		}
	}
	w.mu.Unlock()
	w.review(ctx, all)
	return nil
}

// review puts keepers at mailboxes that have become this process's, and takes
// them from those that are not any more. It asks nobody but the Shares, so it
// costs little where they change often.
func (w *Watcher) review(ctx context.Context, all *sync.WaitGroup) {
	for a, mailboxes := range w.linked {
		for _, m := range mailboxes {
			if p := (place{a, m}); w.ours(p) {
				w.stand(ctx, p, all)
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for p, k := range w.keepers {
		if !w.ours(p) {
			k.handOver()
		}
	}
	w.turn()
}

// heedChanges looks after mailboxes whose links have changed.
func (w *Watcher) heedChanges(ctx context.Context, all *sync.WaitGroup) error {
	w.mu.Lock()
	anything := w.anything
	w.anything = false
	w.mu.Unlock()
	if anything {
		if err := w.reconcile(ctx, all); err != nil {
			w.putBack(nil)
			return err
		}
		w.mu.Lock()
		for p := range w.keepers {
			if _, noted := w.changed[p]; !noted {
				w.changed[p] = false // to be looked after, though nobody said that its links changed
			}
		}
		w.mu.Unlock()
	}
	some := w.someChanged()
	for p, changed := range some {
		if err := w.heed(ctx, p, changed, all); err != nil {
			w.putBack(some)
			return err
		}
	}
	return nil
}

// putBack makes what could not be looked after be tried again in a moment;
// some is nil where that is anything.
func (w *Watcher) putBack(some map[place]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.anything = w.anything || some == nil
	for p, changed := range some {
		w.changed[p] = w.changed[p] || changed
	}
	time.AfterFunc(moment, w.wake)
}

// someChanged takes some of the mailboxes whose links have changed, and sees to
// it that the others get their turn.
func (w *Watcher) someChanged() map[place]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	some := make(map[place]bool, min(len(w.changed), heedAtOnce))
	for p, changed := range w.changed {
		if len(some) == heedAtOnce {
			w.wake()
			break
		}
		some[p] = changed
		delete(w.changed, p)
	}
	return some
}

// heed looks after a mailbox whose links have changed, or may have.
func (w *Watcher) heed(ctx context.Context, p place, changed bool, all *sync.WaitGroup) error {
	if !w.ours(p) {
		w.linked.add(p) // should it become ours, its keeper will find out
		return nil
	}
	standing, err := w.o.Store.Standing(ctx, p.account, p.mailbox)
	switch {
	case crm.KindOf(err) == crm.NotFound:
		w.linked.remove(p)
		if k := w.keeper(p); k != nil {
			k.leave()
		}
	case err != nil:
		return err
	default:
		w.linked.add(p)
		if k := w.keeper(p); k != nil && !k.leaving() {
			k.update(standing, changed)
		} else {
			w.stand(ctx, p, all)
		}
	}
	return nil
}

// stand puts a keeper at a mailbox, unless one stands there or the mailbox is
// not this process's.
func (w *Watcher) stand(ctx context.Context, p place, all *sync.WaitGroup) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.keepers[p] // may still be on its way out
	if before != nil && !before.leaving() || !w.o.Shares.Enter(p.account, p.mailbox) {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	k := newKeeper(w, p, ctx, cancel)
	w.keepers[p] = k
	w.o.Metrics.Mailboxes.Set(float64(len(w.keepers)))
	w.turn()
	all.Go(func() {
		defer w.o.Shares.Leave(p.account, p.mailbox)
		defer close(k.gone)
		defer cancel()
		if before != nil {
			<-before.gone
		}
		k.run(ctx)
		w.left(k)
	})
}

// left forgets a keeper.
func (w *Watcher) left(k *keeper) {
	w.mu.Lock()
	if w.keepers[k.place] == k {
		delete(w.keepers, k.place)
		w.o.Metrics.Mailboxes.Set(float64(len(w.keepers)))
	}
	w.turn()
	w.mu.Unlock()
	if k.ctx.Err() == nil {
		// It has left of its own accord; what made it do so may be over.
		w.LinksChanged(k.place.account, k.place.mailbox)
	}
}

// turn tells those who wait for somebody to stand somewhere to look again.
func (w *Watcher) turn() {
	close(w.turned)
	w.turned = make(chan struct{})
}

func (w *Watcher) keeper(p place) *keeper {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.keepers[p]
}

func (w *Watcher) ours(p place) bool {
	_, ours := w.o.Shares.Fence(p.account, p.mailbox)
	return ours
}
