package archive

import (
	"context"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// countUsage adds to what the mail imported in a month takes up.
func (t tx) countUsage(imported time.Time, messages, bytes int64) error {
	err := t.Write(`
		INSERT INTO usage_by_month (account, month, messages, bytes) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, month) DO UPDATE SET
			messages = usage_by_month.messages + excluded.messages, bytes = usage_by_month.bytes + excluded.bytes`,
		string(t.Account), imported.UTC().Format("2006-01"), messages, bytes)
	return err
}

// Usage tells what an account's mail takes up, the latest month first. Deleted
// mail is taken out of the month in which it came.
func (ar *Archive) Usage(ctx context.Context, a crm.AccountID) ([]crm.Usage, error) {
	list, err := txn.All(ar.db.Reading(ctx), func(scan txn.Scan) (crm.Usage, error) {
		var u crm.Usage
		err := scan(&u.Month, &u.Messages, &u.Bytes)
		return u, err
	}, `SELECT month, messages, bytes FROM usage_by_month WHERE account = $1 ORDER BY month DESC`, a)
	return list, ar.db.Fail(ctx, "read usage", err)
}
