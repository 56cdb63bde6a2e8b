package office

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// source says whose an internal address is. Several may share one.
type source string

func userSource(id crm.UserID) source { return source("user/" + id) }
func linkSource(id crm.LinkID) source { return source("link/" + id) }

// setInternal makes the internal addresses of a source those given.
func (t tx) setInternal(from source, addrs []crm.Address) error {
	err := t.Write(`DELETE FROM internal_addresses WHERE account = $1 AND source = $2`, t.Account, from)
	if err != nil {
		return err
	}
	var values []any
	for _, addr := range addrs {
		if addr != "" {
			values = append(values, t.Account, addr, from)
		}
	}
	return t.Insert(`INSERT INTO internal_addresses (account, address, source) VALUES`, 3, values, `ON CONFLICT DO NOTHING`)
}

// InternalAddresses are the addresses of the account's users and of the
// mailboxes with a link that stands.
func (o *Office) InternalAddresses(ctx context.Context, a crm.AccountID) ([]crm.Address, error) {
	list, err := txn.All(o.db.Reading(ctx), func(scan txn.Scan) (crm.Address, error) {
		var addr crm.Address
		err := scan(&addr)
		return addr, err
	}, `SELECT DISTINCT address FROM internal_addresses WHERE account = $1 ORDER BY address`, a)
	return list, o.db.Fail(ctx, "list internal addresses", err)
}
