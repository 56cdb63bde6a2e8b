package report

import (
	"context"
	"slices"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// listedProblems is how many problems of a mailbox its health shows.
const listedProblems = 100

const healthColumns = `
	SELECT m.account, m.id, m.host, m.port, m.username, m.since, m.mode, m.last_synced_at, m.last_error, m.last_error_at, m.error_count, m.missed,
		m.envelopes, m.bodies, m.refused_bodies, m.bytes, m.reports, m.imported
	FROM mailboxes m`

func scanHealth(scan txn.Scan) (crm.Health, error) {
	var h crm.Health
	m := &h.Mailbox
	err := scan(&m.Account, &m.ID, &m.Host, &m.Port, &m.Username, txn.Instant{To: &m.Since}, &h.Mode,
		txn.Instant{To: &h.LastSyncedAt}, &h.LastError, txn.Instant{To: &h.LastErrorAt}, &h.ErrorCount, &h.Missed,
		&h.Receipt.Envelopes, &h.Receipt.Bodies, &h.Receipt.RefusedBodies, &h.Receipt.Bytes, &h.Receipt.Reports, &h.Imported)
	return h, err
}

// Health is how a mailbox is.
func (r *Report) Health(ctx context.Context, a crm.AccountID, id crm.MailboxID) (crm.Health, error) {
	var h crm.Health
	err := r.db.Look(ctx, "read health", func(q txn.Session) error {
		found, err := txn.All(q, scanHealth, healthColumns+` WHERE m.account = $1 AND m.id = $2`, a, id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return txn.NotFound("mailbox")
		}
		if err := addHealth(q, a, found); err != nil {
			return err
		}
		h = found[0]
		return nil
	})
	return h, err
}

// ListHealth lists how the mailboxes of an account are, also those that no
// link stands for any more, the newest first.
func (r *Report) ListHealth(ctx context.Context, a crm.AccountID, p crm.Paging) (crm.Part[crm.Health], error) {
	_, before, err := txn.ReadCursor(p.Cursor)
	if err != nil {
		return crm.Part[crm.Health]{}, err
	}
	var list []crm.Health
	err = r.db.Look(ctx, "list health", func(q txn.Session) error {
		list, err = txn.All(q, scanHealth, healthColumns+`
			WHERE m.account = $1 AND ($2 = '' OR m.id < $2) ORDER BY m.id DESC LIMIT $3`, a, before, p.Limit+1)
		if err != nil {
			return err
		}
		return addHealth(q, a, list)
	})
	return txn.Part(list, p.Limit, func(h crm.Health) string { return txn.Cursor(0, string(h.Mailbox.ID)) }), err
}

// addHealth fills in what other tables say of mailboxes. Problems are asked for
// mailbox by mailbox, as each shows so many of its own at most; the rest comes
// in one query for the page.
func addHealth(q txn.Session, a crm.AccountID, list []crm.Health) error {
	at := make(map[crm.MailboxID]*crm.Health, len(list))
	for i := range list {
		h := &list[i]
		at[h.Mailbox.ID] = h
		h.Status = crm.LinkUnlinked
		var err error
		if h.Problems, err = problemsOf(q, a, h.Mailbox.ID, listedProblems); err != nil {
			return err
		}
	}
	return txn.InGroups(txn.SortedKeys(at), 2, func(in string, args []any) error {
		args = append([]any{a}, args...)
		err := q.Each(func(scan txn.Scan) error {
			var id crm.MailboxID
			var l crm.Link
			if err := scan(&id, &l.User, &l.Address, &l.Status); err != nil {
				return err
			}
			addLink(at[id], l)
			return nil
		}, `
			SELECT mailbox, user_id, address, status FROM links
			WHERE account = $1 AND ended_at IS NULL AND mailbox IN `+in+` ORDER BY linked_at, id`, args...)
		if err != nil {
			return err
		}
		return addBalances(q, at, in, args)
	})
}

// addLink takes a link that stands into its mailbox's health. The mailbox is as
// its links are that have not lost their credential.
func addLink(h *crm.Health, l crm.Link) {
	h.Users = append(h.Users, l.User)
	if !slices.Contains(h.Addresses, l.Address) {
		h.Addresses = append(h.Addresses, l.Address)
	}
	if h.Status == crm.LinkUnlinked || h.Status == crm.LinkAuthFailed {
		h.Status = l.Status
	}
}

// addBalances fills in the balances of the folders that are there: the
// outcomes of every UID above the anchor. A run that begins below it counts
// with the part that lies above.
func addBalances(q txn.Session, at map[crm.MailboxID]*crm.Health, in string, args []any) error {
	return q.Each(func(scan txn.Scan) error {
		var id crm.MailboxID
		var f crm.FolderBalance
		var outcome *crm.Outcome
		var n int64
		err := scan(&id, &f.Folder, &f.Name, &f.Unexplained, txn.Instant{To: &f.CheckedAt}, &outcome, &n)
		if err != nil {
			return err
		}
		h := at[id]
		last := len(h.Folders) - 1
		if last < 0 || h.Folders[last].Folder != f.Folder {
			f.Outcomes = map[crm.Outcome]int64{}
			h.Folders = append(h.Folders, f)
			last++
		}
		if outcome != nil {
			h.Folders[last].Outcomes[*outcome] = n
		}
		return nil
	}, `
		SELECT f.mailbox, f.id, f.name, f.unexplained, f.checked_at, l.outcome,
			COALESCE(SUM(l.hi - CASE WHEN l.lo > f.anchor THEN l.lo - 1 ELSE f.anchor END), 0)
		FROM folders f
		LEFT JOIN ledger l ON l.account = f.account AND l.folder = f.id AND l.uidvalidity = f.uidvalidity AND l.hi > f.anchor
		WHERE f.account = $1 AND f.gone_at IS NULL AND f.mailbox IN `+in+`
		GROUP BY f.mailbox, f.id, f.name, f.unexplained, f.checked_at, l.outcome
		ORDER BY f.mailbox, f.name, f.id, l.outcome`, args...)
}
