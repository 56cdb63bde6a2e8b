package api

import (
	"context"
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
// time is over. All who ask before a look begins share it: a campaign that checks
// a thousand contacts at once asks a mail server for one look after the other and
// no more. Mailboxes that can't be read are left to their keepers, who know how
// long to leave their servers alone. That a look failed shows in the mailbox's
// time, which is then an old one.
func (s *server) lookAt(ctx context.Context, mailboxes []crm.Freshness, wait time.Duration) {
	looking, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var lookers errgroup.Group
	lookers.SetLimit(lookersAtOnce)
	for _, m := range mailboxes {
		if m.Broken() {
			continue
		}
		lookers.Go(func() error {
			if looking.Err() == nil {
				_ = s.Watcher.Look(looking, account(ctx), m.Mailbox)
			}
			return nil
		})
	}
	_ = lookers.Wait() // none returns an error
}
