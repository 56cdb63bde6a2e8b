package archive

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// Facts tells which of these addresses are contacts' or internal. A window of
// mail has thousands of addresses, of which few are anybody's here, so they are
// looked up by key and the contacts are not gone through.
func (ar *Archive) Facts(ctx context.Context, a crm.AccountID, addrs []crm.Address) (crm.Facts, error) {
	// One snapshot: an address that moves from a user to a contact meanwhile
	// must not look like both, or like neither.
	f := crm.Facts{Contacts: map[crm.Address][]crm.OnRecord{}, Internal: map[crm.Address]bool{}}
	err := ar.db.Look(ctx, "read facts", func(q txn.Session) error {
		return txn.InGroups(addrs, 2, func(list string, args []any) error {
			args = append([]any{string(a)}, args...)
			err := q.Each(func(scan txn.Scan) error {
				var addr crm.Address
				var r crm.OnRecord
				if err := scan(&addr, &r.Contact, txn.Instant{To: &r.Since}); err != nil {
					return err
				}
				f.Contacts[addr] = append(f.Contacts[addr], r)
				return nil
			}, `SELECT address, contact, since FROM contact_addresses WHERE account = $1 AND address IN `+list, args...)
			if err != nil {
				return err
			}
			return q.Each(func(scan txn.Scan) error {
				var addr crm.Address
				err := scan(&addr)
				f.Internal[addr] = true
				return err
			}, `SELECT address FROM internal_addresses WHERE account = $1 AND address IN `+list, args...)
		})
	})
	return f, err
}

// Known tells which of these identities the account has, or had.
func (ar *Archive) Known(ctx context.Context, a crm.AccountID, ids []crm.Identity) (map[crm.Identity]crm.Known, error) {
	found, err := known(ar.db.Reading(ctx), a, ids)
	if err != nil {
		return nil, ar.db.Fail(ctx, "read identities", err)
	}
	out := make(map[crm.Identity]crm.Known, len(found))
	for id, k := range found {
		out[id] = k.Known
	}
	return out, nil
}

// knownMessage is what the database has of an identity, with the thread in which
// a further copy is to be noted.
type knownMessage struct {
	crm.Known
	thread crm.ThreadID
}

// known also finds what was deleted in the CRM: its identity stays, so that it
// is not imported again from a mailbox in which it still is.
func known(s txn.Session, a crm.AccountID, ids []crm.Identity) (map[crm.Identity]knownMessage, error) {
	found := make(map[crm.Identity]knownMessage, len(ids))
	keys := make([][]byte, len(ids))
	for i := range ids {
		keys[i] = ids[i][:]
	}
	err := txn.InGroups(keys, 2, func(list string, args []any) error {
		return s.Each(func(scan txn.Scan) error {
			var key []byte
			var k knownMessage
			if err := scan(&key, &k.Message, &k.thread, &k.Deleted); err != nil {
				return err
			}
			found[crm.Identity(key)] = k
			return nil
		}, `
			SELECT identity, id, thread, deleted_at IS NOT NULL FROM messages
			WHERE account = $1 AND identity IN `+list, append([]any{string(a)}, args...)...)
	})
	return found, err
}
