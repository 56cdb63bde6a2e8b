package archive

import (
	"context"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// ReplyCheck finds the first reply of a contact that was received at or after
// since, to the second, and tells how fresh the account's mailboxes are. All of
// it is of one moment, so that a reply received before SyncedThrough is known.
func (ar *Archive) ReplyCheck(ctx context.Context, a crm.AccountID, contact crm.ContactID, since time.Time) (crm.ReplyCheck, error) {
	var c crm.ReplyCheck
	err := ar.db.Look(ctx, "check for a reply", func(q txn.Session) error {
		var contacts int
		_, err := q.First(txn.Into(&contacts), `SELECT COUNT(*) FROM contacts WHERE account = $1 AND id = $2`, a, contact)
		if err == nil && contacts == 0 {
			err = txn.NotFound("contact")
		}
		if err != nil {
			return err
		}
		from := txn.MS(since.Truncate(time.Second))
		_, err = q.First(txn.Into(&c.Message, txn.Instant{To: &c.ReceivedAt}), `
			SELECT m.id, m.received_at FROM message_contacts c JOIN messages m ON m.account = c.account AND m.id = c.message
			WHERE c.account = $1 AND c.contact = $2 AND c.received_at >= $3 AND c.sender
				AND m.direction = $4 AND m.kind = $5 AND m.deleted_at IS NULL
			ORDER BY c.received_at, c.message LIMIT 1`,
			a, contact, from, crm.Inbound, crm.KindPersonal)
		if err != nil {
			return err
		}
		c.Mailboxes, err = freshness(q, a, from)
		return err
	})
	return c, err
}

// freshness tells how old the picture of each linked mailbox is, and what is
// missing in it: a message received since then can't have been in trouble before.
func freshness(q txn.Session, a crm.AccountID, since int64) ([]crm.Freshness, error) {
	var list []crm.Freshness
	err := q.Each(func(scan txn.Scan) error {
		var f crm.Freshness
		if err := scan(&f.Mailbox, &f.Status, txn.Instant{To: &f.SyncedAt}, &f.Unread); err != nil {
			return err
		}
		// A mailbox is as its links are that have not lost their credential.
		switch last := len(list) - 1; {
		case last < 0 || list[last].Mailbox != f.Mailbox:
			list = append(list, f)
		case list[last].Status == crm.LinkAuthFailed:
			list[last].Status = f.Status
		}
		return nil
	}, `
		SELECT m.id, l.status, m.last_synced_at, (
			SELECT COUNT(*) FROM problems p
			JOIN folders f ON f.account = p.account AND f.id = p.folder AND f.uidvalidity = p.uidvalidity AND f.gone_at IS NULL
			WHERE p.account = m.account AND p.mailbox = m.id AND p.since >= $2)
		FROM links l JOIN mailboxes m ON m.account = l.account AND m.id = l.mailbox
		WHERE l.account = $1 AND l.ended_at IS NULL ORDER BY m.id, l.linked_at, l.id`, a, since)
	return list, err
}
