package report

import (
	"context"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// problemColumns name the folder by f.
const problemColumns = `p.mailbox, p.folder, f.name, p.uidvalidity, p.uid, p.detail, p.tries, p.since, p.retry_at`

func problemScanner(a crm.AccountID) func(txn.Scan) (crm.Problem, error) {
	return func(scan txn.Scan) (crm.Problem, error) {
		p := crm.Problem{Account: a}
		err := scan(&p.Mailbox, &p.Folder, &p.FolderName, &p.UIDValidity, &p.UID, &p.Detail, &p.Tries,
			txn.Instant{To: &p.Since}, txn.Instant{To: &p.RetryAt})
		return p, err
	}
}

// DueProblems lists UIDs in trouble that are to be tried again by now, in
// folders that are there.
func (r *Report) DueProblems(ctx context.Context, a crm.AccountID, m crm.MailboxID, now time.Time) ([]crm.Problem, error) {
	list, err := txn.All(r.db.Reading(ctx), problemScanner(a), `
		SELECT `+problemColumns+` FROM problems p
		JOIN folders f ON f.account = p.account AND f.id = p.folder AND f.uidvalidity = p.uidvalidity
		WHERE p.account = $1 AND p.mailbox = $2 AND p.retry_at <= $3 AND f.gone_at IS NULL
		ORDER BY p.folder, p.uid`, a, m, txn.MS(now))
	return list, r.db.Fail(ctx, "list due problems", err)
}

// problemsOf lists a mailbox's problems, at most limit.
func problemsOf(q txn.Session, a crm.AccountID, m crm.MailboxID, limit int) ([]crm.Problem, error) {
	return txn.All(q, problemScanner(a), `
		SELECT `+problemColumns+` FROM problems p
		JOIN folders f ON f.account = p.account AND f.id = p.folder AND f.uidvalidity = p.uidvalidity
		WHERE p.account = $1 AND p.mailbox = $2 ORDER BY p.folder, p.uid LIMIT $3`, a, m, limit)
}
