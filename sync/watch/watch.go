// Package watch is the story of who stands at which mailbox. A keeper stands
// at each one that is linked: it connects, looks at every folder, waits for
// news with IDLE where the server has it, looks again every few minutes in any
// case, and backs off when the server can't be worked with.
package watch

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/intake"
)

// DefaultInterval is the time between two looks at a mailbox: the floor of
// freshness for every folder.
const DefaultInterval = 3 * time.Minute

// reconcileEvery is how often the list of mailboxes is read again, should a
// signal about a changed link have been lost.
const reconcileEvery = time.Minute

// Box is a connection to a mailbox. One goroutine at a time may use it. An
// error of kind crm.Unreachable ends its use.
type Box interface {
	intake.Box
	// Idles tells whether the server announces news (RFC 2177).
	Idles() bool
	// Gmail tells whether the server is Gmail, where All Mail holds what
	// other folders only label.
	Gmail() bool
	// Folders lists all folders with their state, in one round trip where
	// the server can. The state of the selected folder is up to date too.
	Folders(ctx context.Context) ([]crm.Listing, error)
	// Examine selects a folder read-only; crm.NotFound where it is gone.
	Examine(ctx context.Context, name string) (crm.Selected, error)
	// Wait waits until the server announces news of the selected folder, at
	// most for so long. Where ctx ends it returns ctx's error, and the box
	// is still good.
	Wait(ctx context.Context, most time.Duration) (news bool, err error)
	// Search finds messages of the selected folder by their Message-ID.
	Search(ctx context.Context, id crm.HeaderID) ([]crm.UID, error)
	// Close says goodbye and closes the connection.
	Close()
}

// Options are what a Watcher is made of. Store, Journey and Connect are needed.
type Options struct {
	Store   Store
	Journey *intake.Journey
	// Connect opens a mailbox. trace, where set, hears of each step.
	Connect  func(ctx context.Context, l crm.Login, trace func(crm.Step)) (Box, error)
	Interval time.Duration // DefaultInterval where 0
	Limits   Limits
	Now      func() time.Time // time.Now where nil
	Log      *zap.Logger      // silent where nil
	Metrics  *Metrics         // counted nowhere where nil
}

// Watcher keeps a keeper at every mailbox that is linked.
type Watcher struct {
	o      Options
	budget *budget
	looks  *looks

	mu      sync.Mutex
	keepers map[place]*keeper
	changed map[place]bool // links of these have changed
	ring    chan struct{}  // holds a value when changed is not empty
	stood   chan struct{}  // closed, and made anew, when a keeper is put somewhere
}

// place names a mailbox.
type place struct {
	account crm.AccountID
	mailbox crm.MailboxID
}

// New makes a Watcher that stands nowhere until Run is called.
func New(o Options) *Watcher {
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics()
	}
	return &Watcher{
		o: o, budget: newBudget(o.Limits), looks: newLooks(o.Store, o.Log),
		keepers: map[place]*keeper{}, changed: map[place]bool{},
		ring: make(chan struct{}, 1), stood: make(chan struct{}),
	}
}

// Run stands at the mailboxes until ctx ends, then leaves them all and returns.
func (w *Watcher) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer w.looks.flush(context.WithoutCancel(ctx))
	defer all.Wait()
	all.Go(func() { w.looks.run(ctx) })
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	if err := w.reconcile(ctx, &all); err != nil && ctx.Err() == nil {
		return err
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-w.ring:
			err = w.heedChanges(ctx, &all)
		case <-tick.C:
			err = w.reconcile(ctx, &all)
		}
		if err != nil && ctx.Err() == nil {
			w.o.Log.Error("the list of mailboxes can't be read; trying again", zap.Error(err))
		}
	}
}

// LinksChanged tells the watcher that a link of the mailbox was made, ended or
// given another password. It returns at once.
func (w *Watcher) LinksChanged(a crm.AccountID, m crm.MailboxID) {
	w.mu.Lock()
	w.changed[place{a, m}] = true
	w.mu.Unlock()
	select {
	case w.ring <- struct{}{}:
	default:
	}
}

// reconcile makes the keepers those of the mailboxes that are linked.
func (w *Watcher) reconcile(ctx context.Context, all *sync.WaitGroup) error {
	active, err := w.o.Store.ActiveMailboxes(ctx)
	if err != nil {
		return err
	}
	linked := make(map[place]bool, len(active))
	for _, m := range active {
		p := place{m.Account, m.ID}
		linked[p] = true
		w.stand(ctx, p, all)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for p, k := range w.keepers {
		if !linked[p] {
			k.leave()
		}
	}
	w.o.Metrics.Mailboxes.Set(float64(len(active)))
	return nil
}

// heedChanges looks after the mailboxes whose links have changed.
func (w *Watcher) heedChanges(ctx context.Context, all *sync.WaitGroup) error {
	w.mu.Lock()
	changed := w.changed
	w.changed = map[place]bool{}
	w.mu.Unlock()
	for p := range changed {
		standing, err := w.o.Store.Standing(ctx, p.account, p.mailbox)
		switch {
		case crm.KindOf(err) == crm.NotFound:
			if k := w.keeper(p); k != nil {
				k.leave()
			}
		case err != nil:
			w.LinksChanged(p.account, p.mailbox)
			return err
		default:
			w.stand(ctx, p, all).update(standing)
		}
	}
	return nil
}

// stand puts a keeper at a mailbox, or returns the one that stands there.
func (w *Watcher) stand(ctx context.Context, p place, all *sync.WaitGroup) *keeper {
	w.mu.Lock()
	defer w.mu.Unlock()
	if k := w.keepers[p]; k != nil && !k.leaving() {
		return k
	}
	ctx, cancel := context.WithCancel(ctx)
	k := newKeeper(w, p, ctx, cancel)
	before := w.keepers[p] // may still be on its way out
	w.keepers[p] = k
	close(w.stood)
	w.stood = make(chan struct{})
	all.Go(func() {
		defer close(k.gone)
		defer cancel()
		if before != nil {
			<-before.gone
		}
		k.run(ctx)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.keepers[p] == k {
			delete(w.keepers, p)
		}
	})
	return k
}

func (w *Watcher) keeper(p place) *keeper {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.keepers[p]
}

// await returns the mailbox's keeper, and waits for one that is still to come:
// a link may be younger than the signal about it.
func (w *Watcher) await(ctx context.Context, p place) (*keeper, error) {
	for {
		w.mu.Lock()
		k, stood := w.keepers[p], w.stood
		w.mu.Unlock()
		if k != nil && !k.leaving() {
			return k, nil
		}
		if _, err := w.o.Store.Standing(ctx, p.account, p.mailbox); err != nil {
			return nil, err
		}
		select {
		case <-stood:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Look makes the mailbox's keeper look now and returns once it has;
// crm.NotFound where no link of the mailbox stands.
func (w *Watcher) Look(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return w.ask(ctx, place{a, m}, false)
}

// Balance makes the mailbox's keeper look now, compare its ledger with the
// server UID by UID and read what is unexplained. It returns once that is done.
func (w *Watcher) Balance(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return w.ask(ctx, place{a, m}, true)
}

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
		return crm.E(crm.NotFound, "not_linked", "The mailbox was unlinked meanwhile.")
	case <-ctx.Done():
		return ctx.Err()
	}
}
