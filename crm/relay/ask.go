package relay

import (
	"context"
	"errors"
	"sync"
	"time"

	"mailsyncd.example/crm"
)

const (
	// askEvery is how often a question is repeated until it is answered: the
	// mailbox may change hands while it is being worked at.
	askEvery = time.Second
	// askTime is how long a question may go round without anybody who takes
	// it: longer than it takes to find out that a process has died.
	askTime = 45 * time.Second
)

// question asks whoever works the mailbox.
type question struct {
	ID      uint64        `json:"id"` // among those of its asker
	At      place         `json:"at"`
	Balance bool          `json:"balance,omitempty"`
	Left    time.Duration `json:"left"` // how long the asker will wait; in nanoseconds
}

// answer is what became of a question, or says that somebody works on it.
type answer struct {
	ID    uint64 `json:"id"`
	Taken bool   `json:"taken,omitempty"`
	Fault *fault `json:"fault,omitempty"` // nil where all went well
}

// fault is an error on its way to another process.
type fault struct {
	Kind   crm.Kind      `json:"kind"` // "" for one that is no crm.Error
	Code   string        `json:"code"`
	Detail string        `json:"detail"`
	After  time.Duration `json:"after,omitempty"`
	Cause  string        `json:"cause,omitempty"` // for the log
}

// faultOf makes an error fit to travel.
func faultOf(err error) *fault {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*crm.Error](err)
	if !ok {
		return &fault{Cause: err.Error()}
	}
	f := &fault{Kind: e.Kind, Code: e.Code, Detail: e.Detail, After: e.After}
	if e.Err != nil {
		f.Cause = e.Err.Error()
	}
	return f
}

func (f *fault) error() error {
	if f == nil {
		return nil
	}
	var cause error
	if f.Cause != "" {
		cause = errors.New(f.Cause)
	}
	if f.Kind == "" {
		return cause
	}
	return &crm.Error{Kind: f.Kind, Code: f.Code, Detail: f.Detail, After: f.After, Err: cause}
}

// questions are those that are open: ours, and those of others that we work on.
type questions struct {
	mu   sync.Mutex
	last uint64
	open map[uint64]chan answer
	busy map[asked]bool
	work sync.WaitGroup
}

// asked names a question of another process.
type asked struct {
	by string
	id uint64
}

// Look makes the process that works the mailbox look now, and returns once it
// has, with its error if there is one. crm.Unavailable where Redis is away or
// no process takes the question.
func (r *Relay) Look(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return r.ask(ctx, question{At: place{a, m}})
}

// Balance makes the process that works the mailbox balance it; otherwise it is
// Look.
func (r *Relay) Balance(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return r.ask(ctx, question{At: place{a, m}, Balance: true})
}

// ask asks everybody, again and again, until somebody answers.
func (r *Relay) ask(ctx context.Context, q question) error {
	if err := r.Ready(); err != nil {
		return err // nobody could answer
	}
	answers, forget := r.questions.expect(&q)
	defer forget()
	again := time.NewTicker(askEvery)
	defer again.Stop()
	untaken := time.NewTimer(askTime)
	defer untaken.Stop()
	taken := false
	for ask := true; ; {
		if ask {
			q.Left = left(ctx)
			if err := r.tell(ctx, r.everybody(), message{Question: &q}); err != nil && !over(ctx) {
				return away(err)
			}
		}
		ask = false
		select {
		case a := <-answers:
			if !a.Taken {
				return a.Fault.error()
			}
			taken = true
			untaken.Reset(askTime)
		case <-again.C:
			ask = true
		case <-untaken.C:
			return errUnanswered(nil)
		case <-ctx.Done():
			if taken || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return ctx.Err()
			}
			return errUnanswered(ctx.Err())
		}
	}
}

// over tells whether the asker's time is over. A connection to Redis, which has
// its deadline from the same context, may notice before the context does.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// errUnanswered is what to say where no process takes a question.
func errUnanswered(err error) error {
	return crm.Wrap(crm.Unavailable, "mailbox_unanswered", "No process works this mailbox at the moment; try again in half a minute.", err)
}

// longest is how long a question without a deadline is worked on.
const longest = 10 * time.Minute

func left(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(time.Until(deadline), longest)
	}
	return longest
}

// expect numbers a question, and returns where its answers will be found.
func (qs *questions) expect(q *question) (<-chan answer, func()) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if qs.open == nil {
		qs.open = map[uint64]chan answer{}
	}
	qs.last++
	q.ID = qs.last
	answers := make(chan answer, 1)
	qs.open[q.ID] = answers
	return answers, func() {
		qs.mu.Lock()
		defer qs.mu.Unlock()
		delete(qs.open, q.ID)
	}
}

// answered hands an answer to who waits for it. The last word takes the place
// of one that says only that somebody works on it.
func (qs *questions) answered(a answer) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	answers := qs.open[a.ID]
	if answers == nil {
		return // it waits no more
	}
	select {
	case answers <- a:
		return
	default:
	}
	if a.Taken {
		return // at least as much has been said
	}
	select {
	case before := <-answers:
		if !before.Taken {
			a = before
		}
	default:
	}
	answers <- a // only we send, so there is room
}

// consider works on a question if the mailbox is ours to work.
func (r *Relay) consider(ctx context.Context, from string, q question) {
	if !r.Here.Works(q.At.Account, q.At.Mailbox) {
		return
	}
	name := asked{from, q.ID}
	known := r.questions.enter(name)
	to := r.only(from)
	r.questions.work.Go(func() {
		// Whoever asks learns by this that it was heard. Where it gets lost,
		// the question comes again.
		_ = r.tell(ctx, to, message{Answer: &answer{ID: q.ID, Taken: true}})
		if known {
			return
		}
		defer r.questions.leave(name)
		ctx, cancel := context.WithTimeout(ctx, q.Left)
		defer cancel()
		do := r.Here.Look
		if q.Balance {
			do = r.Here.Balance
		}
		err := do(ctx, q.At.Account, q.At.Mailbox)
		if ctx.Err() != nil {
			return // nobody waits any more, or somebody else will take it
		}
		_ = r.tell(ctx, to, message{Answer: &answer{ID: q.ID, Fault: faultOf(err)}})
	})
}

// enter notes that we work on a question, and tells whether we did before.
func (qs *questions) enter(name asked) (known bool) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if qs.busy == nil {
		qs.busy = map[asked]bool{}
	}
	known = qs.busy[name]
	qs.busy[name] = true
	return known
}

func (qs *questions) leave(name asked) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	delete(qs.busy, name)
}
