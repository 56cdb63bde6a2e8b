// Package review is the story of a manager who goes through the contacts to
// find those that are none, before mail among colleagues is imported for
// everybody to read.
package review

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/suspect"
)

// Store is what the review needs of the database. Every method is one
// transaction.
type Store interface {
	// InternalAddresses are those of the account's users and linked mailboxes.
	InternalAddresses(ctx context.Context, a crm.AccountID) ([]crm.Address, error)
	ListContacts(ctx context.Context, a crm.AccountID, p crm.Paging) (crm.Part[crm.Contact], error)
	ListMessages(ctx context.Context, a crm.AccountID, q crm.MessageQuery) (crm.Part[crm.Message], error)
}

// Bounds of one page of suspects: an account may have contacts by the hundred
// thousand, and few of them are.
const (
	mostLooked = 2000 // contacts that are looked at
	leastBatch = 20   // contacts that a question to the database counts for, at least
	mostRead   = 100  // contacts whose messages are read
	sample     = 20   // messages of each
)

// Suspects lists contacts that may be the company's own people. A page may have
// few items, or none, while there are more to look through: Next tells.
func Suspects(ctx context.Context, s Store, a crm.AccountID, p crm.Paging) (crm.Part[crm.Suspect], error) {
	internal, err := s.InternalAddresses(ctx, a)
	if err != nil {
		return crm.Part[crm.Suspect]{}, err
	}
	r := reading{store: s, inside: suspect.New(internal), left: mostRead}
	var found []crm.Suspect
	for looked := 0; ; {
		batch, err := s.ListContacts(ctx, a, crm.Paging{Cursor: p.Cursor, Limit: p.Limit - len(found)})
		if err != nil {
			return crm.Part[crm.Suspect]{}, err
		}
		for _, c := range batch.Items {
			one, is, err := r.judge(ctx, c)
			if err != nil {
				return crm.Part[crm.Suspect]{}, err
			}
			if is {
				found = append(found, one)
			}
		}
		p.Cursor, looked = batch.Next, looked+max(leastBatch, len(batch.Items))
		// A page that is half full is good enough: the last places would be
		// filled one contact at a time.
		if p.Cursor == "" || looked >= mostLooked || r.left <= 0 || 2*len(found) >= p.Limit {
			return crm.Part[crm.Suspect]{Items: found, Next: p.Cursor}, nil
		}
	}
}

// reading judges one contact after the other.
type reading struct {
	store  Store
	inside suspect.Inside
	left   int // contacts whose messages may still be read
}

// judge goes by a contact's addresses, and where these say nothing by its mail.
func (r *reading) judge(ctx context.Context, c crm.Contact) (crm.Suspect, bool, error) {
	if one, is := r.inside.Judge(c); is {
		return one, true, nil
	}
	if !suspect.WorthReading(c) {
		return crm.Suspect{}, false, nil
	}
	r.left--
	q := crm.MessageQuery{Contact: c.ID, Paging: crm.Paging{Limit: sample}}
	messages, err := r.store.ListMessages(ctx, c.Account, q)
	if err != nil || !r.inside.OnlyInside(c, messages.Items) {
		return crm.Suspect{}, false, err
	}
	return crm.Suspect{Contact: c, Reason: crm.SuspectOnlyInside}, true, nil
}
