package crm

import "time"

// GrantID names what a person has agreed to at a provider, and changes when
// they agree anew. grt_…
type GrantID string

// Grant is a person's agreement that a mailbox may be read with tokens of
// their provider instead of a password (RFC 6749). It is a link's credential,
// as a password is, and erased with the link.
type Grant struct {
	ID       GrantID
	Provider string // the name that the operator's file of providers has for it
	// Refresh gets further access tokens. Many providers hand out another one
	// with each of them, and take the old one no more: the newest is all that
	// is left of the agreement.
	Refresh Secret
	Access  Secret // opens the mailbox, for an hour or so
	// Expires is when Access is good no more, RenewAt when to get the next
	// one: some time before.
	Expires time.Time
	RenewAt time.Time
	Turn    int64 // counts the refreshes: 0 is what the agreement itself brought
}

// Fresh reports whether the access token is to be used at a time, as far as
// anybody can know without asking.
func (g Grant) Fresh(now time.Time) bool { return now.Before(g.RenewAt) }

// OAuthProvider is one at which the operator has registered this daemon.
type OAuthProvider struct {
	Name string
	IMAP Server // whose tokens it gives: they are shown to no other server
}

// Authorization is what a user has begun and is to agree to at a provider.
type Authorization struct {
	// Link is the link as it is to be made, without what only its mailbox
	// tells. One with an ID stands, and gets another grant.
	Link     Link
	Provider string
	Verifier Secret // proves that who comes back is who went (RFC 7636)
	Expires  time.Time
}
