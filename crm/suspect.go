package crm

// Suspect is a contact that may be one of the company's own people, so that
// mail among colleagues would be imported as a customer's.
type Suspect struct {
	Contact Contact
	Address Address // the one that makes it so; "" where its mail does
	Reason  SuspectReason
}

// SuspectReason says why.
type SuspectReason string

const (
	SuspectInternal   SuspectReason = "internal_address" // it is a user's, or a linked mailbox's
	SuspectOwnDomain  SuspectReason = "own_domain"       // it is at a domain of theirs
	SuspectOnlyInside SuspectReason = "only_inside"      // its mail is always with several colleagues, and with nobody else
)
