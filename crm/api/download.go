package api

import (
	"context"
	"io"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/web"
	"mailsyncd.example/crm/api/wire"
)

// rawMessage streams a message as it stood on the server.
func (s *server) rawMessage(ctx context.Context, in *MessagePath) (*huma.StreamResponse, error) {
	m, err := s.Store.Message(ctx, account(ctx), crm.MessageID(in.ID))
	if err != nil {
		return nil, err
	}
	file := web.Download{Filename: string(m.ID) + ".eml", ContentType: "message/rfc822"}
	return s.content.Download(m, file, func(raw io.Reader, w io.Writer) error {
		_, err := io.Copy(w, raw)
		return err
	}), nil
}

// attachment streams one part of a message, decoded.
func (s *server) attachment(ctx context.Context, in *struct {
	MessagePath
	Attachment wire.ID `path:"attachment_id"`
}) (*huma.StreamResponse, error) {
	m, err := s.Store.Message(ctx, account(ctx), crm.MessageID(in.ID))
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(m.Letter.Attachments, func(a crm.Attachment) bool { return a.ID == string(in.Attachment) })
	if at < 0 {
		return nil, crm.E(crm.NotFound, "attachment_not_found", "The message has no attachment with this id; its attachments list those there are.")
	}
	a := m.Letter.Attachments[at]
	return s.content.Download(m, web.Download{Filename: a.Filename, ContentType: a.ContentType}, func(raw io.Reader, w io.Writer) error {
		return s.Letters.Attachment(raw, a.ID, w)
	}), nil
}
