package api

import (
	"context"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
	"mailsyncd.example/crm/api/wire"
)

// A preview looks back so far, and takes at most so long.
const (
	previewDays  = 7
	previewLimit = 45 * time.Second
)

// previewLink shows users what linking their mailbox would have brought in, had
// they done so a week ago, before anybody else can see any of it.
func (s *server) previewLink(ctx context.Context, in *struct{ Body wire.PreviewInput }) (*reply[wire.Preview], error) {
	q, err := s.previewed(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	q.Since = s.Now().AddDate(0, 0, -previewDays)
	ctx, cancel := context.WithTimeout(ctx, previewLimit)
	defer cancel()
	p, err := s.Watcher.Preview(ctx, q)
	if err != nil {
		return nil, s.unopened(ctx, err, nil)
	}
	return &reply[wire.Preview]{wire.PreviewOf(p)}, nil
}

// previewed finds which mailbox is asked about.
func (s *server) previewed(ctx context.Context, in wire.PreviewInput) (crm.PreviewQuery, error) {
	if in.LinkID != nil && in.HasSettings() {
		return crm.PreviewQuery{}, crm.E(crm.Invalid, "server_missing", "Say which mailbox: by link_id, or by the settings of one that is not linked, one of them.")
	}
	if in.LinkID == nil {
		settings, err := in.Settings()
		if err != nil {
			return crm.PreviewQuery{}, err
		}
		l, err := s.asked(ctx, settings)
		return crm.PreviewQuery{Account: l.Account, Login: l.login(crm.Secret(settings.Password)), Own: address.OfLink(l.Link)}, err
	}
	l, err := s.ownLink(ctx, *in.LinkID)
	if err == nil && !l.EndedAt.IsZero() {
		err = errLinkEnded()
	}
	return crm.PreviewQuery{Account: l.Account, Login: crm.Login{Link: l.ID}, Mailbox: l.Mailbox, Own: address.OfLink(l)}, err
}
