package rule

import (
	"slices"
	"time"

	"mailsyncd.example/crm"
)

// ReadsStatus decides whether the delivery status of a message that is refused,
// for this reason, is read: it is a delivery report, and the account has had
// those read since before it was received. Nothing is read of one from before
// the link, or of one that somebody drafts.
func ReadsStatus(env crm.Envelope, refused crm.Outcome, since time.Time) bool {
	switch refused {
	case crm.NoContact, crm.InternalOnly, crm.ContactOnlyInCc, crm.BeforeContact:
		return env.Report && !since.IsZero() && !toSecond(env.ReceivedAt).Before(toSecond(since))
	}
	return false
}

// Concerned are the contacts whom a report about an address concerns: those
// who had it on record when the report was received. An internal address is
// nobody's, as in the import rules.
func Concerned(about crm.Address, received time.Time, facts crm.Facts) []crm.ContactID {
	if facts.Internal[about] {
		return nil
	}
	var concerned []crm.ContactID
	for _, c := range facts.Contacts[about] {
		if !toSecond(c.Since).After(toSecond(received)) && !slices.Contains(concerned, c.Contact) {
			concerned = append(concerned, c.Contact)
		}
	}
	slices.Sort(concerned)
	return concerned
}
