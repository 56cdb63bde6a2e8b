package api

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/access"
	"mailsyncd.example/crm/api/wire"
	"mailsyncd.example/crm/preset"
)

// LinkPath names a link of the account.
type LinkPath struct {
	ID wire.ID `path:"id"`
}

// createLink opens the mailbox first: what does not work is never stored. Mail
// received from the moment of that look on is the link's.
func (s *server) createLink(ctx context.Context, in *struct{ Body wire.LinkInput }) (*reply[wire.Link], error) {
	if err := s.mayLink(ctx); err != nil {
		return nil, err
	}
	l, err := s.asked(ctx, in.Body)
	if err == nil && l.Auth == crm.AuthOAuth2 {
		err = errOAuthPreset()
	}
	if err != nil {
		return nil, err
	}
	probe, err := s.probe(ctx, l.login(crm.Secret(in.Body.Password)))
	if err != nil {
		return nil, err
	}
	l.ID, l.LinkedAt = crm.LinkID(crm.NewID("lnk", s.Now())), probe.At
	made, err := s.Store.CreateLink(ctx, l.Link, crm.Secret(in.Body.Password), probe.Folders)
	if err != nil {
		return nil, err
	}
	return &reply[wire.Link]{wire.LinkOf(made)}, nil
}

// mayLink refuses what would be refused at the end anyway, before a mail
// server is troubled. The store decides; this only saves the trouble.
func (s *server) mayLink(ctx context.Context) error {
	c := caller(ctx)
	if !c.Account.MailAllowed() {
		return crm.E(crm.Forbidden, "mail_disabled", "Mail is switched off for this account; ask its operator to switch it on.")
	}
	l, err := s.standingLink(ctx)
	if err == nil {
		return crm.E(crm.Conflict, "link_exists", "You have linked "+string(l.Address)+" already; unlink it first.")
	}
	if crm.KindOf(err) == crm.NotFound {
		return nil
	}
	return err
}

// standingLink finds the caller's link that has not ended.
func (s *server) standingLink(ctx context.Context) (crm.Link, error) {
	c := caller(ctx)
	for next := (crm.Paging{Limit: 200}); ; {
		part, err := s.Store.ListLinks(ctx, c.Account.ID, c.User.ID, next)
		if err != nil {
			return crm.Link{}, err
		}
		for _, l := range part.Items {
			if l.EndedAt.IsZero() {
				return l, nil
			}
		}
		if part.Next == "" {
			return crm.Link{}, crm.E(crm.NotFound, "no_link", "You have not linked a mailbox; link one first.")
		}
		next.Cursor = part.Next
	}
}

// listLinks shows links that ended, too: their mail is still there, and where it
// came from is a fair question.
func (s *server) listLinks(ctx context.Context, in *pageInput) (*page[wire.Link], error) {
	c := caller(ctx)
	var user crm.UserID // "": everybody's
	if !access.May(c, access.SeeAllLinks) {
		user = c.User.ID
	}
	part, err := s.Store.ListLinks(ctx, c.Account.ID, user, in.paging())
	if err != nil {
		return nil, err
	}
	return mapped(part, wire.LinkOf), nil
}

func (s *server) getLink(ctx context.Context, in *LinkPath) (*reply[wire.Link], error) {
	l, err := s.visibleLink(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &reply[wire.Link]{wire.LinkOf(l)}, nil
}

// updateLink gives a link a new password, once it is known to work. It may take
// the place of a grant.
func (s *server) updateLink(ctx context.Context, in *struct {
	LinkPath
	Body wire.LinkPatch
}) (*reply[wire.Link], error) {
	l, err := s.ownLink(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if !l.EndedAt.IsZero() {
		return nil, errLinkEnded()
	}
	secret := crm.Secret(in.Body.Password)
	if l.Transfer != nil && l.Auth == crm.AuthPassword {
		if moved, err := s.transferWith(ctx, l, secret); moved != nil || err != nil {
			return moved, err
		}
	}
	l.Auth = crm.AuthPassword
	if _, err := s.probe(ctx, asking{Link: l}.login(secret)); err != nil {
		return nil, err
	}
	if l, err = s.Store.ReplaceSecret(ctx, l.Account, l.ID, secret, s.Now()); err != nil {
		return nil, err
	}
	return &reply[wire.Link]{wire.LinkOf(l)}, nil
}

// transferWith takes a link to where its preset wants it, if the new password
// works there: it may be the one for there. nil where it does not, and where no
// password of an encrypted connection may be sent.
func (s *server) transferWith(ctx context.Context, l crm.Link, secret crm.Secret) (*reply[wire.Link], error) {
	p, err := s.Store.Preset(ctx, l.Account, l.Preset)
	if err != nil {
		return nil, err
	}
	if to := preset.Follow(p, l); to == nil || to.Refused || !to.Same(l.Transfer) {
		return nil, nil
	}
	there := l
	there.Server, there.Username = l.Transfer.Server, l.Transfer.Username
	if _, err := s.probe(ctx, asking{there}.login(secret)); err != nil {
		return nil, nil // where it stands has the last word
	}
	l, err = s.Store.TransferLink(ctx, l.Account, l.ID, *l.Transfer, secret, 0, s.Now())
	if err != nil {
		return nil, err
	}
	return &reply[wire.Link]{wire.LinkOf(l)}, nil
}

func (s *server) deleteLink(ctx context.Context, in *LinkPath) (*none, error) {
	l, err := s.ownLink(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.Store.EndLink(ctx, l.Account, l.ID, crm.EndedUnlinked, s.Now())
}

// lookLink is what a "sync now" button calls. It answers with the link as it
// stands after the look.
func (s *server) lookLink(ctx context.Context, in *LinkPath) (*reply[wire.Link], error) {
	l, err := s.visibleLink(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if !l.EndedAt.IsZero() {
		return nil, errLinkEnded()
	}
	looking, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	if err := s.Watcher.Look(looking, l.Account, l.Mailbox); err != nil {
		return nil, err
	}
	if l, err = s.Store.Link(ctx, l.Account, l.ID); err != nil {
		return nil, err
	}
	return &reply[wire.Link]{wire.LinkOf(l)}, nil
}

// receiptLink shows a link's user what was read of their mailbox and what was
// not, and that every message is accounted for.
func (s *server) receiptLink(ctx context.Context, in *LinkPath) (*reply[wire.LinkReceipt], error) {
	l, err := s.visibleLink(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if !l.EndedAt.IsZero() {
		return nil, errLinkEnded()
	}
	h, err := s.Store.Health(ctx, l.Account, l.Mailbox)
	if err != nil {
		return nil, err
	}
	return &reply[wire.LinkReceipt]{wire.LinkReceipt{Receipt: wire.ReceiptOf(h.Receipt), Balance: wire.BalanceOf(h.Folders)}}, nil
}

func errLinkEnded() error {
	return crm.E(crm.Conflict, "link_ended", "This link has ended; link the mailbox anew.")
}

// visibleLink finds a link that the caller may see. Somebody else's is not
// found for a user who may see their own only.
func (s *server) visibleLink(ctx context.Context, id wire.ID) (crm.Link, error) {
	c := caller(ctx)
	l, err := s.Store.Link(ctx, c.Account.ID, crm.LinkID(id))
	if err != nil {
		return crm.Link{}, err
	}
	if !isOwn(c, l) && !access.May(c, access.SeeAllLinks) {
		return crm.Link{}, crm.E(crm.NotFound, "link_not_found", "You have no link with this id.")
	}
	return l, nil
}

// ownLink finds a link of the caller's own: nobody else may unlink it or
// change its password, whatever their role.
func (s *server) ownLink(ctx context.Context, id wire.ID) (crm.Link, error) {
	l, err := s.visibleLink(ctx, id)
	if err != nil {
		return crm.Link{}, err
	}
	if !isOwn(caller(ctx), l) {
		return crm.Link{}, crm.E(crm.Forbidden, "link_not_yours", "Only the link's own user may do this; disabling the user ends the link as well.")
	}
	return l, nil
}

func isOwn(c crm.Caller, l crm.Link) bool { return c.User != nil && c.User.ID == l.User }
