package watch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

// graceFailures is how many failures in a row a mailbox may have before its
// users are told: a server that restarts is no news.
const graceFailures = 3

// steadyAfter is how long a session must have stood to count as a success:
// failures before it are forgotten.
const steadyAfter = time.Minute

var (
	// errChanged ends a session whose link was ended or given another password.
	errChanged = errors.New("the link has changed")
	// errUnlinked ends a stay.
	errUnlinked = errors.New("no link stands any more")
)

// keeper stands at one mailbox.
type keeper struct {
	w     *Watcher
	place place
	ctx   context.Context // ends when the keeper is to leave
	leave context.CancelFunc
	gone  chan struct{} // closed when the keeper has left

	mu        sync.Mutex
	pending   []request
	poked     bool
	interrupt context.CancelFunc // ends the wait that is going on
	stay      stay               // the session that stands
	lockedOut bool               // it waits for a credential that is not refused
	going     bool               // it is to leave, with a goodbye

	reports reports

	// care counts, by folder, how often in a row reading from a position has
	// broken the connection. Only the keeper's goroutine uses it.
	care map[crm.FolderID]stumble
}

// stay is the session that stands at a mailbox.
type stay struct {
	login crm.Login
	since time.Time               // from when on its mailbox counts
	end   context.CancelCauseFunc // ends it; nil where none stands
}

// stumble is where reading a folder has broken the connection, and how often.
type stumble struct {
	position crm.UID
	times    int
}

// request asks for a look at once.
type request struct {
	balance bool
	answer  chan error
	waiting bool // since before the present attempt
}

func newKeeper(w *Watcher, p place, ctx context.Context, leave context.CancelFunc) *keeper {
	return &keeper{w: w, place: p, ctx: ctx, leave: leave, gone: make(chan struct{}), care: map[crm.FolderID]stumble{}}
}

func (k *keeper) leaving() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.going || k.ctx.Err() != nil
}

// run stands at the mailbox until ctx ends, no link of it stands any more, or
// another process works it.
func (k *keeper) run(ctx context.Context) {
	failures := 0
	var barred crm.Fence // somebody has worked the mailbox under a higher one
	for ctx.Err() == nil {
		k.begin()
		fence, err := k.fence()
		if err != nil {
			return
		}
		if fence <= barred && barred != 0 {
			k.giveWay(ctx)
			continue
		}
		began := k.w.o.Now()
		err = k.once(ctx)
		if ctx.Err() != nil || errors.Is(err, errUnlinked) {
			return
		}
		if k.w.o.Now().Sub(began) > steadyAfter {
			failures = 0
		}
		switch {
		case errors.Is(err, errChanged) || errors.Is(err, errMoving):
		case moved(err):
			if crm.CodeOf(err) == "fenced" {
				barred = fence
			}
			k.fenced(err)
			k.giveWay(ctx)
		default:
			failures++
			k.fail(err, failures)
			if k.recover(ctx, err, k.patience(err, failures)) {
				failures = 0
			}
		}
	}
}

// once reads how the mailbox stands, and stays there for one session. It
// returns why that has ended.
func (k *keeper) once(ctx context.Context) error {
	standing, err := k.standing(ctx)
	if err != nil {
		return err
	}
	if gone, err := k.transfer(ctx, standing.Transfers); gone || err != nil {
		if err == nil {
			err = errChanged
		}
		return err
	}
	if len(standing.Logins) == 0 {
		// Every credential was refused: nothing to try until a new one comes.
		k.answer(crm.E(crm.Rejected, "credential_rejected", "The mail server refused the password or the sign-in; enter the right one, or sign in again."))
		k.setLockedOut(true)
		k.rest(ctx, 24*time.Hour)
		k.setLockedOut(false)
		return errChanged
	}
	err = k.session(ctx, newSession(k, standing))
	if crm.KindOf(err) == crm.Rejected && ctx.Err() == nil {
		return k.reject(ctx, standing.Logins[0], err)
	}
	return err
}

// reject marks the link whose credential the server has refused, unless it has
// been given another one meanwhile. The next link's is tried then.
func (k *keeper) reject(ctx context.Context, l crm.Login, why error) error {
	fence, err := k.fence()
	if err != nil {
		return err
	}
	standing, err := k.w.o.Store.Standing(ctx, k.place.account, k.place.mailbox)
	if err == nil && slices.Contains(standing.Logins, l) {
		err = k.w.o.Store.Reject(ctx, k.place.account, l.Link, words(why), fence, k.w.o.Now())
	}
	if moved(err) {
		return err
	}
	if err != nil && crm.KindOf(err) != crm.NotFound && ctx.Err() == nil {
		k.w.o.Log.Error("a refused credential can't be marked", zap.String("link", string(l.Link)), zap.Error(err))
		k.rest(ctx, time.Minute)
	}
	return errChanged
}

// fail notes why a session ended.
func (k *keeper) fail(err error, failures int) {
	k.answer(err)
	k.w.o.Log.Info("a mailbox can't be worked with; trying again",
		zap.String("mailbox", string(k.place.mailbox)), zap.Int("failures", failures), zap.Error(err))
	looked := crm.Looked{
		Account: k.place.account, Mailbox: k.place.mailbox, At: k.w.o.Now(), Err: words(err),
	}
	if failures >= graceFailures {
		looked.Status = crm.LinkUnreachable
	}
	k.w.o.Metrics.Looks.WithLabelValues(crm.CodeOf(err)).Inc()
	k.w.looks.add(looked, failures == graceFailures)
}

// fenced notes that somebody else has written about the mailbox. The store
// has seen to it that no harm was done.
func (k *keeper) fenced(err error) {
	k.w.o.Metrics.Fenced.Inc()
	k.w.o.Log.Info("another process has worked the mailbox meanwhile",
		zap.String("mailbox", string(k.place.mailbox)), zap.Error(err))
}

// patience is how long to wait after a failure.
func (k *keeper) patience(err error, failures int) time.Duration {
	d := backoff(failures, k.w.o.Interval)
	if e, ok := errors.AsType[*crm.Error](err); ok && e.Kind == crm.Throttled {
		d = max(d, e.After, time.Minute)
	}
	return d
}

// words are what a person reads of an error.
func words(err error) string {
	if e, ok := errors.AsType[*crm.Error](err); ok {
		return e.Detail
	}
	return "The daemon could not go on; its log says why."
}

// ask hands over a request and wakes the keeper.
func (k *keeper) ask(r request) {
	k.mu.Lock()
	k.pending = append(k.pending, r)
	k.mu.Unlock()
	k.poke()
}

// begin begins an attempt, for all who have asked and for whatever the keeper
// was poked. To leave it goes on being poked.
func (k *keeper) begin() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.pending {
		k.pending[i].waiting = true
	}
	k.poked = k.going
}

// take takes the requests there are: the look that follows is for them, and for
// whatever the keeper was poked.
func (k *keeper) take() []request {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.pending
	k.pending, k.poked = nil, k.going
	return r
}

// answer tells those who asked what has become of the attempt. Who has asked
// since it began is not told of a trouble that may be over, but waits for the
// next one, which their poke makes come at once.
func (k *keeper) answer(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending = slices.DeleteFunc(k.pending, func(r request) bool {
		if r.waiting {
			r.answer <- err // there is room for the one answer
		}
		return r.waiting
	})
}

// poke ends the keeper's wait, or the next one if it isn't waiting now.
func (k *keeper) poke() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.poked = true
	if k.interrupt != nil {
		k.interrupt()
	}
}

// waiting makes a context for a wait that a poke ends.
func (k *keeper) waiting(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.interrupt = cancel
	if k.poked {
		cancel()
	}
	return ctx, func() {
		cancel()
		k.mu.Lock()
		defer k.mu.Unlock()
		k.interrupt, k.poked = nil, false
	}
}

// recover waits for so long after a failure, or until poked, or until a host
// that was away is back, which it reports.
func (k *keeper) recover(ctx context.Context, err error, d time.Duration) (back bool) {
	away, isAway := errors.AsType[*awayError](err)
	if !isAway {
		k.rest(ctx, d)
		return false
	}
	ring, leave := k.w.knocks.await(away.server)
	defer leave()
	return k.restOr(ctx, d, ring)
}

// rest waits for so long, or until poked.
func (k *keeper) rest(ctx context.Context, d time.Duration) { k.restOr(ctx, d, nil) }

// restOr also ends when a channel is closed, which it reports.
func (k *keeper) restOr(ctx context.Context, d time.Duration, ring <-chan struct{}) bool {
	ctx, done := k.waiting(ctx)
	defer done()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-ring:
		return true
	}
	return false
}

func (k *keeper) setLockedOut(is bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lockedOut = is
}

// update tells the keeper how its mailbox stands now. A session whose
// credential does not stand any more ends at once, and so does one whose mailbox
// counts from an earlier time now or has links that are wanted elsewhere. Where
// nobody knows that anything has changed, one that is well is left in peace.
func (k *keeper) update(s crm.Standing, changed bool) {
	k.mu.Lock()
	stay, lockedOut := k.stay, k.lockedOut
	k.mu.Unlock()
	k.reports.doubted.Store(true)
	wanted := changed && len(s.Transfers) > 0
	if stay.end != nil && (!slices.Contains(s.Logins, stay.login) || s.Mailbox.Since.Before(stay.since) || wanted) {
		stay.end(errChanged)
	}
	if changed || lockedOut && len(s.Logins) > 0 {
		k.poke() // a further user's link wants to be seen live soon, too
	}
}

// session opens the mailbox and stands there until something ends it.
func (k *keeper) session(ctx context.Context, s *session) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	k.mu.Lock()
	k.stay = stay{s.login, s.mailbox.Since, end}
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		k.stay = stay{}
		k.mu.Unlock()
	}()
	box, release, err := k.w.connect(ctx, s.login, nil)
	err = markAway(s.login.Server, err)
	if err == nil {
		defer release()
		s.box = box
		defer s.helpers.Wait()
		err = s.stand(ctx)
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	end(nil) // a second connection has no reason to stay
	return err
}

// admit waits until a connection to the login's mailbox may be opened. opened
// is called when that is done, giveBack when the connection is not needed any more.
func (w *Watcher) admit(ctx context.Context, l crm.Login) (opened, giveBack func(), err error) {
	if err := w.wary.Wait(ctx, l.Server.Host); err != nil {
		return nil, nil, err
	}
	if giveBack, err = w.budget.take(ctx, l); err != nil {
		return nil, nil, err
	}
	if opened, err = w.budget.opening(ctx); err != nil {
		giveBack()
		return nil, nil, err
	}
	return opened, giveBack, nil
}

// connect opens a mailbox within the budget; release closes it and gives the
// connection back.
func (w *Watcher) connect(ctx context.Context, l crm.Login, trace func(crm.Step)) (Box, func(), error) {
	opened, giveBack, err := w.admit(ctx, l)
	if errors.Is(err, context.DeadlineExceeded) { // of somebody who asks; a keeper has time
		err = crm.Wrap(crm.Throttled, "server_busy", "So many mailboxes of this mail server are being opened that yours did not have its turn in time; "+
			"try again in a few minutes.", err)
	}
	if err != nil {
		return nil, nil, err
	}
	box, err := w.o.Connect(ctx, l, trace)
	opened()
	if refused := crm.KindOf(err) == crm.Rejected; refused || err == nil {
		w.wary.Noted(l.Server.Host, l.Username, refused)
	}
	if err != nil {
		giveBack()
		w.o.Metrics.Connects.WithLabelValues(crm.CodeOf(err)).Inc()
		return nil, nil, err
	}
	w.o.Metrics.Connects.WithLabelValues("ok").Inc()
	w.o.Metrics.Connections.Inc()
	return box, func() {
		box.Close()
		giveBack()
		w.o.Metrics.Connections.Dec()
	}, nil
}
