package api

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/access"
	"mailsyncd.example/crm/api/wire"
)

// ContactPath names a contact of the account.
type ContactPath struct {
	ID wire.ForeignID `path:"id" doc:"The CRM's id of the contact."`
}

func (p ContactPath) contact() crm.ContactID { return crm.ContactID(p.ID) }

// putContact puts new addresses on record from this moment on; mail that came
// before is not imported for them.
func (s *server) putContact(ctx context.Context, in *struct {
	ContactPath
	Body wire.ContactInput
}) (*saved[wire.Contact], error) {
	c, err := in.Body.Contact(account(ctx), in.contact(), s.Now())
	if err != nil {
		return nil, err
	}
	created, err := s.Store.PutContacts(ctx, []crm.Contact{c})
	if err != nil {
		return nil, err
	}
	if c, err = s.Store.Contact(ctx, c.Account, c.ID); err != nil {
		return nil, err
	}
	return &saved[wire.Contact]{Status: putStatus(created == 1), Body: contactFor(ctx)(c)}, nil
}

// listContacts shows that contacts exist even to those who may not read their
// profiles: threads name them too.
func (s *server) listContacts(ctx context.Context, in *pageInput) (*page[wire.Contact], error) {
	part, err := s.Store.ListContacts(ctx, account(ctx), in.paging())
	if err != nil {
		return nil, err
	}
	return mapped(part, contactFor(ctx)), nil
}

func (s *server) getContact(ctx context.Context, in *ContactPath) (*reply[wire.Contact], error) {
	c, err := s.Store.Contact(ctx, account(ctx), in.contact())
	if err != nil {
		return nil, err
	}
	return &reply[wire.Contact]{contactFor(ctx)(c)}, nil
}

// deleteContact forgets the profile and the addresses. Its mail stays readable:
// it belongs to the account.
func (s *server) deleteContact(ctx context.Context, in *ContactPath) (*none, error) {
	return nil, s.Store.DeleteContact(ctx, account(ctx), in.contact())
}

// contactFor shows contacts to the caller of a request.
func contactFor(ctx context.Context) func(crm.Contact) wire.Contact {
	reader := caller(ctx)
	return func(c crm.Contact) wire.Contact {
		return wire.ContactOf(c, access.MayReadProfile(reader, c, reader.Account.ContactVisibility))
	}
}
