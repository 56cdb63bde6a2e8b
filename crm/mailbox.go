package crm

import "time"

// Mailbox is what stands behind one or more links of an account: one per host,
// port and user name, synced once however many users link it.
type Mailbox struct {
	Account  AccountID
	ID       MailboxID
	Host     string
	Port     int
	Username string
	Since    time.Time // when the oldest link that stands was made
}

// WatchMode says how news of a mailbox is learnt.
type WatchMode string

const (
	ModeIdle WatchMode = "idle" // the server tells (RFC 2177), and looks make sure
	ModePoll WatchMode = "poll" // looks only
)

// Standing is a mailbox with the credentials that may open it, the link made
// first in front. Links whose credential was refused are left out.
type Standing struct {
	Mailbox Mailbox
	Logins  []Login
	// Transfers are the logins with which links of the mailbox are to be tried
	// elsewhere, because their presets want them there.
	Transfers []Login
	// ReportsSince is since when delivery reports are read; zero where the
	// account has not switched that on.
	ReportsSince time.Time
}

// Looked is the result of one look at a mailbox, good or bad: what its health
// is made of.
type Looked struct {
	Account AccountID
	Mailbox MailboxID
	Fence   Fence // under which the mailbox is worked
	At      time.Time
	Status  LinkStatus // of the links that share the mailbox and are not auth_failed
	Mode    WatchMode
	Err     string // the server's words, or ours; "" when all went well
	Synced  bool   // every folder was read up to At
	Missed  int    // messages that a look found and IDLE had not announced
}

// Receipt counts what was read of a mailbox, so that a person can see that
// private mail stayed private.
type Receipt struct {
	Envelopes     int64 // messages of which From, To, Cc, Bcc, date and size were looked at
	Bodies        int64 // messages of which the content was read
	RefusedBodies int64 // of these, messages that the rules refuse: 0, or a fault
	Bytes         int64 // bytes received from the server
	Reports       int64 // delivery reports, refused like other mail, of which the delivery status was read
}

// Health is a mailbox as a manager sees it.
type Health struct {
	Mailbox      Mailbox
	Addresses    []Address
	Users        []UserID
	Status       LinkStatus
	Mode         WatchMode
	LastSyncedAt time.Time // zero before the first complete look
	LastError    string
	LastErrorAt  time.Time
	ErrorCount   int // how often LastError came in a row
	Missed       int64
	Receipt      Receipt
	Imported     int64
	Folders      []FolderBalance
	Problems     []Problem
}

// FolderBalance accounts for every UID that a folder has had since the link.
type FolderBalance struct {
	Folder      FolderID
	Name        string
	Outcomes    map[Outcome]int64
	Unexplained int64     // UIDs on the server without an outcome, at the last check: 0, or an alarm
	CheckedAt   time.Time // zero before the first check
}

// Problem is a message that could not be read so far.
type Problem struct {
	Account     AccountID
	Mailbox     MailboxID
	Folder      FolderID
	FolderName  string
	UIDValidity uint32
	UID         UID
	Detail      string // what the server or the reader said
	Tries       int
	Since       time.Time
	RetryAt     time.Time
}
