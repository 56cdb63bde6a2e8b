package office

import (
	"context"
	"strings"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

const mailboxColumns = `m.account, m.id, m.host, m.port, m.username, m.since`

func mailboxFields(m *crm.Mailbox) []any {
	return txn.Into(&m.Account, &m.ID, &m.Host, &m.Port, &m.Username, txn.Instant{To: &m.Since})
}

// mailboxToLink finds the mailbox that a new link is to, or makes it. One that
// no link stands for starts again, with the link's time and the folders given.
func (t tx) mailboxToLink(l crm.Link, folders []crm.Folder) (crm.MailboxID, error) {
	// Host names know no case (RFC 4343); user names may.
	host := strings.ToLower(l.Server.Host)
	var id crm.MailboxID
	var links int
	found, err := t.First(txn.Into(&id, &links), `
		SELECT m.id, (
			SELECT COUNT(*) FROM links l WHERE l.account = m.account AND l.mailbox = m.id AND l.ended_at IS NULL)
		FROM mailboxes m WHERE m.account = $1 AND m.host = $2 AND m.port = $3 AND m.username = $4`,
		t.Account, host, l.Server.Port, l.Username)
	if err != nil || links > 0 {
		return id, err // it is read already, and goes on from where it stands
	}
	if found {
		// What came while nobody had it linked is nobody's business.
		err = t.Write(`
			UPDATE mailboxes SET since = $3, mode = '', last_synced_at = NULL, last_error = '', last_error_at = NULL, error_count = 0
			WHERE account = $1 AND id = $2`, t.Account, id, txn.MS(l.LinkedAt))
	} else {
		id = crm.MailboxID(crm.NewID("mbx", l.LinkedAt))
		err = t.Write(`
			INSERT INTO mailboxes (account, id, host, port, username, since) VALUES ($1, $2, $3, $4, $5, $6)`,
			t.Account, id, host, l.Server.Port, l.Username, txn.MS(l.LinkedAt))
	}
	if err != nil {
		return "", err
	}
	return id, t.restartFolders(id, folders, l.LinkedAt)
}

// fence makes sure that nobody works the mailbox under a higher fence, and that
// nobody does so any more under a lower one. 0 does neither.
func (t tx) fence(m crm.MailboxID, f crm.Fence) error {
	var seen crm.Fence
	found, err := t.First(txn.Into(&seen), `SELECT fence FROM mailboxes WHERE account = $1 AND id = $2`, t.Account, m)
	switch {
	case err != nil:
		return err
	case !found:
		return txn.NotFound("mailbox")
	case seen >= f:
		return txn.Fenced(f, seen)
	}
	return t.Write(`UPDATE mailboxes SET fence = $3 WHERE account = $1 AND id = $2`, t.Account, m, f)
}

// HighestFence returns the highest fence that any mailbox has seen: from where
// to count on when who counts them has forgotten.
func (o *Office) HighestFence(ctx context.Context) (crm.Fence, error) {
	var highest crm.Fence
	_, err := o.db.Reading(ctx).First(txn.Into(&highest), `SELECT COALESCE(MAX(fence), 0) FROM mailboxes`)
	return highest, o.db.Fail(ctx, "read the highest fence", err)
}

// ActiveMailboxes hands over the mailboxes with a link that stands, all
// accounts together: there may be a million.
func (o *Office) ActiveMailboxes(ctx context.Context, each func(crm.AccountID, crm.MailboxID)) error {
	var account crm.AccountID // one string for all mailboxes of an account
	err := o.db.Reading(ctx).Each(func(scan txn.Scan) error {
		var a crm.AccountID
		var m crm.MailboxID
		if err := scan(&a, &m); err != nil {
			return err
		}
		if a != account {
			account = a
		}
		each(account, m)
		return nil
	}, `
		SELECT m.account, m.id FROM mailboxes m
		WHERE EXISTS (SELECT 1 FROM links l WHERE l.account = m.account AND l.mailbox = m.id AND l.ended_at IS NULL)
		ORDER BY m.account, m.id`)
	return o.db.Fail(ctx, "list active mailboxes", err)
}

// Standing returns a mailbox with the credentials that may open it, the oldest
// link's first; crm.NotFound where no link of it stands any more.
func (o *Office) Standing(ctx context.Context, a crm.AccountID, m crm.MailboxID) (crm.Standing, error) {
	var st crm.Standing
	err := o.db.Look(ctx, "read standing", func(q txn.Session) error {
		found, err := q.First(append(mailboxFields(&st.Mailbox), txn.Instant{To: &st.ReportsSince}), `
			SELECT `+mailboxColumns+`, (SELECT a.reports_since FROM accounts a WHERE a.id = m.account)
			FROM mailboxes m WHERE m.account = $1 AND m.id = $2
			AND EXISTS (SELECT 1 FROM links l WHERE l.account = m.account AND l.mailbox = m.id AND l.ended_at IS NULL)`, a, m)
		if err == nil && !found {
			return txn.NotFound("mailbox")
		}
		if err != nil {
			return err
		}
		// A login that was refused stays away from the server until it has
		// another password: trying again gets our address banned there.
		st.Logins, err = txn.All(q, func(scan txn.Scan) (crm.Login, error) {
			l := crm.Login{Account: a}
			var sealed []byte
			if err := scan(&l.Link, txn.AsJSON{To: &l.Server}, &l.Username, &l.Auth, &sealed); err != nil {
				return l, err
			}
			if l.Auth == crm.AuthOAuth2 {
				// Its tokens come and go while the login stays the same.
				g, err := o.unsealGrant(a, l.Link, sealed)
				l.Grant = g.ID
				return l, err
			}
			var err error
			l.Secret, err = o.unseal(a, l.Link, sealed)
			return l, err
		}, `
			SELECT id, server, username, auth, credential FROM links
			WHERE account = $1 AND mailbox = $2 AND ended_at IS NULL AND status <> $3
			ORDER BY linked_at, id`, a, m, crm.LinkAuthFailed)
		if err != nil {
			return err
		}
		st.Transfers, err = o.transfersOf(q, a, m)
		return err
	})
	if err != nil {
		return crm.Standing{}, err
	}
	return st, nil
}
