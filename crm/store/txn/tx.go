package txn

import (
	"slices"

	"mailsyncd.example/crm"
)

// Tx is a transaction that writes. It holds the lock of one account at a time,
// and what it has to tell once it is committed.
type Tx struct {
	Session
	Account crm.AccountID // the one it has entered
	lock    string
	seq     int64            // of Account's last event
	events  []Event          // of Account, not written yet
	notes   []crm.AuditEntry // of Account, not written yet
	told    told
}

// told is what the Signals hear after the commit.
type told struct {
	events []crm.AccountID
	links  []linkChange
}

type linkChange struct {
	account crm.AccountID
	mailbox crm.MailboxID
}

func (t told) tell(to Signals) {
	for _, l := range t.links {
		to.LinksChanged(l.account, l.mailbox)
	}
	for _, a := range t.events {
		to.EventsWritten(a)
	}
}

// Enter locks the account that the statements from here on are about;
// crm.NotFound where there is none. Transactions that enter several do so in
// the order of their ids.
func (t *Tx) Enter(a crm.AccountID) error {
	if err := t.flushTold(); err != nil {
		return err
	}
	t.Account = a
	found, err := t.First(Into(&t.seq), `SELECT event_seq FROM accounts WHERE id = $1`+t.lock, string(a))
	if err == nil && !found {
		return NotFound("account")
	}
	return err
}

// LinksChanged lets the Signals hear that a link of the mailbox changed.
func (t *Tx) LinksChanged(m crm.MailboxID) {
	c := linkChange{t.Account, m}
	if !slices.Contains(t.told.links, c) {
		t.told.links = append(t.told.links, c)
	}
}
