package watch

import (
	"context"
	"time"

	"mailsyncd.example/crm"
)

// hereSoon is how long a question waits for a mailbox to become this process's:
// whoever sends it here may have heard of that a little earlier.
const hereSoon = 2 * time.Second

// Look makes the mailbox's keeper, whichever process it is in, look now and
// returns once it has; crm.NotFound where no link of the mailbox stands.
func (w *Watcher) Look(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return w.askAnywhere(ctx, place{a, m}, false)
}

// Balance makes the mailbox's keeper, whichever process it is in, look now,
// compare its ledger with the server UID by UID and read what is unexplained.
// It returns once that is done.
func (w *Watcher) Balance(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return w.askAnywhere(ctx, place{a, m}, true)
}

// Here answers what another process asks: it never asks on.
type Here struct{ w *Watcher }

// Here is the Watcher as others may ask it.
func (w *Watcher) Here() Here { return Here{w} }

// Look is Watcher.Look of a mailbox that this process works;
// crm.Unavailable ("mailbox_moving") where it does not, and does not begin to.
func (h Here) Look(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return h.w.askSoon(ctx, place{a, m}, false)
}

// Balance is Watcher.Balance of a mailbox that this process works;
// crm.Unavailable ("mailbox_moving") where it does not, and does not begin to.
func (h Here) Balance(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return h.w.askSoon(ctx, place{a, m}, true)
}

// askAnywhere asks whoever works the mailbox until somebody does.
func (w *Watcher) askAnywhere(ctx context.Context, p place, balance bool) error {
	for {
		turned := w.turning()
		err := w.askOnce(ctx, p, balance)
		if !moved(err) {
			return err
		}
		if w.waitFor(ctx, p, turned) != nil {
			return errMoving
		}
	}
}

// waitFor waits until the mailbox is this process's, or for a moment.
func (w *Watcher) waitFor(ctx context.Context, p place, turned <-chan struct{}) error {
	again := time.NewTimer(moment)
	defer again.Stop()
	for {
		select {
		case <-turned:
			// Others turn, too: where thousands move, asking each time would
			// be a storm.
			turned = w.turning()
			if w.ours(p) {
				return nil
			}
		case <-again.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// askOnce asks whoever works the mailbox at this moment.
func (w *Watcher) askOnce(ctx context.Context, p place, balance bool) error {
	if w.o.Elsewhere == nil || w.ours(p) {
		return w.ask(ctx, p, balance)
	}
	if _, err := w.o.Store.Standing(ctx, p.account, p.mailbox); err != nil {
		return err
	}
	if balance {
		return w.o.Elsewhere.Balance(ctx, p.account, p.mailbox)
	}
	return w.o.Elsewhere.Look(ctx, p.account, p.mailbox)
}

// askSoon asks the mailbox's keeper in this process, and waits a little for
// one to come.
func (w *Watcher) askSoon(ctx context.Context, p place, balance bool) error {
	patience := time.NewTimer(hereSoon)
	defer patience.Stop()
	for {
		turned := w.turning()
		err := w.ask(ctx, p, balance)
		if !moved(err) {
			return err
		}
		select {
		case <-turned:
		case <-patience.C:
			return errMoving
		case <-ctx.Done():
			return errMoving
		}
	}
}

// ask asks the mailbox's keeper in this process.
func (w *Watcher) ask(ctx context.Context, p place, balance bool) error {
	k, err := w.await(ctx, p)
	if err != nil {
		return err
	}
	r := request{balance: balance, answer: make(chan error, 1)}
	k.ask(r)
	select {
	case err := <-r.answer:
		return err
	case <-k.gone:
	case <-ctx.Done():
		return ctx.Err()
	}
	if _, err := w.o.Store.Standing(ctx, p.account, p.mailbox); crm.KindOf(err) == crm.NotFound {
		return crm.E(crm.NotFound, "not_linked", "The mailbox was unlinked meanwhile.")
	}
	return errMoving
}

// await returns the mailbox's keeper, and waits for one that is still to come:
// a link may be younger than the signal about it.
func (w *Watcher) await(ctx context.Context, p place) (*keeper, error) {
	for {
		turned := w.turning()
		if !w.ours(p) {
			return nil, errMoving
		}
		if k := w.keeper(p); k != nil && !k.leaving() {
			return k, nil
		}
		if _, err := w.o.Store.Standing(ctx, p.account, p.mailbox); err != nil {
			return nil, err
		}
		select {
		case <-turned:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// turning returns the channel that is closed when next it may be another who
// stands somewhere. What is asked after this call is not missed.
func (w *Watcher) turning() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.turned
}
