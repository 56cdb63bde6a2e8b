package crm

import "time"

// PreviewQuery asks what a mailbox would have brought into the CRM.
type PreviewQuery struct {
	Account AccountID
	// Login opens the mailbox. One with a Link and no Secret is that link's, of
	// Mailbox.
	Login   Login
	Mailbox MailboxID
	Own     []Address // the mailbox's, which its link would make internal
	Since   time.Time
}

// Preview is what a mailbox would have brought into the CRM since a time, had it
// been linked and had today's contacts been on record. It is made of envelopes,
// for the mailbox's user alone, and stored nowhere.
type Preview struct {
	Since, Until time.Time
	Looked       int // messages received since then whose envelope was read
	Imported     int // of these, messages that the rules would import, copies counted each
	Unreadable   int
	Refused      map[Outcome]int
	Items        []Glimpse // the newest of those imported, newest first
	Complete     bool      // false where there was more than could be read in the time
}

// Glimpse is a message that the rules would import, as far as it was read.
type Glimpse struct {
	FolderName string
	ReceivedAt time.Time
	Direction  Direction
	From, To   []Address
	Contacts   []ContactID
}
