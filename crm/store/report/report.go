// Package report is the part of the store that tells how things are: the health
// of mailboxes, what is in trouble, and who changed what. It writes nothing.
package report

import "mailsyncd.example/crm/store/txn"

// Report is that part, over a database.
type Report struct {
	db *txn.DB
}

// New makes a Report.
func New(db *txn.DB) *Report { return &Report{db: db} }
