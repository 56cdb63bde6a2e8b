package office

import "mailsyncd.example/crm"

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
