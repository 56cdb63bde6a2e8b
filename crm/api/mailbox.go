package api

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// MailboxPath names a mailbox of the account.
type MailboxPath struct {
	ID wire.ID `path:"id"`
}

// listMailboxes shows the health of all mailboxes of the account, one entry
// however many users link the same.
func (s *server) listMailboxes(ctx context.Context, in *pageInput) (*page[wire.Mailbox], error) {
	part, err := s.Store.ListHealth(ctx, account(ctx), in.paging())
	if err != nil {
		return nil, err
	}
	return mapped(part, func(h crm.Health) wire.Mailbox { return wire.MailboxOf(h, s.Now()) }), nil
}

func (s *server) getMailbox(ctx context.Context, in *MailboxPath) (*reply[wire.Mailbox], error) {
	h, err := s.Store.Health(ctx, account(ctx), crm.MailboxID(in.ID))
	if err != nil {
		return nil, err
	}
	return &reply[wire.Mailbox]{wire.MailboxOf(h, s.Now())}, nil
}

// balanceMailbox compares our books with the server now, not only at night.
func (s *server) balanceMailbox(ctx context.Context, in *MailboxPath) (*reply[wire.Mailbox], error) {
	if _, err := s.Store.Health(ctx, account(ctx), crm.MailboxID(in.ID)); err != nil {
		return nil, err
	}
	checking, cancel := context.WithTimeout(ctx, balanceLimit)
	defer cancel()
	if err := s.Watcher.Balance(checking, account(ctx), crm.MailboxID(in.ID)); err != nil {
		return nil, err
	}
	return s.getMailbox(ctx, in)
}
