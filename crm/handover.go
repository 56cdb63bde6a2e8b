package crm

import "time"

// Handover is what somebody needs who takes a user's customers over: what was
// going on in the mailboxes that the user had linked, the latest first.
type Handover struct {
	User      User
	Mailboxes []HandedMailbox
	Waiting   []Thread // that end with a person's mail to us
	Contacts  []LastMail
}

// HandedMailbox is a mailbox that a user had linked.
type HandedMailbox struct {
	Mailbox  MailboxID
	Address  Address
	EndedAt  time.Time // zero while the link stands
	SyncedAt time.Time // up to then all of its mail is here; zero where none was read
}

// LastMail is when a contact and we wrote to each other last.
type LastMail struct {
	Contact ContactID
	At      time.Time
}
