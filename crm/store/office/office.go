// Package office is the part of the store that knows who is who: accounts and
// their keys, users, contacts, presets, links, the mailboxes behind them, and
// how far the folders of those have been read.
package office

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// Office is that part, over a database.
type Office struct {
	db     *txn.DB
	sealer Sealer
}

// Sealer encrypts what must not be readable in the database. The associated
// data ad binds a ciphertext to its place: it opens nowhere else.
type Sealer interface {
	Seal(plain, ad []byte) ([]byte, error)
	Open(sealed, ad []byte) ([]byte, error)
}

// New makes an Office.
func New(db *txn.DB, sealer Sealer) *Office { return &Office{db: db, sealer: sealer} }

// tx is a transaction that writes; a lower-case method works inside one.
type tx struct{ *txn.Tx }

// change runs do in a transaction that holds the account's lock.
func (o *Office) change(ctx context.Context, op string, a crm.AccountID, do func(tx) error) error {
	return o.db.Change(ctx, op, a, func(t *txn.Tx) error { return do(tx{t}) })
}

// transact runs do in a transaction that may enter any account.
func (o *Office) transact(ctx context.Context, op string, do func(tx) error) error {
	return o.db.Transact(ctx, op, func(t *txn.Tx) error { return do(tx{t}) })
}

// NoSealer takes the place of a Sealer where there is none: no link can be made.
type NoSealer struct{}

var errNoSealer = crm.E(crm.Internal, "no_keyset", "No keys to encrypt credentials with were given; set MAILSYNC_KEYSET or let the daemon make them in its data folder.")

// Seal implements Sealer.
func (NoSealer) Seal(_, _ []byte) ([]byte, error) { return nil, errNoSealer }

// Open implements Sealer.
func (NoSealer) Open(_, _ []byte) ([]byte, error) { return nil, errNoSealer }
