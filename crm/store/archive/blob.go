package archive

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// UnneededBlobs picks out of these names those that no message of the account
// needs: what package blob asks when it sweeps.
func (ar *Archive) UnneededBlobs(ctx context.Context, a crm.AccountID, refs []crm.BlobRef) ([]crm.BlobRef, error) {
	needed := map[crm.BlobRef]bool{}
	err := txn.InGroups(refs, 2, func(list string, args []any) error {
		return ar.db.Reading(ctx).Each(func(scan txn.Scan) error {
			var ref crm.BlobRef
			err := scan(&ref)
			needed[ref] = true
			return err
		}, `
			SELECT raw FROM messages
			WHERE account = $1 AND deleted_at IS NULL AND raw IN `+list, append([]any{a}, args...)...)
	})
	if err != nil {
		return nil, ar.db.Fail(ctx, "read blobs", err)
	}
	var unneeded []crm.BlobRef
	for _, ref := range refs {
		if !needed[ref] {
			unneeded = append(unneeded, ref)
		}
	}
	return unneeded, nil
}

// unneeded returns a blob that no message needs, "" where one does.
func (t tx) unneeded(ref crm.BlobRef) (crm.BlobRef, error) {
	if ref == "" {
		return "", nil
	}
	var n int
	_, err := t.First(txn.Into(&n), `
		SELECT COUNT(*) FROM messages WHERE account = $1 AND raw = $2 AND deleted_at IS NULL`, t.Account, ref)
	if err != nil || n > 0 {
		return "", err
	}
	return ref, nil
}
