package wire

import (
	"time"

	"mailsyncd.example/crm"
)

// Mailbox is the health of what stands behind one or more links.
type Mailbox struct {
	ID        crm.MailboxID  `json:"id"`
	Addresses []crm.Address  `json:"addresses" nullable:"false"`
	Users     []crm.UserID   `json:"users" nullable:"false"`
	Host      string         `json:"host"`
	Mode      *crm.WatchMode `json:"mode" doc:"idle or poll; null before the first connection."`
	Status    crm.LinkStatus `json:"status" enum:"syncing,live,auth_failed,unreachable,unlinked"`
	Lag
	LastError *LastError            `json:"last_error,omitempty"`
	Refused   map[crm.Outcome]int64 `json:"refused" doc:"Messages that the import rules refused, by reason."`
	Imported  int64                 `json:"imported"`
	Copied    int64                 `json:"copied" doc:"Further copies of messages that are here already."`
	Problems  []Trouble             `json:"problems" nullable:"false" doc:"Messages that could not be read so far; they are tried again."`
	Receipt   Receipt               `json:"receipt"`
	Balance   Balance               `json:"balance"`
}

// Lag tells how old our picture of a mailbox is.
type Lag struct {
	LastSyncedAt *time.Time `json:"last_synced_at" doc:"null before the first complete look."`
	LagSeconds   *int64     `json:"lag_seconds" doc:"Since last_synced_at; null before the first complete look."`
	Missed       int64      `json:"missed" doc:"Messages that a look found and IDLE had not announced."`
}

// LastError is what went wrong last, once however often it came in a row.
type LastError struct {
	Message string    `json:"message"`
	At      time.Time `json:"at"`
	Count   int       `json:"count"`
}

// Trouble is a message that could not be read so far.
type Trouble struct {
	Folder  string    `json:"folder"`
	UID     crm.UID   `json:"uid"`
	Detail  string    `json:"detail" doc:"What the server or the reader said."`
	Tries   int       `json:"tries"`
	Since   time.Time `json:"since"`
	RetryAt time.Time `json:"retry_at,omitzero"`
}

// Receipt shows that private mail stayed private.
type Receipt struct {
	Envelopes     int64 `json:"envelopes" doc:"Messages of which sender, recipients, date and size were looked at."`
	Bodies        int64 `json:"bodies" doc:"Messages of which the content was read."`
	RefusedBodies int64 `json:"refused_bodies" doc:"Of these, messages that the rules refuse: always 0."`
	Bytes         int64 `json:"bytes" doc:"Bytes that the mail server sent."`
	Reports       int64 `json:"reports" doc:"Delivery reports of which the delivery status was read, and nothing else: 0 unless the account has switched delivery_reports on."`
}

// Balance accounts for every message that the server holds since the link.
type Balance struct {
	Folders     []FolderBalance `json:"folders" nullable:"false"`
	Unexplained int64           `json:"unexplained" doc:"Messages without an outcome at the last check: 0, or an alarm."`
}

// FolderBalance is the balance of one folder.
type FolderBalance struct {
	ID          crm.FolderID          `json:"id"`
	Name        string                `json:"name"`
	Imported    int64                 `json:"imported"`
	Copied      int64                 `json:"copied"`
	Removed     int64                 `json:"removed" doc:"Copies of messages that were deleted in the CRM."`
	Refused     map[crm.Outcome]int64 `json:"refused" doc:"By reason."`
	Problems    int64                 `json:"problems"`
	Vanished    int64                 `json:"vanished" doc:"Gone from the server before they were read."`
	Unexplained int64                 `json:"unexplained"`
	CheckedAt   time.Time             `json:"checked_at,omitzero"`
}

// LinkReceipt is what a link's user may see of their mailbox.
type LinkReceipt struct {
	Receipt Receipt `json:"receipt"`
	Balance Balance `json:"balance"`
}

// MailboxOf shows the health of a mailbox as it is now. Sums over folders are
// made here, so that they can't differ from what the folders say.
func MailboxOf(h crm.Health, now time.Time) Mailbox {
	balance := BalanceOf(h.Folders)
	m := Mailbox{
		ID: h.Mailbox.ID, Addresses: OrEmpty(h.Addresses), Users: OrEmpty(h.Users), Host: h.Mailbox.Host,
		Mode: orNull(h.Mode), Status: h.Status, Lag: Lag{LastSyncedAt: orNull(UTC(h.LastSyncedAt)), Missed: h.Missed},
		Refused: map[crm.Outcome]int64{}, Imported: h.Imported, Problems: Each(h.Problems, troubleOf),
		Receipt: ReceiptOf(h.Receipt), Balance: balance,
	}
	for _, f := range balance.Folders {
		m.Copied += f.Copied
		for reason, n := range f.Refused {
			m.Refused[reason] += n
		}
	}
	if !h.LastSyncedAt.IsZero() {
		lag := max(0, int64(now.Sub(h.LastSyncedAt).Seconds()))
		m.LagSeconds = &lag
	}
	if h.LastError != "" {
		m.LastError = &LastError{Message: h.LastError, At: UTC(h.LastErrorAt), Count: h.ErrorCount}
	}
	return m
}

func troubleOf(p crm.Problem) Trouble {
	return Trouble{
		Folder: p.FolderName, UID: p.UID, Detail: p.Detail, Tries: p.Tries,
		Since: UTC(p.Since), RetryAt: UTC(p.RetryAt),
	}
}

// ReceiptOf shows a receipt.
func ReceiptOf(r crm.Receipt) Receipt { return Receipt(r) }

// BalanceOf adds up the balances of a mailbox's folders.
func BalanceOf(folders []crm.FolderBalance) Balance {
	b := Balance{Folders: Each(folders, folderOf)}
	for _, f := range folders {
		b.Unexplained += f.Unexplained
	}
	return b
}

// folderOf names every reason to refuse, also with 0: who looks for one should
// not have to know whether it is missing or none.
func folderOf(f crm.FolderBalance) FolderBalance {
	out := FolderBalance{
		ID: f.Folder, Name: f.Name, Refused: map[crm.Outcome]int64{},
		Imported: f.Outcomes[crm.Imported], Copied: f.Outcomes[crm.Copied], Removed: f.Outcomes[crm.Removed],
		Problems: f.Outcomes[crm.Trouble], Vanished: f.Outcomes[crm.Vanished],
		Unexplained: f.Unexplained, CheckedAt: UTC(f.CheckedAt),
	}
	for _, reason := range crm.Refusals {
		out.Refused[reason] = f.Outcomes[reason]
	}
	return out
}
