package crm

import "time"

// Thread is the messages of one conversation.
type Thread struct {
	Account       AccountID
	ID            ThreadID
	Subject       string
	Contacts      []ContactID
	MessageCount  int
	LastMessageAt time.Time
	Snippet       string
}

// ThreadQuery selects threads of an account, the one written to last first.
type ThreadQuery struct {
	Contact ContactID
	Mailbox MailboxID
	Text    string // must stand in a message's subject, text or addresses
	Waiting bool   // only those whose last mail by a person is to us: for our answer
	Paging
}
