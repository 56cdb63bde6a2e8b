// Package store keeps everything that mailsyncd knows in a SQL database. It is
// one text of SQL for SQLite and PostgreSQL: packages sqlite and postgres open
// a database, migrate it and hand it to New together with the little that
// differs, a Dialect. Package storetest holds the promise that both keep.
//
// The text has six parts: office knows who is who (accounts, users, contacts,
// links, mailboxes), sequence who is in sales sequences, signin who is at their
// provider's pages now, archive what came (messages, threads, ledger, events),
// report tells how things are, and vault looks after what is encrypted. All stand on txn, where a transaction is at
// home.
//
// An exported method is one transaction; a lower-case one works inside one.
// Every statement carries the account. A transaction that writes locks the
// account's row first, so that the changes of one account come one after the
// other on either database, and events get their numbers without gaps.
//
// Times are stored as unix milliseconds, what no query asks for as JSON.
package store

import (
	"context"
	"database/sql"

	"mailsyncd.example/crm/store/archive"
	"mailsyncd.example/crm/store/office"
	"mailsyncd.example/crm/store/report"
	"mailsyncd.example/crm/store/sequence"
	"mailsyncd.example/crm/store/signin"
	"mailsyncd.example/crm/store/txn"
	"mailsyncd.example/crm/store/vault"
)

// Store is the database. It is safe for use by many goroutines.
type Store struct {
	db *txn.DB
	*office.Office
	*signin.SignIns
	*archive.Archive
	*report.Report
	*sequence.Sequences
	*vault.Vault
}

// Options are what a Store works with besides its database.
type Options struct {
	// Sealer encrypts credentials. Without one no link can be made.
	Sealer Sealer
	// Signals hears of what was committed; nobody does where it is nil.
	Signals Signals
}

type (
	// Sealer encrypts what must not be readable in the database.
	Sealer = office.Sealer
	// Signals hears what was committed, after the commit.
	Signals = txn.Signals
	// Statement is one that waits to be sent; see Dialect.
	Statement = txn.Statement
	// Dialect is how the databases differ where their SQL does not.
	Dialect = txn.Dialect
)

// New makes a Store of two pools of connections to one migrated database, one
// to write and one to read with. The Store closes them.
func New(write, read *sql.DB, d Dialect, o Options) *Store {
	if o.Sealer == nil {
		o.Sealer = office.NoSealer{}
	}
	db := txn.New(write, read, d, o.Signals)
	people := office.New(db, o.Sealer)
	return &Store{
		db: db, Office: people, Vault: vault.New(db, o.Sealer, people), SignIns: signin.New(db, o.Sealer), Archive: archive.New(db), Report: report.New(db),
		Sequences: sequence.New(db),
	}
}

// Close waits for statements that run and closes the database.
func (s *Store) Close() error { return s.db.Close() }

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }
