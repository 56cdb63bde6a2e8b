// Package grant is the story of who gets the next access token, and when. The
// tokens that open a mailbox are good for an hour or so; before that is over,
// the grant that its user has given is turned into the next one, while the
// connection stands.
//
// Of each grant one refresher is at work at a time: in this process because
// all who need the token wait for the same flight, across processes because
// the database gives the claim to one. What a refresh brings is stored before
// it is used, as the refresh token that it was made from may be worth nothing
// any more.
package grant

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

// Store is what grant needs of the database. Every method is one transaction;
// crm.NotFound where the link does not stand any more or has a password now.
type Store interface {
	// Grant returns the grant of a link.
	Grant(ctx context.Context, a crm.AccountID, l crm.LinkID) (crm.Grant, error)
	// ClaimGrant lets the caller alone refresh a grant until a time. It reports
	// false where somebody else does, or has done so since the caller read it.
	ClaimGrant(ctx context.Context, a crm.AccountID, l crm.LinkID, read crm.Grant, now, until time.Time) (bool, error)
	// RenewGrant writes what a refresh has brought and ends the claim;
	// crm.Conflict where what it was made from is not there any more.
	RenewGrant(ctx context.Context, a crm.AccountID, l crm.LinkID, next crm.Grant) error
	// ReleaseGrant ends the claim that holds until this time, if it still does.
	ReleaseGrant(ctx context.Context, a crm.AccountID, l crm.LinkID, until time.Time) error
}

// Issuers turn grants into access tokens.
type Issuers interface {
	// Refresh gets the next access token of a grant, with one request.
	// crm.Rejected: the person must sign in again; crm.Throttled: later, where
	// After says; any other error: again, some time.
	Refresh(ctx context.Context, g crm.Grant) (crm.Grant, error)
}

// Options are what a Refresher is made of. Store and Issuers are needed.
type Options struct {
	Store   Store
	Issuers Issuers
	Retry   time.Duration // from a failed refresh to the next while a connection stands; a minute where 0
	Now     func() time.Time
	Log     *zap.Logger // silent where nil
	Metrics *Metrics    // counted nowhere where nil
}

const (
	// claimTime is for how long a process has a grant to itself. A refresh
	// ends within the time that its issuer gives a request, which is less.
	claimTime = time.Minute
	// flightTime bounds a flight, with the wait for another process.
	flightTime = 2 * time.Minute
	// recheckEvery is how often is looked whether another process is done.
	recheckEvery = 300 * time.Millisecond
	// busyTime is how long a provider is left alone that asks for patience
	// and does not say how long; mostBusy is how long at most.
	busyTime = time.Minute
	mostBusy = time.Hour
)

// Refresher keeps grants fresh. It is safe for use by many goroutines.
type Refresher struct {
	o   Options
	all sync.WaitGroup // flights

	mu      sync.Mutex
	closed  bool
	flights map[place]*flight
	unsaved map[place]crm.Grant  // refreshed, but the database was away
	busy    map[string]time.Time // providers that asked for patience
}

// place names a grant.
type place struct {
	account crm.AccountID
	link    crm.LinkID
}

// flight is a refresh under way; all who need its result wait for it.
type flight struct {
	done  chan struct{}
	grant crm.Grant
	err   error
}

// New makes a Refresher.
func New(o Options) *Refresher {
	if o.Retry == 0 {
		o.Retry = time.Minute
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
	return &Refresher{o: o, flights: map[place]*flight{}, unsaved: map[place]crm.Grant{}, busy: map[string]time.Time{}}
}

// Close waits for refreshes that are under way, and for what they bring to be
// stored. Who asks for a token from then on, as a timer that has just gone off
// may, gets none.
func (r *Refresher) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.all.Wait()
	var err error
	for p := range r.unsaved {
		err = errors.Join(err, r.saveLate(ctx, p))
	}
	return err
}

// token returns a grant whose access token is to be used now and is not the
// one that the mail server has refused.
func (r *Refresher) token(ctx context.Context, p place, refused crm.Secret) (crm.Grant, error) {
	g, err := r.o.Store.Grant(ctx, p.account, p.link)
	if err != nil || r.usable(g, refused) {
		return g, err
	}
	next, err := r.renew(ctx, p, refused)
	if err != nil && crm.KindOf(err) != crm.Rejected && g.Access != refused && r.o.Now().Before(g.Expires) {
		return g, nil // the next one is late, and this one still good
	}
	return next, err
}

func (r *Refresher) usable(g crm.Grant, refused crm.Secret) bool {
	return g.Access != refused && g.Fresh(r.o.Now())
}

// renew waits for the flight that brings another token, and lets one begin if
// there is none. It goes on when ctx ends: what is under way can't be called
// back.
func (r *Refresher) renew(ctx context.Context, p place, refused crm.Secret) (crm.Grant, error) {
	for {
		f := r.board(ctx, p, refused)
		select {
		case <-f.done:
		case <-ctx.Done():
			return crm.Grant{}, ctx.Err()
		}
		// A flight that began for another reason may have found the token
		// good that we know to be refused.
		if f.err != nil || f.grant.Access != refused {
			return f.grant, f.err
		}
	}
}

func (r *Refresher) board(ctx context.Context, p place, refused crm.Secret) *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.flights[p]; f != nil {
		return f
	}
	f := &flight{done: make(chan struct{})}
	if r.closed {
		f.err = crm.E(crm.Unavailable, "grant_busy", "The daemon stops; access to this mailbox is asked for after its next start.")
		close(f.done)
		return f
	}
	r.flights[p] = f
	r.all.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTime)
		defer cancel()
		f.grant, f.err = r.fly(ctx, p, refused)
		r.mu.Lock()
		delete(r.flights, p)
		r.mu.Unlock()
		close(f.done)
	})
	return f
}

// fly refreshes a grant, or finds that another process has.
func (r *Refresher) fly(ctx context.Context, p place, refused crm.Secret) (crm.Grant, error) {
	for {
		if err := r.saveLate(ctx, p); err != nil && crm.KindOf(err) != crm.Conflict {
			return crm.Grant{}, err
		}
		g, err := r.o.Store.Grant(ctx, p.account, p.link)
		if err != nil || r.usable(g, refused) {
			return g, err
		}
		if err := r.patience(g.Provider); err != nil {
			return crm.Grant{}, err
		}
		now := r.o.Now()
		until := now.Add(claimTime)
		ours, err := r.o.Store.ClaimGrant(ctx, p.account, p.link, g, now, until)
		if err != nil {
			return crm.Grant{}, err
		}
		if ours {
			next, err := r.refresh(ctx, p, g, until)
			if crm.CodeOf(err) != "grant_changed" {
				return next, err
			}
		}
		if err := pause(ctx, recheckEvery); err != nil {
			return crm.Grant{}, crm.Wrap(crm.Unavailable, "grant_busy", "Another process was to get access to this mailbox and did not; it is tried again.", err)
		}
	}
}

// refresh asks the issuer, and stores what it gives.
func (r *Refresher) refresh(ctx context.Context, p place, g crm.Grant, until time.Time) (crm.Grant, error) {
	next, err := r.o.Issuers.Refresh(ctx, g)
	if err != nil {
		r.o.Metrics.Refreshes.WithLabelValues(crm.CodeOf(err)).Inc()
		r.note(g.Provider, err)
		if lost := r.o.Store.ReleaseGrant(ctx, p.account, p.link, until); lost != nil {
			r.o.Log.Warn("a claim can't be given back; it ends by itself", zap.String("link", string(p.link)), zap.Error(lost))
		}
		return crm.Grant{}, err
	}
	r.o.Metrics.Refreshes.WithLabelValues("ok").Inc()
	r.mu.Lock()
	r.unsaved[p] = next
	r.mu.Unlock()
	return next, r.saveLate(ctx, p)
}

// saveLate stores what a refresh has brought, if that is still to be done.
// What it was made from is worth nothing any more, so it is kept until it is
// stored or of no use: the link has ended or has another grant.
func (r *Refresher) saveLate(ctx context.Context, p place) error {
	r.mu.Lock()
	next, ok := r.unsaved[p]
	r.mu.Unlock()
	if !ok {
		return nil
	}
	err := r.o.Store.RenewGrant(ctx, p.account, p.link, next)
	if kind := crm.KindOf(err); err == nil || kind == crm.Conflict || kind == crm.NotFound {
		r.mu.Lock()
		delete(r.unsaved, p)
		r.mu.Unlock()
	} else {
		r.o.Log.Error("a token can't be stored; it is not used before that", zap.String("link", string(p.link)), zap.Error(err))
	}
	return err
}

// note remembers that a provider asks for patience: what it says to one grant
// it means for all.
func (r *Refresher) note(provider string, err error) {
	e, ok := errors.AsType[*crm.Error](err)
	if !ok || e.Kind != crm.Throttled {
		return
	}
	wait := busyTime
	if e.After > 0 {
		wait = min(e.After, mostBusy)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy[provider] = r.o.Now().Add(wait)
}

// patience is an error while a provider is to be left alone.
func (r *Refresher) patience(provider string) error {
	r.mu.Lock()
	left := r.busy[provider].Sub(r.o.Now())
	r.mu.Unlock()
	if left <= 0 {
		return nil
	}
	e := crm.E(crm.Throttled, "provider_busy", provider+" asks for patience with sign-ins; it is tried again later.")
	e.After = left
	return e
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
