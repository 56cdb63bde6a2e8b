package office

import (
	"context"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
	"mailsyncd.example/crm/store/txn"
)

const linkColumns = `
	SELECT l.id, l.user_id, l.mailbox, l.preset, l.address, l.server, l.username, l.auth, l.status, l.detail,
		l.linked_at, l.ended_at, l.ended_by, l.transfer, m.last_synced_at, m.mode, m.imported
	FROM links l JOIN mailboxes m ON m.account = l.account AND m.id = l.mailbox`

func linkScanner(a crm.AccountID) func(txn.Scan) (crm.Link, error) {
	return func(scan txn.Scan) (crm.Link, error) {
		l := crm.Link{Account: a}
		err := scan(&l.ID, &l.User, &l.Mailbox, &l.Preset, &l.Address, txn.AsJSON{To: &l.Server}, &l.Username, &l.Auth,
			&l.Status, &l.Detail, txn.Instant{To: &l.LinkedAt}, txn.Instant{To: &l.EndedAt}, &l.EndedBy, txn.AsJSON{To: &l.Transfer},
			txn.Instant{To: &l.Progress.LastSyncedAt}, &l.Progress.Mode, &l.Progress.Imported)
		return l, err
	}
}

// CreateLink links l.User to the mailbox of l.Server and l.Username with this
// secret. The mailbox is made, or found where it is linked already, in which
// case its folders stay as they are; where no link of it stands any more, its
// folders start again from those given. The link begins as syncing.
//
// Errors: crm.Conflict ("link_exists") where the user has a link that stands;
// crm.Forbidden ("mail_disabled") where the account or user may have none.
func (o *Office) CreateLink(ctx context.Context, l crm.Link, secret crm.Secret, folders []crm.Folder) (crm.Link, error) {
	return o.createLink(ctx, l, secret, folders)
}

func (o *Office) createLink(ctx context.Context, l crm.Link, credential crm.Secret, folders []crm.Folder) (crm.Link, error) {
	if l.ID == "" {
		l.ID = crm.LinkID(crm.NewID("lnk", l.LinkedAt))
	}
	sealed, err := o.seal(l.Account, l.ID, credential)
	if err != nil {
		return crm.Link{}, err
	}
	// Sealed before the transaction begins: it needs nothing of it but ids.
	var made crm.Link
	err = o.change(ctx, "create link", l.Account, func(t tx) error {
		if err := t.mayLink(l.User); err != nil {
			return err
		}
		if l.Mailbox, err = t.mailboxToLink(l, folders); err != nil {
			return err
		}
		if err := t.insertLink(l, sealed); err != nil {
			return err
		}
		made, err = linkOf(t.Session, l.Account, l.ID)
		return err
	})
	return made, err
}

// mayLink tells why a user may not make a link, if so. It is asked under the
// account's lock: an account that is being disabled and a user who links twice
// at once come one after the other.
func (t tx) mayLink(id crm.UserID) error {
	account, err := accountOf(t.Session, t.Account)
	if err != nil {
		return err
	}
	user, err := userOf(t.Session, t.Account, id)
	if err != nil {
		return err
	}
	if !account.MailAllowed() || !user.Active {
		return crm.E(crm.Forbidden, "mail_disabled", "Mail is switched off for this account or user; the CRM's administrator can switch it on.")
	}
	var n int
	_, err = t.First(txn.Into(&n), `
		SELECT COUNT(*) FROM links WHERE account = $1 AND user_id = $2 AND ended_at IS NULL`, t.Account, id)
	if err == nil && n > 0 {
		return crm.E(crm.Conflict, "link_exists", "This user is linked to a mailbox already; unlink it first.")
	}
	return err
}

func (t tx) insertLink(l crm.Link, sealed []byte) error {
	server, err := txn.ToJSON(l.Server)
	if err != nil {
		return err
	}
	err = t.Write(`
		INSERT INTO links (account, id, user_id, mailbox, preset, address, server, username, auth, status, detail, turns, linked_at, credential)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', 1, $11, $12)`,
		t.Account, l.ID, l.User, l.Mailbox, l.Preset, l.Address, server, l.Username, l.Auth, crm.LinkSyncing, txn.MS(l.LinkedAt), sealed)
	if err != nil {
		return err
	}
	if err := t.setInternal(linkSource(l.ID), address.OfLink(l)); err != nil {
		return err
	}
	t.LinksChanged(l.Mailbox)
	t.Note(crm.AuditLinkCreated, string(l.ID), map[string]string{"user": string(l.User), "address": string(l.Address), "imap_host": l.Server.Host})
	t.Tell(linkEvent(crm.LinkCreated, 0, l.LinkedAt, linkData{
		Link: l.ID, User: l.User, Mailbox: l.Mailbox, Address: l.Address, Status: crm.LinkSyncing,
	}))
	return nil
}

// Link returns a link, ended or not.
func (o *Office) Link(ctx context.Context, a crm.AccountID, id crm.LinkID) (crm.Link, error) {
	l, err := linkOf(o.db.Reading(ctx), a, id)
	return l, o.db.Fail(ctx, "read link", err)
}

func linkOf(s txn.Session, a crm.AccountID, id crm.LinkID) (crm.Link, error) {
	return txn.One(s, "link", linkScanner(a), linkColumns+` WHERE l.account = $1 AND l.id = $2`, a, id)
}

// ListLinks lists one user's links, or all of the account with user "", those
// that ended too, the newest first.
func (o *Office) ListLinks(ctx context.Context, a crm.AccountID, user crm.UserID, p crm.Paging) (crm.Part[crm.Link], error) {
	_, before, err := txn.ReadCursor(p.Cursor)
	if err != nil {
		return crm.Part[crm.Link]{}, err
	}
	list, err := txn.All(o.db.Reading(ctx), linkScanner(a), linkColumns+`
		WHERE l.account = $1 AND ($2 = '' OR l.user_id = $2) AND ($3 = '' OR l.id < $3)
		ORDER BY l.id DESC LIMIT $4`, a, user, before, p.Limit+1)
	return txn.Part(list, p.Limit, func(l crm.Link) string { return txn.Cursor(0, string(l.ID)) }), o.db.Fail(ctx, "list links", err)
}

// ReplaceSecret gives a link that stands a new password; it counts as syncing
// again. crm.Conflict ("link_ended") where it has ended.
func (o *Office) ReplaceSecret(ctx context.Context, a crm.AccountID, id crm.LinkID, secret crm.Secret, at time.Time) (crm.Link, error) {
	return o.replaceCredential(ctx, a, id, crm.AuthPassword, secret)
}

func (o *Office) replaceCredential(ctx context.Context, a crm.AccountID, id crm.LinkID, auth crm.AuthMethod, credential crm.Secret) (crm.Link, error) {
	sealed, err := o.seal(a, id, credential)
	if err != nil {
		return crm.Link{}, err
	}
	var l crm.Link
	err = o.change(ctx, "replace credential", a, func(t tx) error {
		// A refresh of the grant that goes may be under way. It finds another
		// one when it comes back, and nobody waits for it meanwhile.
		n, err := t.Exec(`
			UPDATE links SET credential = $3, status = $4, detail = '', auth = $5, refreshing_until = 0
			WHERE account = $1 AND id = $2 AND ended_at IS NULL`, a, id, sealed, crm.LinkSyncing, auth)
		if err != nil {
			return err
		}
		if l, err = linkOf(t.Session, a, id); err != nil {
			return err
		}
		if n == 0 {
			return crm.E(crm.Conflict, "link_ended", "This link has ended; make a new one.")
		}
		t.LinksChanged(l.Mailbox)
		t.Note(crm.AuditCredentialChanged, string(id), map[string]string{"user": string(l.User), "address": string(l.Address)})
		return nil
	})
	if err != nil {
		return crm.Link{}, err
	}
	return l, nil
}

// EndLink ends a link and erases its credential; ending it again does nothing.
func (o *Office) EndLink(ctx context.Context, a crm.AccountID, id crm.LinkID, why crm.EndReason, at time.Time) error {
	return o.change(ctx, "end link", a, func(t tx) error {
		if _, err := linkOf(t.Session, a, id); err != nil {
			return err
		}
		return t.endLinks(why, at, oneLink(id))
	})
}

// whichLinks selects among the links of an account that stand.
type whichLinks struct {
	column string // "" for all
	value  string
}

var allLinks = whichLinks{}

func linksOfUser(id crm.UserID) whichLinks { return whichLinks{"user_id", string(id)} }
func oneLink(id crm.LinkID) whichLinks     { return whichLinks{"id", string(id)} }

// endLinks ends links that stand, erases their credentials, and tells.
func (t tx) endLinks(why crm.EndReason, at time.Time, which whichLinks) error {
	query := standingLinks + ` WHERE account = $1 AND ended_at IS NULL`
	args := []any{t.Account}
	if which.column != "" {
		query += ` AND ` + which.column + ` = $2`
		args = append(args, which.value)
	}
	ending, err := txn.All(t.Session, scanStandingLink, query+` ORDER BY id`, args...)
	if err != nil {
		return err
	}
	for _, l := range ending {
		if err := t.endLink(l, why, at); err != nil {
			return err
		}
	}
	return nil
}

func (t tx) endLink(l standingLink, why crm.EndReason, at time.Time) error {
	err := t.Write(`
		UPDATE links SET ended_at = $3, ended_by = $4, status = $5, detail = '', credential = NULL, transfer = NULL, turns = turns + 1
		WHERE account = $1 AND id = $2`, t.Account, l.id, txn.MS(at), why, crm.LinkUnlinked)
	if err != nil {
		return err
	}
	if err := t.setInternal(linkSource(l.id), nil); err != nil {
		return err
	}
	if err := t.countFromOldest(l.mailbox); err != nil {
		return err
	}
	t.LinksChanged(l.mailbox)
	t.Note(crm.AuditLinkEnded, string(l.id), map[string]string{"user": string(l.user), "address": string(l.address), "reason": string(why)})
	t.Tell(l.event(crm.LinkEnded, at, linkData{Status: crm.LinkUnlinked, Reason: why}))
	return nil
}
