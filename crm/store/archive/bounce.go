package archive

import (
	"slices"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// holders are the contacts that have an address, by address.
type holders map[crm.Address][]crm.ContactID

// contactsAt finds whose addresses these are.
func (t tx) contactsAt(addrs []crm.Address) (holders, error) {
	having := holders{}
	err := txn.InGroups(addrs, 2, func(list string, args []any) error {
		return t.Each(func(scan txn.Scan) error {
			var a crm.Address
			var c crm.ContactID
			if err := scan(&a, &c); err != nil {
				return err
			}
			having[a] = append(having[a], c)
			return nil
		}, `SELECT address, contact FROM contact_addresses WHERE account = $1 AND address IN `+list,
			append([]any{string(t.Account)}, args...)...)
	})
	for _, contacts := range having {
		slices.Sort(contacts)
	}
	return having, err
}

// bouncedContacts finds the contacts whose addresses these messages report as
// bounced. A page without bounces costs no query.
func (t tx) bouncedContacts(fresh []*crm.Message) (holders, error) {
	var addrs []crm.Address
	for _, m := range fresh {
		for _, b := range m.Letter.Bounces {
			addrs = append(addrs, b.Address)
		}
	}
	return t.contactsAt(addrs)
}

// bouncedData is what the event about an address says that mail could not reach.
type bouncedData struct {
	messageData
	crm.Bounce
}

// tellBounces tells of each address that a message reports as bounced. The
// contacts are those who have the address, and not whoever the report is from.
func (t tx) tellBounces(m *crm.Message, having holders, e txn.Event, data messageData) {
	about := e.About
	for _, b := range m.Letter.Bounces {
		data.Contacts = append([]crm.ContactID{}, having[b.Address]...) // a list, were it empty
		b = b.By(m.ReceivedAt)
		b.At = b.At.UTC()
		e.About, e.Data = about+"\x00"+string(b.Address), bouncedData{data, b}
		t.Tell(e)
	}
}
