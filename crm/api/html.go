package api

import (
	"context"
	"net/url"
	"slices"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
	"mailsyncd.example/crm/safehtml"
)

// addHTML adds a message's HTML to its view. Where it can't be read the rest
// is shown nevertheless: the text is worth more than an error page.
func (s *server) addHTML(ctx context.Context, m crm.Message, remote bool, view *wire.Message) {
	if !m.Letter.HasHTML {
		return
	}
	html, blocked, err := s.html(ctx, m, remote)
	if err != nil {
		s.Log.Error("HTML of a message can't be read", zap.String("account", string(m.Account)), zap.String("message", string(m.ID)), zap.Error(err))
		view.Degraded = true
		view.DegradedReasons = append(slices.Clone(view.DegradedReasons), "The HTML can't be read at the moment.")
		return
	}
	view.HTML, view.RemoteBlocked = &html, blocked
}

// html cleans the message's HTML each time it is read, so that a better
// cleaner serves old mail too.
func (s *server) html(ctx context.Context, m crm.Message, remote bool) (clean string, blocked int, err error) {
	raw, err := s.Blobs.Open(ctx, m.Account, m.Raw)
	if err != nil {
		return "", 0, err
	}
	defer raw.Close()
	hostile, err := s.Letters.HTML(raw)
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
