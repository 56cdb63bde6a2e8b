// Package content takes out of raw messages what their readers ask for: the
// whole, a part, the HTML without what is harmful in it.
package content

import (
	"context"
	"io"
	"net/url"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/web"
	"mailsyncd.example/crm/api/wire"
	"mailsyncd.example/crm/safehtml"
)

// Blobs keeps raw messages.
type Blobs interface {
	// Open reads a blob; crm.NotFound where there is none.
	Open(ctx context.Context, a crm.AccountID, ref crm.BlobRef) (io.ReadCloser, error)
}

// Letters reads parts out of raw messages.
type Letters interface {
	// HTML returns the message's HTML as it was written: hostile until cleaned.
	HTML(raw io.Reader) (string, error)
	// Attachment hands the decoded bytes of the part with this id to w.
	Attachment(raw io.Reader, id string, w io.Writer) error
}

// Reader reads messages.
type Reader struct {
	Blobs   Blobs
	Letters Letters
	Log     *zap.Logger
}

// AddHTML adds a message's HTML to its view. Where it can't be read the rest
// is shown nevertheless: the text is worth more than an error page.
func (r Reader) AddHTML(ctx context.Context, m crm.Message, remote bool, view *wire.Message) {
	if !m.Letter.HasHTML {
		return
	}
	html, blocked, err := r.html(ctx, m, remote)
	if err != nil {
		r.Log.Error("HTML of a message can't be read", zap.String("account", string(m.Account)), zap.String("message", string(m.ID)), zap.Error(err))
		view.Degraded = true
		view.DegradedReasons = append(slices.Clone(view.DegradedReasons), "The HTML can't be read at the moment.")
		return
	}
	view.HTML, view.RemoteBlocked = &html, blocked
}

// html cleans the message's HTML each time it is read, so that a better
// cleaner serves old mail too.
func (r Reader) html(ctx context.Context, m crm.Message, remote bool) (clean string, blocked int, err error) {
	raw, err := r.Blobs.Open(ctx, m.Account, m.Raw)
	if err != nil {
		return "", 0, err
	}
	defer raw.Close()
	hostile, err := r.Letters.HTML(raw)
	if err != nil {
		return "", 0, err
	}
	clean, blocked = safehtml.Clean(hostile, safehtml.Options{Remote: remote, Image: func(cid string) (string, bool) {
		at := slices.IndexFunc(m.Letter.Attachments, func(a crm.Attachment) bool { return a.ContentID == cid })
		if at < 0 || cid == "" {
			return "", false
		}
		return "/v1/messages/" + url.PathEscape(string(m.ID)) + "/attachments/" + url.PathEscape(m.Letter.Attachments[at].ID), true
	}})
	return clean, blocked, nil
}

// Download answers with what read takes out of the message's raw bytes.
func (r Reader) Download(m crm.Message, file web.Download, read func(raw io.Reader, w io.Writer) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		req, w := humago.Unwrap(hctx)
		raw, err := r.Blobs.Open(req.Context(), m.Account, m.Raw)
		if err != nil {
			web.WriteProblem(w, web.ProblemOf(req.Context(), r.Log, contentLost(err)))
			return
		}
		defer raw.Close()
		err = file.Send(w, func(w io.Writer) error { return read(raw, w) }, func(err error) {
			if req.Context().Err() == nil {
				r.Log.Error("a download broke off", zap.String("request_id", web.VisitOf(req.Context()).ID), zap.Error(err))
			}
		})
		if err != nil {
			web.WriteProblem(w, web.ProblemOf(req.Context(), r.Log, err))
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
