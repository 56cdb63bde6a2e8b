package wire

import (
	"time"

	"mailsyncd.example/crm"
)

// Contact is a customer record. Where its profile is not for the reader, only
// the id is there, and restricted is true.
type Contact struct {
	ID         crm.ContactID `json:"id"`
	Restricted bool          `json:"restricted,omitempty"`
	*Profile
}

// Profile is what only those may read who may read the contact.
type Profile struct {
	Name      string        `json:"name" required:"false"`
	OwnerID   *crm.UserID   `json:"owner_id" required:"false" doc:"null: nobody's."`
	Addresses []crm.Address `json:"addresses" required:"false" nullable:"false"`
	OnRecord  []OnRecord    `json:"on_record" required:"false" nullable:"false"`
	CreatedAt time.Time     `json:"created_at" required:"false"`
	UpdatedAt time.Time     `json:"updated_at" required:"false"`
}

// OnRecord says since when an address has been on record: older mail with it
// is not imported.
type OnRecord struct {
	Address crm.Address `json:"address"`
	Since   time.Time   `json:"since"`
}

// ContactInput is a contact as the CRM knows it.
type ContactInput struct {
	Name      Name       `json:"name,omitempty"`
	OwnerID   *ForeignID `json:"owner_id,omitempty" doc:"The user whose customer this is."`
	Addresses []string   `json:"addresses,omitempty" maxItems:"200" doc:"An address that was there before keeps the time since which it is on record."`
}

// Contact makes a contact whose new addresses are on record from now on.
func (in ContactInput) Contact(a crm.AccountID, id crm.ContactID, now time.Time) (crm.Contact, error) {
	c := crm.Contact{Account: a, ID: id, Name: string(in.Name), CreatedAt: now, UpdatedAt: now}
	if in.OwnerID != nil {
		c.Owner = crm.UserID(*in.OwnerID)
	}
	addrs, err := addresses("addresses", in.Addresses)
	if err != nil {
		return crm.Contact{}, err
	}
	c.Addresses = Each(addrs, func(a crm.Address) crm.ContactAddress { return crm.ContactAddress{Address: a, Since: now} })
	return c, nil
}

// ContactOf shows a contact to somebody who may read its profile, or may not.
func ContactOf(c crm.Contact, readable bool) Contact {
	if !readable {
		return Contact{ID: c.ID, Restricted: true}
	}
	return Contact{ID: c.ID, Profile: &Profile{
		Name: c.Name, OwnerID: orNull(c.Owner),
		Addresses: Each(c.Addresses, func(a crm.ContactAddress) crm.Address { return a.Address }),
		OnRecord: Each(c.Addresses, func(a crm.ContactAddress) OnRecord {
			return OnRecord{Address: a.Address, Since: UTC(a.Since)}
		}),
		CreatedAt: UTC(c.CreatedAt), UpdatedAt: UTC(c.UpdatedAt),
	}}
}
