package archive

import (
	"cmp"
	"context"
	"slices"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// Handover fills in the mailboxes that a user had linked, the threads in them
// that wait for an answer, and the contacts, at most limit of each. It goes
// through all threads of the mailboxes: nobody asks for that every minute.
func (ar *Archive) Handover(ctx context.Context, a crm.AccountID, user crm.UserID, limit int) (crm.Handover, error) {
	var h crm.Handover
	err := ar.db.Look(ctx, "read handover", func(q txn.Session) error {
		var err error
		if h.Mailboxes, err = handedMailboxes(q, a, user); err != nil {
			return err
		}
		for _, m := range h.Mailboxes {
			threads := crm.ThreadQuery{Mailbox: m.Mailbox, Waiting: true, Paging: crm.Paging{Limit: limit}}
			waiting, err := ar.listThreads(q, a, threads)
			if err != nil {
				return err
			}
			h.Waiting = append(h.Waiting, waiting...)
			contacts, err := lastMails(q, a, m.Mailbox, limit)
			if err != nil {
				return err
			}
			h.Contacts = append(h.Contacts, contacts...)
		}
		return nil
	})
	slices.SortFunc(h.Waiting, func(x, y crm.Thread) int {
		return cmp.Or(y.LastMessageAt.Compare(x.LastMessageAt), cmp.Compare(x.ID, y.ID))
	})
	h.Waiting = slices.CompactFunc(h.Waiting, func(x, y crm.Thread) bool { return x.ID == y.ID })
	h.Waiting = h.Waiting[:min(limit, len(h.Waiting))]
	h.Contacts = latestOfEach(h.Contacts)
	h.Contacts = h.Contacts[:min(limit, len(h.Contacts))]
	return h, err
}

// handedMailboxes are the mailboxes of all links that a user ever had, each
// with the latest of them.
func handedMailboxes(q txn.Session, a crm.AccountID, user crm.UserID) ([]crm.HandedMailbox, error) {
	list, err := txn.All(q, func(scan txn.Scan) (crm.HandedMailbox, error) {
		var m crm.HandedMailbox
		err := scan(&m.Mailbox, &m.Address, txn.Instant{To: &m.EndedAt}, txn.Instant{To: &m.SyncedAt})
		return m, err
	}, `
		SELECT l.mailbox, l.address, l.ended_at, m.last_synced_at
		FROM links l JOIN mailboxes m ON m.account = l.account AND m.id = l.mailbox
		WHERE l.account = $1 AND l.user_id = $2 ORDER BY l.id DESC`, a, user)
	seen := map[crm.MailboxID]bool{}
	return slices.DeleteFunc(list, func(m crm.HandedMailbox) bool {
		again := seen[m.Mailbox]
		seen[m.Mailbox] = true
		return again
	}), err
}

// lastMails tells when each contact of a mailbox's threads was written with
// last.
func lastMails(q txn.Session, a crm.AccountID, m crm.MailboxID, limit int) ([]crm.LastMail, error) {
	return txn.All(q, func(scan txn.Scan) (crm.LastMail, error) {
		var l crm.LastMail
		err := scan(&l.Contact, txn.Instant{To: &l.At})
		return l, err
	}, `
		SELECT c.contact, MAX(c.last_message_at) FROM thread_mailboxes b
		JOIN thread_contacts c ON c.account = b.account AND c.thread = b.thread
		WHERE b.account = $1 AND b.mailbox = $2 GROUP BY c.contact ORDER BY 2 DESC, 1 LIMIT $3`, a, m, limit)
}

// latestOfEach keeps the latest mail of each contact, the latest first.
func latestOfEach(list []crm.LastMail) []crm.LastMail {
	slices.SortFunc(list, func(x, y crm.LastMail) int {
		return cmp.Or(y.At.Compare(x.At), cmp.Compare(x.Contact, y.Contact))
	})
	seen := map[crm.ContactID]bool{}
	return slices.DeleteFunc(list, func(l crm.LastMail) bool {
		again := seen[l.Contact]
		seen[l.Contact] = true
		return again
	})
}
