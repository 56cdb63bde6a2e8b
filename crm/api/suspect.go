package api

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
	"mailsyncd.example/crm/suspect"
)

// Bounds of one page of suspects: an account may have contacts by the hundred
// thousand, and few of them are.
const (
	suspectsLooked = 2000 // contacts that are looked at
	suspectsBatch  = 20   // contacts that a question to the database counts for, at least
	suspectsRead   = 100  // of these, contacts whose messages are
	suspectSample  = 20   // messages of each
)

// listSuspects points out contacts that may be the company's own people, before
// mail among colleagues is imported for everybody to read. A page may have few
// items, or none, while there are more to look through: next tells.
func (s *server) listSuspects(ctx context.Context, in *pageInput) (*page[wire.Suspect], error) {
	internal, err := s.Store.InternalAddresses(ctx, account(ctx))
	if err != nil {
		return nil, err
	}
	inside := suspect.New(internal)
	var found []crm.Suspect
	p, reading := in.paging(), suspectsRead
	for looked := 0; ; {
		batch, err := s.Store.ListContacts(ctx, account(ctx), crm.Paging{Cursor: p.Cursor, Limit: p.Limit - len(found)})
		if err != nil {
			return nil, err
		}
		for _, c := range batch.Items {
			one, is, err := s.suspected(ctx, inside, c, &reading)
			if err != nil {
				return nil, err
			}
			if is {
				found = append(found, one)
			}
		}
		p.Cursor, looked = batch.Next, looked+max(suspectsBatch, len(batch.Items))
		// A page that is half full is good enough: the last places would be
		// filled one contact at a time.
		if p.Cursor == "" || looked >= suspectsLooked || reading <= 0 || 2*len(found) >= p.Limit {
			return mapped(crm.Part[crm.Suspect]{Items: found, Next: p.Cursor}, wire.SuspectOf), nil
		}
	}
}

// suspected judges a contact by its addresses, and where these say nothing by
// its mail.
func (s *server) suspected(ctx context.Context, inside suspect.Inside, c crm.Contact, reading *int) (crm.Suspect, bool, error) {
	if one, is := inside.Judge(c); is {
		return one, true, nil
	}
	if !suspect.WorthReading(c) {
		return crm.Suspect{}, false, nil
	}
	*reading--
	q := crm.MessageQuery{Contact: c.ID, Paging: crm.Paging{Limit: suspectSample}}
	messages, err := s.Store.ListMessages(ctx, c.Account, q)
	if err != nil || !inside.OnlyInside(c, messages.Items) {
		return crm.Suspect{}, false, err
	}
	return crm.Suspect{Contact: c, Reason: crm.SuspectOnlyInside}, true, nil
}
