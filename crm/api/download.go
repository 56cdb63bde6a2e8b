package api

import (
	"context"
	"io"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"

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
	return s.download(m, file, func(raw io.Reader, w io.Writer) error {
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
	return s.download(m, web.Download{Filename: a.Filename, ContentType: a.ContentType}, func(raw io.Reader, w io.Writer) error {
		return s.Letters.Attachment(raw, a.ID, w)
	}), nil
}

// download answers with what read takes out of the message's raw bytes.
func (s *server) download(m crm.Message, file web.Download, read func(raw io.Reader, w io.Writer) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		r, w := humago.Unwrap(hctx)
		raw, err := s.Blobs.Open(r.Context(), m.Account, m.Raw)
		if err != nil {
			web.WriteProblem(w, web.ProblemOf(r.Context(), s.Log, contentLost(err)))
			return
		}
		defer raw.Close()
		err = file.Send(w, func(w io.Writer) error { return read(raw, w) }, func(err error) {
			if r.Context().Err() == nil {
				s.Log.Error("a download broke off", zap.String("request_id", web.VisitOf(r.Context()).ID), zap.Error(err))
			}
		})
		if err != nil {
			web.WriteProblem(w, web.ProblemOf(r.Context(), s.Log, err))
		}
	}}
}

// contentLost is what a row without its bytes means: not the caller's fault.
func contentLost(err error) error {
	if crm.KindOf(err) != crm.NotFound {
		return err
	}
	return crm.Wrap(crm.Internal, "content_lost", "The bytes of this message are missing where raw mail is kept; ask the operator to restore them.", err)
}
