// Package archive is the part of the store that knows what came: messages and
// their copies, threads, the ledger of every UID, problems, events, and what
// can be counted of them. Record is its heart.
package archive

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// Archive is that part, over a database.
type Archive struct {
	db *txn.DB
}

// New makes an Archive.
func New(db *txn.DB) *Archive { return &Archive{db: db} }

// tx is a transaction that writes; a lower-case method works inside one.
type tx struct{ *txn.Tx }

// change runs do in a transaction that holds the account's lock.
func (ar *Archive) change(ctx context.Context, op string, a crm.AccountID, do func(tx) error) error {
	return ar.db.Change(ctx, op, a, func(t *txn.Tx) error { return do(tx{t}) })
}
