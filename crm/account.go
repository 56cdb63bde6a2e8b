package crm

import "time"

// Account is one company that uses the CRM. Nothing of one account is ever
// visible to another.
type Account struct {
	ID                AccountID
	Name              string
	Status            AccountStatus
	MailEnabled       bool // false: the mail feature is switched off, no link may stand
	ContactVisibility Visibility
	// DeliveryReports: of delivery reports that the rules refuse the delivery
	// status is read, from the moment on at which this was switched on.
	DeliveryReports bool
	CreatedAt       time.Time
}

// MailAllowed reports whether links of this account may stand.
func (a Account) MailAllowed() bool { return a.Status == AccountActive && a.MailEnabled }

// AccountStatus tells whether a company still uses the CRM.
type AccountStatus string

const (
	AccountActive   AccountStatus = "active"
	AccountDisabled AccountStatus = "disabled"
)

// Visibility says who may read a contact's profile.
type Visibility string

const (
	VisibleAll       Visibility = "all"
	VisibleOwnerOnly Visibility = "owner_only"
)

// AccountKey is a key with which the CRM's back end acts for an account. The
// key itself is shown once and stored hashed.
type AccountKey struct {
	Account   AccountID
	ID        KeyID
	Name      string
	CreatedAt time.Time
}

// TokenHash is the SHA-256 of a key or token; what is stored in its place.
type TokenHash [32]byte
