package crm

import "time"

// Contact is a customer record of an account.
type Contact struct {
	Account   AccountID
	ID        ContactID
	Name      string
	Owner     UserID // "" where nobody owns it
	Addresses []ContactAddress
	CreatedAt time.Time
	UpdatedAt time.Time
}

// ContactAddress is an address with the time since which it is on record.
type ContactAddress struct {
	Address Address
	Since   time.Time
}

// Match is an address of a message that made the rules import it, and the
// contact it belongs to.
type Match struct {
	Contact ContactID
	Address Address
	Sender  bool // it stands in From, so that the message is the contact's word
}

// Facts is what the import rules need to know about the addresses of some
// messages: which of them are contacts' (and since when), which are internal.
type Facts struct {
	Contacts map[Address][]OnRecord
	Internal map[Address]bool
}

// OnRecord says that an address has been a contact's since a time.
type OnRecord struct {
	Contact ContactID
	Since   time.Time
}
