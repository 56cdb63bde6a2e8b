// Package suspect decides which contacts may be the company's own people. It
// only points them out: who is a customer a person decides.
package suspect

import (
	"slices"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/provider"
)

// Inside is what is known of the company's own people.
type Inside struct {
	addresses map[crm.Address]bool
	domains   map[string]bool // theirs alone
}

// New takes the addresses of the account's users and linked mailboxes. A domain
// at which anybody can have an address makes nobody a colleague.
func New(internal []crm.Address) Inside {
	in := Inside{addresses: map[crm.Address]bool{}, domains: map[string]bool{}}
	for _, a := range internal {
		in.addresses[a] = true
		if domain := provider.Domain(a); !in.domains[domain] && !provider.IsPublic(domain) {
			in.domains[domain] = true
		}
	}
	return in
}

// Judge tells whether a contact's addresses make it suspect.
func (in Inside) Judge(c crm.Contact) (crm.Suspect, bool) {
	for _, a := range c.Addresses {
		if in.addresses[a.Address] {
			return crm.Suspect{Contact: c, Address: a.Address, Reason: crm.SuspectInternal}, true
		}
	}
	for _, a := range c.Addresses {
		if in.ours(provider.Domain(a.Address)) {
			return crm.Suspect{Contact: c, Address: a.Address, Reason: crm.SuspectOwnDomain}, true
		}
	}
	return crm.Suspect{}, false
}

// ours reports whether a domain is the company's: one of theirs, or below the
// same name that somebody registered. Below a hoster's name are strangers.
func (in Inside) ours(domain string) bool {
	if in.domains[domain] {
		return true
	}
	if _, _, hosted := provider.ByDomain(crm.Address("x@" + domain)); hosted {
		return false
	}
	for own := range in.domains {
		if provider.Related(own, domain) {
			return true
		}
	}
	return false
}

const (
	// Enough is how many messages it takes to judge by them.
	Enough = 5
	// together is how many colleagues must be in each.
	together = 2
)

// WorthReading reports whether a contact's messages are to be judged as well:
// those whose only addresses are private ones, as colleagues have them too.
func WorthReading(c crm.Contact) bool {
	return len(c.Addresses) > 0 && !slices.ContainsFunc(c.Addresses, func(a crm.ContactAddress) bool {
		return !provider.IsPublic(provider.Domain(a.Address))
	})
}

// OnlyInside reports whether a contact's messages are those of a colleague: each
// is with several of the company's people at once, and none with anybody else.
// A customer has written to one of them alone, sooner or later.
func (in Inside) OnlyInside(c crm.Contact, messages []crm.Message) bool {
	if len(messages) < Enough {
		return false
	}
	for _, m := range messages {
		colleagues := 0
		for _, p := range slices.Concat(m.Letter.From, m.Letter.To, m.Letter.Cc) {
			switch {
			case slices.ContainsFunc(c.Addresses, func(a crm.ContactAddress) bool { return a.Address == p.Address }):
			case in.addresses[p.Address] || in.ours(provider.Domain(p.Address)):
				colleagues++
			default:
				return false
			}
		}
		if colleagues < together {
			return false
		}
	}
	return true
}
