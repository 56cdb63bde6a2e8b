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
	"mailsyncd.example/sync/watch/wary"
)

// DefaultInterval is the time between two looks at a mailbox: the floor of
// freshness for every folder.
const DefaultInterval = 3 * time.Minute

// reconcileEvery is how often the list of mailboxes is read again, should a
// signal about a changed link have been lost. Every process reads the whole of
// it, so that a long list is read less often: so many rows a second at most.
const (
	reconcileEvery = time.Minute
	reconcileRows  = 2000
)

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
	// most for so long, or until enough, which may be nil, is closed. Where
	// ctx ends it returns ctx's error, soon, and the box is still good.
	Wait(ctx context.Context, most time.Duration, enough <-chan struct{}) (news bool, err error)
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
	Connect func(ctx context.Context, l crm.Login, trace func(crm.Step)) (Box, error)
	// Knock opens a connection to a mail server and closes it. Where it is nil,
	// a host that was away for long is found back within the interval.
	Knock    func(ctx context.Context, s crm.Server) error
	Interval time.Duration // DefaultInterval where 0
	Limits   Limits
	Now      func() time.Time // time.Now where nil
	Log      *zap.Logger      // silent where nil
	Metrics  *Metrics         // counted nowhere where nil
	// Shares says which mailboxes are this process's, and Elsewhere reaches
	// the processes that work the others. Where Shares is nil there are none:
	// this one has the database to itself.
	Shares    Shares
	Elsewhere Elsewhere
	// Quota is what the limits of a mail host are shared by with others; nil:
	// they are this process's own.
	Quota Quota
}

// Watcher keeps a keeper at every mailbox that is linked and this process's.
type Watcher struct {
	o      Options
	budget *budget
	knocks *knocks
	looks  *looks
	wary   *wary.Hosts

	// linked are the mailboxes known to be linked, whosever they are. Only
	// the goroutine of Run uses it.
	linked roster

	mu       sync.Mutex
	keepers  map[place]*keeper
	changed  map[place]bool // links of these have changed, or may have (false)
	anything bool           // signals may have been lost
	ring     chan struct{}  // holds a value when there is something to heed
	turned   chan struct{}  // closed, and made anew, when it may be another who stands somewhere
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
	if o.Shares == nil {
		o.Shares = alone{}
	}
	slowed := func(host string) {
		o.Metrics.Slowed.Inc()
		o.Log.Warn("a mail host refuses the credentials of several mailboxes; logins there are slowed down", zap.String("host", host))
	}
	return &Watcher{
		o: o, wary: wary.New(o.Now, slowed), budget: newBudget(o.Limits, o.Quota), knocks: newKnocks(o.Knock), looks: newLooks(o.Store, o.Shares, o.Log),
		linked: roster{}, keepers: map[place]*keeper{}, changed: map[place]bool{},
		ring: make(chan struct{}, 1), turned: make(chan struct{}),
	}
}

// Run stands at the mailboxes until ctx ends, then leaves them all and returns.
func (w *Watcher) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer w.looks.flush(context.WithoutCancel(ctx))
	defer all.Wait()
	all.Go(func() { w.looks.run(ctx) })
	if err := w.reconcile(ctx, &all); err != nil && ctx.Err() == nil {
		return err
	}
	next := time.NewTimer(w.untilReconcile())
	defer next.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-w.ring:
			err = w.heedChanges(ctx, &all)
		case <-w.o.Shares.Changed():
			w.review(ctx, &all)
		case <-next.C:
			err = w.reconcile(ctx, &all)
			next.Reset(w.untilReconcile())
		}
		if err != nil && ctx.Err() == nil {
			w.o.Log.Error("the list of mailboxes can't be read; trying again", zap.Error(err))
		}
	}
}

func (w *Watcher) untilReconcile() time.Duration {
	return max(reconcileEvery, time.Duration(w.linked.len())*time.Second/reconcileRows)
}

// LinksChanged tells the watcher that a link of the mailbox was made, ended or
// given another password, or that the account has switched delivery reports on
// or off. It returns at once.
func (w *Watcher) LinksChanged(a crm.AccountID, m crm.MailboxID) {
	w.mu.Lock()
	w.changed[place{a, m}] = true
	if k := w.keepers[place{a, m}]; k != nil {
		k.reports.doubted.Store(true)
	}
	w.mu.Unlock()
	w.wake()
}

// AnythingChanged tells the watcher that it may have missed any number of
// calls of LinksChanged. It returns at once.
func (w *Watcher) AnythingChanged() {
	w.mu.Lock()
	w.anything = true
	w.mu.Unlock()
	w.wake()
}

func (w *Watcher) wake() {
	select {
	case w.ring <- struct{}{}:
	default:
	}
}
