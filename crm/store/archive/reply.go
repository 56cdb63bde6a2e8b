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
		if c.Message, c.ReceivedAt, err = firstReply(q, a, contact, from, false); err != nil {
			return err
		}
		if c.Suspect, _, err = firstReply(q, a, contact, from, true); err != nil {
			return err
		}
		if c.Away, err = awayOf(q, a, contact); err != nil {
			return err
		}
		c.Mailboxes, err = freshness(q, a, from)
		return err
	})
	return c, err
}

// firstReply finds the first reply of a contact since a time, among those that
// are suspect or among the others.
func firstReply(q txn.Session, a crm.AccountID, contact crm.ContactID, since int64, suspect bool) (id crm.MessageID, received time.Time, err error) {
	_, err = q.First(txn.Into(&id, txn.Instant{To: &received}), `
		SELECT m.id, m.received_at FROM message_contacts c JOIN messages m ON m.account = c.account AND m.id = c.message
		WHERE c.account = $1 AND c.contact = $2 AND c.received_at >= $3 AND c.sender AND c.suspect = $4
			AND m.direction = $5 AND m.kind = $6 AND m.deleted_at IS NULL
		ORDER BY c.received_at, c.message LIMIT 1`,
		a, contact, since, suspect, crm.Inbound, crm.KindPersonal)
	return id, received, err
}

// Freshness tells how old the picture of each of the account's linked mailboxes
// is.
func (ar *Archive) Freshness(ctx context.Context, a crm.AccountID) ([]crm.Freshness, error) {
	list, err := freshness(ar.db.Reading(ctx), a, 0)
	return list, ar.db.Fail(ctx, "read freshness", err)
}

// freshness tells how old the picture of each linked mailbox is, and what is
// missing in it: a message received since then can't have been in trouble before.
func freshness(q txn.Session, a crm.AccountID, since int64) ([]crm.Freshness, error) {
	var list []crm.Freshness
	err := q.Each(func(scan txn.Scan) error {
		var f crm.Freshness
		var user crm.UserID
		if err := scan(&f.Mailbox, &user, &f.Status, txn.Instant{To: &f.SyncedAt}, &f.Unread); err != nil {
			return err
		}
		// A mailbox is as its links are that have not lost their credential.
		last := len(list) - 1
		switch {
		case last < 0 || list[last].Mailbox != f.Mailbox:
			list = append(list, f)
			last++
		case list[last].Status == crm.LinkAuthFailed:
			list[last].Status = f.Status
		}
		list[last].Users = append(list[last].Users, user)
		return nil
	}, `
		SELECT m.id, l.user_id, l.status, m.last_synced_at, (
			SELECT COUNT(*) FROM problems p
			JOIN folders f ON f.account = p.account AND f.id = p.folder AND f.uidvalidity = p.uidvalidity AND f.gone_at IS NULL
			WHERE p.account = m.account AND p.mailbox = m.id AND p.since >= $2)
		FROM links l JOIN mailboxes m ON m.account = l.account AND m.id = l.mailbox
		WHERE l.account = $1 AND l.ended_at IS NULL ORDER BY m.id, l.linked_at, l.id`, a, since)
	return list, err
}
