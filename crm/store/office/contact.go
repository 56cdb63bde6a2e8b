package office

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

const contactColumns = `id, name, owner, created_at, updated_at`

func contactScanner(a crm.AccountID) func(txn.Scan) (crm.Contact, error) {
	return func(scan txn.Scan) (crm.Contact, error) {
		c := crm.Contact{Account: a}
		err := scan(&c.ID, &c.Name, &c.Owner, txn.Instant{To: &c.CreatedAt}, txn.Instant{To: &c.UpdatedAt})
		return c, err
	}
}

// PutContacts creates or replaces many contacts at once, of one account or
// several. An address that a contact had already keeps its Since; a new one
// gets the Since that it comes with. Of two with the same id the later counts.
func (o *Office) PutContacts(ctx context.Context, cs []crm.Contact) (created int, err error) {
	// Accounts are locked in the order of their ids, as everywhere.
	byAccount := map[crm.AccountID][]crm.Contact{}
	for _, c := range cs {
		byAccount[c.Account] = append(byAccount[c.Account], c)
	}
	err = o.transact(ctx, "put contacts", func(t tx) error {
		created = 0
		for _, a := range txn.SortedKeys(byAccount) {
			if err := t.Enter(a); err != nil {
				return err
			}
			n, err := t.putContacts(lastOfEach(byAccount[a]))
			if err != nil {
				return err
			}
			created += n
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return created, nil
}

// lastOfEach drops contacts that come again further on: one statement can't
// write a row twice.
func lastOfEach(cs []crm.Contact) []crm.Contact {
	last := make(map[crm.ContactID]int, len(cs))
	for i, c := range cs {
		last[c.ID] = i
	}
	kept := make([]crm.Contact, 0, len(last))
	for i, c := range cs {
		if last[c.ID] == i {
			kept = append(kept, c)
		}
	}
	return kept
}

func (t tx) putContacts(cs []crm.Contact) (created int, err error) {
	ids := make([]crm.ContactID, len(cs))
	rows := make([]any, 0, 6*len(cs))
	for i, c := range cs {
		ids[i] = c.ID
		rows = append(rows, t.Account, c.ID, c.Name, c.Owner, txn.MS(c.CreatedAt), txn.MS(c.UpdatedAt))
	}
	// Counted before, as an upsert does not say which rows it has made.
	there := 0
	err = txn.InGroups(ids, 2, func(list string, args []any) error {
		var n int
		_, err := t.First(txn.Into(&n), `
			SELECT COUNT(*) FROM contacts WHERE account = $1 AND id IN `+list, append([]any{t.Account}, args...)...)
		there += n
		return err
	})
	if err != nil {
		return 0, err
	}
	err = t.Insert(`INSERT INTO contacts (account, id, name, owner, created_at, updated_at) VALUES`, 6, rows, `
		ON CONFLICT (account, id) DO UPDATE SET
			name = excluded.name, owner = excluded.owner, updated_at = excluded.updated_at`)
	if err != nil {
		return 0, err
	}
	return len(cs) - there, t.putAddresses(cs, ids)
}

// putAddresses makes the addresses of contacts those given: first none has a
// place in its contact's list, then those given get theirs (and keep their
// Since where they were there), and what has none goes.
func (t tx) putAddresses(cs []crm.Contact, ids []crm.ContactID) error {
	each := func(statement string) error {
		return txn.InGroups(ids, 2, func(list string, args []any) error {
			err := t.Write(statement+list, append([]any{t.Account}, args...)...)
			return err
		})
	}
	if err := each(`UPDATE contact_addresses SET place = -1 WHERE account = $1 AND contact IN `); err != nil {
		return err
	}
	var rows []any
	for _, c := range cs {
		given := map[crm.Address]bool{}
		for i, addr := range c.Addresses {
			// One statement can't touch a row twice (PostgreSQL says so).
			if !given[addr.Address] {
				given[addr.Address] = true
				rows = append(rows, t.Account, addr.Address, c.ID, txn.MS(addr.Since), i)
			}
		}
	}
	err := t.Insert(`INSERT INTO contact_addresses (account, address, contact, since, place) VALUES`, 5, rows,
		`ON CONFLICT (account, address, contact) DO UPDATE SET place = excluded.place`)
	if err != nil {
		return err
	}
	return each(`DELETE FROM contact_addresses WHERE account = $1 AND place = -1 AND contact IN `)
}

// Contact returns a contact.
func (o *Office) Contact(ctx context.Context, a crm.AccountID, id crm.ContactID) (crm.Contact, error) {
	var c crm.Contact
	err := o.db.Look(ctx, "read contact", func(q txn.Session) error {
		found, err := txn.All(q, contactScanner(a), `
			SELECT `+contactColumns+` FROM contacts WHERE account = $1 AND id = $2`, a, id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return txn.NotFound("contact")
		}
		if err := addAddresses(q, a, found); err != nil {
			return err
		}
		c = found[0]
		return nil
	})
	return c, err
}

// ListContacts lists an account's contacts by id.
func (o *Office) ListContacts(ctx context.Context, a crm.AccountID, p crm.Paging) (crm.Part[crm.Contact], error) {
	_, after, err := txn.ReadCursor(p.Cursor)
	if err != nil {
		return crm.Part[crm.Contact]{}, err
	}
	var list []crm.Contact
	err = o.db.Look(ctx, "list contacts", func(q txn.Session) error {
		list, err = txn.All(q, contactScanner(a), `
			SELECT `+contactColumns+` FROM contacts
			WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`, a, after, p.Limit+1)
		if err != nil {
			return err
		}
		return addAddresses(q, a, list)
	})
	return txn.Part(list, p.Limit, func(c crm.Contact) string { return txn.Cursor(0, string(c.ID)) }), err
}

// addAddresses fills in the addresses of contacts.
func addAddresses(q txn.Session, a crm.AccountID, cs []crm.Contact) error {
	at := make(map[crm.ContactID]*crm.Contact, len(cs))
	for i := range cs {
		at[cs[i].ID] = &cs[i]
	}
	return txn.InGroups(txn.SortedKeys(at), 2, func(list string, args []any) error {
		return q.Each(func(scan txn.Scan) error {
			var id crm.ContactID
			var addr crm.ContactAddress
			if err := scan(&id, &addr.Address, txn.Instant{To: &addr.Since}); err != nil {
				return err
			}
			at[id].Addresses = append(at[id].Addresses, addr)
			return nil
		}, `
			SELECT contact, address, since FROM contact_addresses
			WHERE account = $1 AND contact IN `+list+` ORDER BY contact, place`, append([]any{a}, args...)...)
	})
}

// DeleteContact forgets the profile, the addresses and the enrollments; mail
// stays.
func (o *Office) DeleteContact(ctx context.Context, a crm.AccountID, id crm.ContactID) error {
	return o.change(ctx, "delete contact", a, func(t tx) error {
		if err := t.Touch("contact", `DELETE FROM contacts WHERE account = $1 AND id = $2`, a, id); err != nil {
			return err
		}
		return t.Write(`DELETE FROM absences WHERE account = $1 AND contact = $2`, a, id)
	})
}
