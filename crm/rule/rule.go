// Package rule decides whether a message is imported. It is given what stands
// in the envelope and what the account knows of the addresses in it, and asks
// nobody: the same question has the same answer whenever it is put.
package rule

import (
	"slices"
	"time"

	"mailsyncd.example/crm"
)

// Inbox is where a message was found, and since when that counts.
type Inbox struct {
	Since time.Time // when the mailbox was linked
	// Anchor is the highest UID that the folder had at that moment, Anchored
	// that this is known although it is 0 (see crm.Folder).
	Anchor   crm.UID
	Anchored bool
}

// Skew is how far a mail server's clock may be off. So close to the moment of
// linking the UID decides, and not the date, which messages came after it.
const Skew = 5 * time.Minute

// Verdict is what the rules say of a message.
type Verdict struct {
	Import    bool
	Outcome   crm.Outcome   // Imported, or the reason for the refusal
	Direction crm.Direction // of a message that is imported
	Matches   []crm.Match   // why it is imported: in order of From, then To; each but once
}

// Judge applies the import rules. A message is imported if it came after the
// link, and a From or To address that is not internal was a contact's by then.
//
// Where several reasons explain a refusal, the first of these is given:
// before_link, draft, before_contact, internal_only, contact_only_in_cc,
// no_contact.
func Judge(env crm.Envelope, in Inbox, facts crm.Facts) Verdict {
	if !in.afterLink(env) {
		return Verdict{Outcome: crm.BeforeLink}
	}
	if env.Draft {
		return Verdict{Outcome: crm.Draft}
	}
	matches, early := match(env, facts)
	switch {
	case len(matches) > 0:
		return Verdict{
			Import:    true,
			Outcome:   crm.Imported,
			Direction: direction(env, facts),
			Matches:   matches,
		}
	case early:
		return Verdict{Outcome: crm.BeforeContact}
	case internalOnly(env, facts):
		return Verdict{Outcome: crm.InternalOnly}
	case anyContact(env.Copied, facts):
		return Verdict{Outcome: crm.ContactOnlyInCc}
	}
	return Verdict{Outcome: crm.NoContact}
}

// afterLink reports whether the message came after the mailbox was linked.
func (in Inbox) afterLink(env crm.Envelope) bool {
	late := toSecond(env.ReceivedAt).Sub(toSecond(in.Since))
	if (in.Anchored || in.Anchor > 0) && late.Abs() <= Skew {
		return env.UID > in.Anchor
	}
	return late >= 0
}

// toSecond cuts off what INTERNALDATE does not tell.
func toSecond(t time.Time) time.Time { return t.Truncate(time.Second) }

// match finds the contacts that the message is from or to. early reports that
// it is from or to some that were not on record yet.
func match(env crm.Envelope, facts crm.Facts) (matches []crm.Match, early bool) {
	received := toSecond(env.ReceivedAt)
	for i, field := range [...][]crm.Address{env.From, env.To} {
		for _, a := range field {
			if facts.Internal[a] {
				continue
			}
			for _, c := range facts.Contacts[a] {
				m := crm.Match{Contact: c.Contact, Address: a, Sender: i == 0}
				switch {
				case toSecond(c.Since).After(received):
					early = true
				case !slices.ContainsFunc(matches, func(o crm.Match) bool { return o.Contact == m.Contact && o.Address == a }):
					matches = append(matches, m)
				}
			}
		}
	}
	return matches, early
}

func direction(env crm.Envelope, facts crm.Facts) crm.Direction {
	if slices.ContainsFunc(env.From, func(a crm.Address) bool { return facts.Internal[a] }) {
		return crm.Outbound
	}
	return crm.Inbound
}

// internalOnly reports whether a message without a match concerns none but the
// account's own people: everybody is internal, or those on record as contacts
// are.
func internalOnly(env crm.Envelope, facts crm.Facts) bool {
	if anyContact(env.From, facts) || anyContact(env.To, facts) {
		return true
	}
	external := func(a crm.Address) bool { return !facts.Internal[a] }
	return len(env.From)+len(env.To) > 0 &&
		!slices.ContainsFunc(env.From, external) && !slices.ContainsFunc(env.To, external)
}

func anyContact(field []crm.Address, facts crm.Facts) bool {
	return slices.ContainsFunc(field, func(a crm.Address) bool { return len(facts.Contacts[a]) > 0 })
}
