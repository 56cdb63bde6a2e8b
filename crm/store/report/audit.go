package report

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// ListAudit lists who changed what in an account, the newest first.
func (r *Report) ListAudit(ctx context.Context, a crm.AccountID, p crm.Paging) (crm.Part[crm.AuditEntry], error) {
	before, _, err := txn.ReadCursor(p.Cursor)
	if err != nil {
		return crm.Part[crm.AuditEntry]{}, err
	}
	list, err := txn.All(r.db.Reading(ctx), func(scan txn.Scan) (crm.AuditEntry, error) {
		e := crm.AuditEntry{Account: a}
		err := scan(&e.Seq, txn.Instant{To: &e.At}, &e.By.Kind, &e.By.ID, &e.Action, &e.Subject, txn.AsJSON{To: &e.Detail})
		return e, err
	}, `
		SELECT seq, at, actor_kind, actor_id, action, subject, detail FROM audit
		WHERE account = $1 AND ($2 = 0 OR seq < $2) ORDER BY seq DESC LIMIT $3`, a, before, p.Limit+1)
	return txn.Part(list, p.Limit, func(e crm.AuditEntry) string { return txn.Cursor(e.Seq, "audit") }), r.db.Fail(ctx, "list audit", err)
}
