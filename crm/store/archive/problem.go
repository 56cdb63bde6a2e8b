package archive

import (
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// recordProblems lists a page's problems. On a page that settles UIDs, what
// was listed of them and is over goes. One that goes on keeps its beginning.
func (t tx) recordProblems(p crm.Page, rs runs, at time.Time) error {
	if p.From == p.Through {
		for _, r := range rs {
			if r.Outcome == crm.Trouble {
				continue
			}
			err := t.Write(`
				DELETE FROM problems WHERE account = $1 AND folder = $2 AND uidvalidity = $3 AND uid BETWEEN $4 AND $5`,
				t.Account, p.Folder, p.UIDValidity, r.Lo, r.Hi)
			if err != nil {
				return err
			}
		}
	}
	// Tries and RetryAt are the caller's count; only the beginning is kept.
	values := make([]any, 0, 9*len(p.Problems))
	for _, pr := range p.Problems {
		since := pr.Since
		if since.IsZero() {
			since = at
		}
		values = append(values, t.Account, p.Mailbox, p.Folder, p.UIDValidity, pr.UID, pr.Detail, pr.Tries, txn.MS(since), txn.MSOrNull(pr.RetryAt))
	}
	return t.Insert(`
		INSERT INTO problems (account, mailbox, folder, uidvalidity, uid, detail, tries, since, retry_at) VALUES`, 9, values, `
		ON CONFLICT (account, folder, uidvalidity, uid) DO UPDATE SET
			detail = excluded.detail, tries = excluded.tries, retry_at = excluded.retry_at`)
}
