package api

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// MessagePath names a message of the account.
type MessagePath struct {
	ID wire.ID `path:"id"`
}

// listMessages leaves out the HTML, which has to be read out of each raw message.
func (s *server) listMessages(ctx context.Context, in *struct {
	Paging
	Contact wire.ForeignID `query:"contact_id"`
	Thread  wire.ID        `query:"thread_id"`
	Header  wire.Name      `query:"message_id" maxLength:"1000" doc:"A Message-ID, with or without angle brackets."`
}) (*page[wire.Message], error) {
	part, err := s.Store.ListMessages(ctx, account(ctx), crm.MessageQuery{
		Contact: crm.ContactID(in.Contact), Thread: crm.ThreadID(in.Thread), HeaderID: wire.HeaderID(string(in.Header)), WithText: true, Paging: in.paging(),
	})
	if err != nil {
		return nil, err
	}
	return mapped(part, wire.MessageOf), nil
}

// getMessage reads one message. Its images come from elsewhere only where the
// reader asks for them, because to load them tells the sender.
func (s *server) getMessage(ctx context.Context, in *struct {
	MessagePath
	Remote bool `query:"remote" doc:"true lets the HTML load images from elsewhere, which tells their owner that it was read."`
}) (*reply[wire.Message], error) {
	m, err := s.Store.Message(ctx, account(ctx), crm.MessageID(in.ID))
	if err != nil {
		return nil, err
	}
	view := wire.MessageOf(m)
	s.content.AddHTML(ctx, m, in.Remote, &view)
	return &reply[wire.Message]{view}, nil
}

// deleteMessage erases the row first and the bytes after it: bytes without a
// row are rubbish, a row without bytes would be a broken promise.
func (s *server) deleteMessage(ctx context.Context, in *MessagePath) (*none, error) {
	ref, err := s.Store.DeleteMessage(ctx, account(ctx), crm.MessageID(in.ID), s.Now())
	if err != nil || ref == "" {
		return nil, err
	}
	if err := s.Blobs.Delete(ctx, account(ctx), ref); err != nil && crm.KindOf(err) != crm.NotFound {
		return nil, crm.Wrap(crm.Unavailable, "content_not_erased", "The message is deleted, but its raw bytes could not be erased; its operator finds them in the log.", err)
	}
	return nil, nil
}
