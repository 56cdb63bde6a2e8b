package crm

import "time"

// Bounce is what a mail server says of an address that it could not reach.
type Bounce struct {
	Address  Address   `json:"address"`          // the one that was written to, as far as the server tells
	Status   string    `json:"status,omitempty"` // RFC 3463: 5.1.1; "" where the server gives none
	Severity Severity  `json:"severity"`         // whether to write there again
	At       time.Time `json:"at,omitzero"`      // of the server's last attempt
}

// By returns the bounce as it is told when the notice has come: the time is
// that of the notice where the server tells none, or a later one.
func (b Bounce) By(received time.Time) Bounce {
	if b.At.IsZero() || b.At.After(received) && !received.IsZero() {
		b.At = received
	}
	return b
}

// Severity tells whether an address is worth another mail.
type Severity string

const (
	// Hard: there is nobody at this address, and nothing will change that. Only
	// this says "don't write there again".
	Hard Severity = "hard"
	// Soft: this mail did not arrive, or has not so far: the mailbox is full, a
	// server is away, somebody took the mail for spam.
	Soft Severity = "soft"
)
