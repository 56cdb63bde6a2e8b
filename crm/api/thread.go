package api

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// listThreads is open to the whole account, also where a contact's profile is
// not: only ids of contacts are in it.
func (s *server) listThreads(ctx context.Context, in *struct {
	Paging
	Contact wire.ForeignID `query:"contact_id"`
	Mailbox wire.ID        `query:"mailbox_id"`
	Text    wire.Name      `query:"q" doc:"Must stand in the subject, text or addresses of a message."`
	Waiting bool           `query:"waiting" doc:"Only those whose last mail by a person is to us: they wait for an answer."`
}) (*page[wire.Thread], error) {
	part, err := s.Store.ListThreads(ctx, account(ctx), crm.ThreadQuery{
		Contact: crm.ContactID(in.Contact), Mailbox: crm.MailboxID(in.Mailbox), Text: string(in.Text), Waiting: in.Waiting, Paging: in.paging(),
	})
	if err != nil {
		return nil, err
	}
	return mapped(part, wire.ThreadOf), nil
}

// getThread reads a long thread page by page, the oldest messages first, as
// people read a conversation.
func (s *server) getThread(ctx context.Context, in *struct {
	ID wire.ID `path:"id"`
	Paging
}) (*reply[wire.ThreadWithMessages], error) {
	t, err := s.Store.Thread(ctx, account(ctx), crm.ThreadID(in.ID))
	if err != nil {
		return nil, err
	}
	part, err := s.Store.ThreadMessages(ctx, t.Account, t.ID, in.paging())
	if err != nil {
		return nil, err
	}
	return &reply[wire.ThreadWithMessages]{wire.ThreadWithMessages{
		Thread: wire.ThreadOf(t), Messages: wire.Each(part.Items, wire.MessageOf), Next: part.Next,
	}}, nil
}
