package outbox

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"mailsyncd.example/crm"
)

// StreamStore is what the Streamer needs of the database.
type StreamStore interface {
	ListEvents(ctx context.Context, a crm.AccountID, after int64, limit int) ([]crm.Event, error)
	// LastEvent returns the number of an account's latest event; crm.NotFound
	// where there is no such account.
	LastEvent(ctx context.Context, a crm.AccountID) (int64, error)
	// LastEvents returns the same for the accounts whose ids follow after, in
	// the order of their ids, at most limit.
	LastEvents(ctx context.Context, after crm.AccountID, limit int) ([]crm.LastEvent, error)
}

// Streams hold the latest events of each account for consumers. An error of
// kind crm.Unavailable concerns all of them, any other the account's alone.
type Streams interface {
	// Positions returns for each account the number of the last event that was
	// added to its stream: 0 where there is no stream, and -1 where there is
	// something else, which Append refuses.
	Positions(ctx context.Context, accounts []crm.AccountID) ([]int64, error)
	// Append adds events to a stream that stands at the position after, keeps
	// the last keep or a few more, and returns where the stream stands then.
	// Where it stood elsewhere nothing is added.
	Append(ctx context.Context, a crm.AccountID, after int64, events []crm.Event, keep int) (int64, error)
	Delete(ctx context.Context, a crm.AccountID) error
	// List returns some of the accounts that have a stream, and the cursor for
	// the next ones; cursors begin and end with 0.
	List(ctx context.Context, cursor uint64) ([]crm.AccountID, uint64, error)
	// Hold takes a duty for a time, or keeps it; held is false while another
	// process has it, and kept where this one did not have it until now.
	Hold(ctx context.Context, duty string, lease time.Duration) (held, kept bool, err error)
}

// StreamerOptions is what a Streamer is made of. Pace has a default.
type StreamerOptions struct {
	Store   StreamStore
	Streams Streams
	Bell    *Bell
	Now     func() time.Time
	Log     *zap.Logger
	Metrics *StreamMetrics
	// Pace is the time between two pages of the comparison of all accounts
	// with their streams, and how long to wait after a failure. 0.5 s.
	Pace time.Duration
}

const (
	// streamKeeps is how many events a stream keeps: what a hundred mailboxes
	// bring in a day and may bring at once after an outage of their server (25
	// mails each, two events a mail). They take 2 MB of Redis' memory.
	streamKeeps = 5000

	streamPage     = 200 // events in one step: a tenth of a megabyte or so
	streamTurn     = 5   // steps of one account before others have their turn
	streamRound    = 64  // accounts before new ones are asked for
	streamParallel = 8   // accounts at the same time
	streamPatience = 3 * time.Second
)

// Streamer brings committed events to the streams of their accounts: at least
// once, in order. The process that wrote an event adds it at once. What a
// process that was killed has left behind, or a stream that lost its data, is
// found by comparing all accounts with their streams, which one process does at
// a time. All that is to be remembered stands in the database and in the
// streams, so it may be stopped or killed at any moment.
type Streamer struct {
	StreamerOptions
	compare comparison
	away    bool      // the streams, or the database, could not be worked with
	resume  time.Time // nothing is tried before that

	mu     sync.Mutex
	behind map[crm.AccountID]arrears
}

// arrears are those of an account whose stream lacks events.
type arrears struct {
	since  time.Time // when the first of these was written, as far as is known
	turned time.Time // when it had its last turn
	after  time.Time // not to be tried before that
}

// NewStreamer makes a Streamer.
func NewStreamer(o StreamerOptions) *Streamer {
	o.Pace = cmp.Or(o.Pace, time.Second/2)
	return &Streamer{StreamerOptions: o, behind: map[crm.AccountID]arrears{}}
}

// Run brings events to their streams until ctx ends.
func (s *Streamer) Run(ctx context.Context) error {
	news := s.Bell.ListenOwn()
	defer news.Leave()
	tick := time.NewTicker(s.Pace)
	defer tick.Stop()
	for {
		s.note(news.Take()...)
		again := s.attempt(ctx, s.compareSome)
		again = s.attempt(ctx, s.round) || again
		s.Metrics.Lag.Set(s.lag().Seconds())
		if again {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-news.Ring():
		case <-tick.C:
		}
	}
}

// effort is what came of a piece of work.
type effort int

const (
	idle effort = iota // there was nothing to do
	done               // it went well
	more               // it went well, and there is more to do at once
)

// attempt does a piece of work, unless the last one has failed just now, and
// reports whether there is more to do at once. When things go well again all
// accounts are compared: Redis may have lost its data.
func (s *Streamer) attempt(ctx context.Context, do func(context.Context) (effort, error)) bool {
	if s.Now().Before(s.resume) || ctx.Err() != nil {
		return false
	}
	e, err := do(ctx)
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		if s.Metrics.Failures.Inc(); !s.away {
			s.Log.Error("events can't be added to their streams; said once until it goes well again", zap.Error(err))
		}
		s.away, s.resume = true, s.Now().Add(s.Pace)
		return false
	case s.away && e != idle:
		s.away = false
		s.compare.hurry()
		s.Log.Info("events are added to their streams again")
		return true
	}
	return e == more
}

// note writes down that the streams of these accounts lack events.
func (s *Streamer) note(accounts ...crm.AccountID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range accounts {
		if _, known := s.behind[a]; !known {
			s.behind[a] = arrears{since: s.Now()}
		}
	}
}

// lag is the age of the oldest event that is known to be in no stream yet.
func (s *Streamer) lag() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	oldest := now
	for _, b := range s.behind {
		if b.since.Before(oldest) {
			oldest = b.since
		}
	}
	return now.Sub(oldest)
}

// round gives accounts that are behind a turn, those that waited longest for
// one first.
func (s *Streamer) round(ctx context.Context) (effort, error) {
	due := s.due()
	if len(due) == 0 {
		return idle, nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(streamParallel)
	for _, a := range due[:min(len(due), streamRound)] {
		g.Go(func() error { return s.turn(ctx, a) })
	}
	if err := g.Wait(); err != nil {
		return idle, err
	}
	if len(s.due()) > 0 {
		return more, nil
	}
	return done, nil
}

func (s *Streamer) due() []crm.AccountID {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	var due []crm.AccountID
	for a, b := range s.behind {
		if !b.after.After(now) {
			due = append(due, a)
		}
	}
	slices.SortFunc(due, func(a, b crm.AccountID) int { return s.behind[a].turned.Compare(s.behind[b].turned) })
	return due
}

// turn adds an account's next events to its stream. What is wrong with this
// stream alone is not returned; it is tried again later.
func (s *Streamer) turn(ctx context.Context, a crm.AccountID) error {
	ctx, cancel := context.WithTimeout(ctx, streamPatience)
	defer cancel()
	upToDate, err := s.add(ctx, a)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.behind[a]
	b.turned = s.Now()
	own, isOwn := errors.AsType[*streamError](err)
	switch {
	case isOwn:
		s.Metrics.Failures.Inc()
		s.Log.Error("events of an account can't be added to its stream", zap.String("account", string(a)), zap.Error(own.err))
		b.after = b.turned.Add(streamPatience)
	case err != nil:
		return err
	case upToDate:
		delete(s.behind, a)
		return nil
	}
	s.behind[a] = b
	return nil
}

// streamError concerns the stream of one account and no other.
type streamError struct{ err error }

func (e *streamError) Error() string { return e.err.Error() }
func (e *streamError) Unwrap() error { return e.err }

// ofStream marks an error of Streams that concerns one account alone.
func ofStream(err error) error {
	if err != nil && crm.KindOf(err) != crm.Unavailable {
		return &streamError{err}
	}
	return err
}

// add adds an account's next events to its stream, and reports whether these
// were all.
func (s *Streamer) add(ctx context.Context, a crm.AccountID) (upToDate bool, err error) {
	position, read, err := s.begin(ctx, a)
	for range streamTurn {
		if err != nil {
			return false, err
		}
		var events []crm.Event
		if events, err = s.Store.ListEvents(ctx, a, read, streamPage); err != nil || len(events) == 0 {
			return err == nil, err
		}
		s.oldest(a, events[0].At)
		before := position
		position, err = s.Streams.Append(ctx, a, before, events, streamKeeps)
		if err = ofStream(err); err == nil && position == events[len(events)-1].Seq {
			s.Metrics.Added.Add(float64(len(events)))
		}
		read = position
	}
	return false, err
}

// begin returns where an account's stream stands, and the number of the event
// after which it goes on: that is later where the stream is new or has lost its
// data, for it keeps the last events only. Of an account that is gone it takes
// the stream away.
func (s *Streamer) begin(ctx context.Context, a crm.AccountID) (position, after int64, err error) {
	positions, err := s.Streams.Positions(ctx, []crm.AccountID{a})
	if err != nil {
		return 0, 0, ofStream(err)
	}
	position = positions[0]
	last, err := s.Store.LastEvent(ctx, a) // after the position was read, so that it can't be behind it
	gone := crm.KindOf(err) == crm.NotFound
	if err != nil && !gone {
		return 0, 0, err
	}
	if gone || position > last {
		// Of a stream that is ahead of its account the database was put back
		// to an earlier state: its numbers are given out again.
		if err := s.Streams.Delete(ctx, a); err != nil {
			return 0, 0, ofStream(err)
		}
		position = 0
	}
	if position == 0 {
		return 0, max(0, last-streamKeeps), nil
	}
	return position, position, nil
}

// oldest notes when the first event was written that an account's stream lacks.
func (s *Streamer) oldest(a crm.AccountID, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.behind[a]; at.Before(b.since) {
		b.since = at
		s.behind[a] = b
	}
}
