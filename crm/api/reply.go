package api

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// Limits on a check for a reply.
const (
	freshLimit    = 10 * time.Second
	staleLimit    = 24 * time.Hour
	lookersAtOnce = 64 // mailboxes that one request has looked at side by side
	freshEnough   = time.Second
)

// checkReply is what automation asks right before it sends.
func (s *server) checkReply(ctx context.Context, in *struct {
	ContactPath
	StalePolicy
	Since time.Time `query:"since" doc:"Replies received from then on count, to the second; left out, all do."`
	Fresh wire.Span `query:"fresh" example:"2s" doc:"Have all mailboxes looked at now, and wait for so long at most: up to 10s."`
}) (*reply[wire.ReplyCheck], error) {
	fresh, err := in.Fresh.Within("fresh", freshLimit)
	if err != nil {
		return nil, err
	}
	staleAfter, err := in.staleAfter()
	if err != nil {
		return nil, err
	}
	check, err := s.Store.ReplyCheck(ctx, account(ctx), in.contact(), in.Since)
	if err == nil && fresh > 0 && check.Message == "" {
		s.lookAt(ctx, check.Mailboxes, fresh)
		check, err = s.Store.ReplyCheck(ctx, account(ctx), in.contact(), in.Since)
	}
	if err != nil {
		return nil, err
	}
	return &reply[wire.ReplyCheck]{wire.ReplyCheckOf(check, s.Now(), staleAfter)}, nil
}

// lookAt has the mailboxes looked at now and returns once that is done, or the
// time is over. One that was looked at within the last second is not looked at
// again, and a look that is going on serves all who ask: a campaign that checks
// a thousand contacts at once asks the mail servers as much as one that checks
// one each second. Mailboxes that can't be read are left to their keepers, who
// know how long to leave their servers alone. That a look failed shows in the
// mailbox's time, which is then an old one.
func (s *server) lookAt(ctx context.Context, mailboxes []crm.Freshness, wait time.Duration) {
	looking, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	recently := s.Now().Add(-freshEnough)
	var lookers errgroup.Group
	lookers.SetLimit(lookersAtOnce)
	for _, m := range mailboxes {
		if m.Broken() || m.SyncedAt.After(recently) {
			continue
		}
		lookers.Go(func() error {
			if looking.Err() == nil {
				s.looks.share(looking, look{account(ctx), m.Mailbox}, func(ctx context.Context) {
					_ = s.Watcher.Look(ctx, account(ctx), m.Mailbox)
				})
			}
			return nil
		})
	}
	_ = lookers.Wait() // none returns an error
}

// look names a look at a mailbox.
type look struct {
	account crm.AccountID
	mailbox crm.MailboxID
}

// looks are those that are going on.
type looks struct {
	mu    sync.Mutex
	going map[look]*shared
}

// shared is a look for which several wait.
type shared struct {
	done    chan struct{}
	waiting int
	cancel  context.CancelFunc
}

// share does something unless it is being done, and returns when it is done, or
// ctx ends. It goes on for as long as anybody waits for it.
func (l *looks) share(ctx context.Context, k look, do func(context.Context)) {
	l.mu.Lock()
	s := l.going[k]
	if s == nil {
		doing, cancel := context.WithCancel(context.WithoutCancel(ctx))
		s = &shared{done: make(chan struct{}), cancel: cancel}
		l.going[k] = s
		go func() {
			do(doing)
			l.mu.Lock()
			defer l.mu.Unlock()
			l.end(k, s)
			close(s.done)
		}()
	}
	s.waiting++
	l.mu.Unlock()
	select {
	case <-s.done:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.waiting--; s.waiting == 0 {
		s.cancel()
		l.end(k, s) // who asks from now on wants one that is not broken off
	}
}

// end makes room for the next look.
func (l *looks) end(k look, s *shared) {
	if l.going[k] == s {
		delete(l.going, k)
	}
}
