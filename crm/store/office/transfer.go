package office

import (
	"context"
	"strings"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
	"mailsyncd.example/crm/preset"
	"mailsyncd.example/crm/store/txn"
)

// follow notes where the links made from a preset are to be now, and returns
// how many of them are to be tried there.
func (t tx) follow(p crm.Preset) (following int, err error) {
	links, err := txn.All(t.Session, linkScanner(t.Account), linkColumns+`
		WHERE l.account = $1 AND l.preset = $2 AND l.ended_at IS NULL ORDER BY l.id`, t.Account, p.ID)
	if err != nil {
		return 0, err
	}
	for _, l := range links {
		to := preset.Follow(p, l)
		if to == nil && l.Transfer == nil {
			continue
		}
		if err := t.setTransfer(l.ID, to); err != nil {
			return 0, err
		}
		if to != nil && !to.Refused {
			following++
			t.LinksChanged(l.Mailbox)
		}
	}
	return following, nil
}

// setTransfer notes where a link is to be; nil: where it is.
func (t tx) setTransfer(id crm.LinkID, to *crm.Transfer) error {
	var text any
	if to != nil {
		var err error
		if text, err = txn.ToJSON(to); err != nil {
			return err
		}
	}
	return t.Write(`UPDATE links SET transfer = $3 WHERE account = $1 AND id = $2`, t.Account, id, text)
}

// transfersOf are the logins with which links of a mailbox are to be tried
// elsewhere. One that is refused where it is now may work there. A grant is good
// for its provider's server alone and is never shown to another.
func (o *Office) transfersOf(q txn.Session, a crm.AccountID, m crm.MailboxID) ([]crm.Login, error) {
	var logins []crm.Login
	err := q.Each(func(scan txn.Scan) error {
		l := crm.Login{Account: a}
		var to *crm.Transfer
		var sealed []byte
		err := scan(&l.Link, txn.AsJSON{To: &to}, &l.Auth, &sealed)
		if err != nil || to == nil || to.Refused {
			return err
		}
		l.Server, l.Username = to.Server, to.Username
		l.Secret, err = o.unseal(a, l.Link, sealed)
		logins = append(logins, l)
		return err
	}, `
		SELECT id, transfer, auth, credential FROM links
		WHERE account = $1 AND mailbox = $2 AND ended_at IS NULL AND transfer IS NOT NULL AND credential IS NOT NULL AND auth = $3
		ORDER BY id`, a, m, crm.AuthPassword)
	return logins, err
}

// TransferLink takes a link to where its preset wants it, with another secret
// where one is given. It keeps its time: what came since the link was made is
// its mail there too, and what is known already stays known. Where the preset
// wants it somewhere else meanwhile, it stays.
//
// Errors: crm.Conflict ("link_ended") where it has ended, ("fenced") where
// somebody works its mailbox under a higher fence.
func (o *Office) TransferLink(ctx context.Context, a crm.AccountID, id crm.LinkID, to crm.Transfer, secret crm.Secret, fence crm.Fence, at time.Time) (crm.Link, error) {
	var sealed any // nil: as it is
	if secret != "" {
		credential, err := o.seal(a, id, secret)
		if err != nil {
			return crm.Link{}, err
		}
		sealed = credential
	}
	var l crm.Link
	err := o.change(ctx, "transfer link", a, func(t tx) (err error) {
		if l, err = linkOf(t.Session, a, id); err != nil {
			return err
		}
		if !l.EndedAt.IsZero() {
			return crm.E(crm.Conflict, "link_ended", "This link has ended; make a new one.")
		}
		if err := t.fence(l.Mailbox, fence); err != nil {
			return err
		}
		if l.Transfer.Same(&to) {
			err = t.transfer(&l, sealed, at)
		}
		return err
	})
	return l, err
}

func (t tx) transfer(l *crm.Link, sealed any, at time.Time) (err error) {
	from := l.Mailbox
	l.Server, l.Username, l.Transfer = l.Transfer.Server, l.Transfer.Username, nil
	l.Status, l.Detail = crm.LinkSyncing, ""
	if l.Mailbox, err = t.mailboxToTransfer(*l, at); err != nil {
		return err
	}
	server, err := txn.ToJSON(l.Server)
	if err != nil {
		return err
	}
	err = t.Write(`
		UPDATE links SET mailbox = $3, server = $4, username = $5, status = $6, detail = '', transfer = NULL,
			credential = COALESCE($7, credential)
		WHERE account = $1 AND id = $2`, t.Account, l.ID, l.Mailbox, server, l.Username, l.Status, sealed)
	if err != nil {
		return err
	}
	if err := t.setInternal(linkSource(l.ID), address.OfLink(*l)); err != nil {
		return err
	}
	if err := t.countFromOldest(from); err != nil {
		return err
	}
	t.Note(crm.AuditLinkTransferred, string(l.ID), map[string]string{"imap_host": l.Server.Host, "mailbox_id": string(l.Mailbox)})
	t.LinksChanged(from)
	t.LinksChanged(l.Mailbox)
	return nil
}

// mailboxToTransfer finds the mailbox that a link is taken to, or makes it. All
// that came since the link was made is to be read there. Where the mailbox
// counts from later than that, its folders are read again from their beginning:
// what is known of it becomes nothing new, and the rest was missed.
func (t tx) mailboxToTransfer(l crm.Link, at time.Time) (crm.MailboxID, error) {
	host := strings.ToLower(l.Server.Host)
	var id crm.MailboxID
	var since time.Time
	var links int
	found, err := t.First(txn.Into(&id, txn.Instant{To: &since}, &links), `
		SELECT m.id, m.since, (
			SELECT COUNT(*) FROM links l WHERE l.account = m.account AND l.mailbox = m.id AND l.ended_at IS NULL)
		FROM mailboxes m WHERE m.account = $1 AND m.host = $2 AND m.port = $3 AND m.username = $4`,
		t.Account, host, l.Server.Port, l.Username)
	if err != nil {
		return "", err
	}
	if !found {
		id = crm.MailboxID(crm.NewID("mbx", at))
		return id, t.Write(`
			INSERT INTO mailboxes (account, id, host, port, username, since) VALUES ($1, $2, $3, $4, $5, $6)`,
			t.Account, id, host, l.Server.Port, l.Username, txn.MS(l.LinkedAt))
	}
	earlier := l.LinkedAt.Before(since)
	if earlier || links == 0 {
		err = t.Write(`UPDATE mailboxes SET since = $3 WHERE account = $1 AND id = $2`, t.Account, id, txn.MS(l.LinkedAt))
	}
	if err == nil && earlier {
		err = t.Write(`
			UPDATE folders SET anchor = 0, anchored = $3, position = 0 WHERE account = $1 AND mailbox = $2`, t.Account, id, false)
	}
	return id, err
}

// countFromOldest makes a mailbox count from its oldest link that stands, or as
// before where none does.
func (t tx) countFromOldest(m crm.MailboxID) error {
	return t.Write(`
		UPDATE mailboxes SET since = COALESCE((
			SELECT MIN(linked_at) FROM links WHERE account = $1 AND mailbox = $2 AND ended_at IS NULL), since)
		WHERE account = $1 AND id = $2`, t.Account, m)
}

// KeepLink notes why a link could not be taken to where its preset wants it.
func (o *Office) KeepLink(ctx context.Context, a crm.AccountID, id crm.LinkID, to crm.Transfer) error {
	return o.change(ctx, "keep link", a, func(t tx) error {
		l, err := linkOf(t.Session, a, id)
		if err != nil || !l.Transfer.Same(&to) {
			return err
		}
		return t.setTransfer(id, &to)
	})
}
