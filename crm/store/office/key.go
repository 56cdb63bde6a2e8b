package office

import (
	"context"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// CreateKey adds a key to its account.
func (o *Office) CreateKey(ctx context.Context, k crm.AccountKey, h crm.TokenHash) error {
	return o.change(ctx, "create key", k.Account, func(t tx) error {
		err := t.Add("key", `
			INSERT INTO account_keys (account, id, name, hash, created_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT DO NOTHING`, k.Account, k.ID, k.Name, h[:], txn.MS(k.CreatedAt))
		if err != nil {
			return err
		}
		t.Note(crm.AuditKeyCreated, string(k.ID), map[string]string{"name": k.Name})
		return nil
	})
}

// ListKeys lists an account's keys, the newest first.
func (o *Office) ListKeys(ctx context.Context, id crm.AccountID, p crm.Paging) (crm.Part[crm.AccountKey], error) {
	_, before, err := txn.ReadCursor(p.Cursor)
	if err != nil {
		return crm.Part[crm.AccountKey]{}, err
	}
	list, err := txn.All(o.db.Reading(ctx), func(scan txn.Scan) (crm.AccountKey, error) {
		k := crm.AccountKey{Account: id}
		err := scan(&k.ID, &k.Name, txn.Instant{To: &k.CreatedAt})
		return k, err
	}, `
		SELECT id, name, created_at FROM account_keys
		WHERE account = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, id, before, p.Limit+1)
	return txn.Part(list, p.Limit, func(k crm.AccountKey) string { return txn.Cursor(0, string(k.ID)) }), o.db.Fail(ctx, "list keys", err)
}

// DeleteKey takes a key away; it opens nothing from then on.
func (o *Office) DeleteKey(ctx context.Context, id crm.AccountID, key crm.KeyID) error {
	return o.change(ctx, "delete key", id, func(t tx) error {
		if err := t.Touch("key", `DELETE FROM account_keys WHERE account = $1 AND id = $2`, id, key); err != nil {
			return err
		}
		t.Note(crm.AuditKeyDeleted, string(key), nil)
		return nil
	})
}

// longestToken is more than any token lasts, so that one which ends this long
// before another is made has ended already.
const longestToken = 31 * 24 * time.Hour

// CreateToken lets the user in with a token until it expires. Tokens of the
// same user that are long over go.
func (o *Office) CreateToken(ctx context.Context, a crm.AccountID, id crm.UserID, h crm.TokenHash, expires time.Time) error {
	return o.change(ctx, "create token", a, func(t tx) error {
		if _, err := userOf(t.Session, a, id); err != nil {
			return err
		}
		err := t.Write(`
			DELETE FROM user_tokens WHERE account = $1 AND user_id = $2 AND expires_at < $3`,
			a, id, txn.MS(expires.Add(-longestToken)))
		if err != nil {
			return err
		}
		return t.Add("token", `
			INSERT INTO user_tokens (account, user_id, hash, expires_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT DO NOTHING`, a, id, h[:], txn.MS(expires))
	})
}

// Caller finds who holds the key or user token with this hash: crm.NotFound
// where it is unknown or expired, or its user is not active any more.
func (o *Office) Caller(ctx context.Context, h crm.TokenHash, now time.Time) (crm.Caller, error) {
	var c crm.Caller
	err := o.db.Look(ctx, "find caller", func(q txn.Session) error {
		var account crm.AccountID
		var user crm.UserID
		// Nothing that the token says of itself is believed: both kinds are
		// looked up, each by its index.
		found, err := q.First(txn.Into(&account, &user, &c.Key), `
			SELECT account, '', id FROM account_keys WHERE hash = $1
			UNION ALL
			SELECT t.account, t.user_id, '' FROM user_tokens t
			JOIN users u ON u.account = t.account AND u.id = t.user_id
			WHERE t.hash = $1 AND t.expires_at > $2 AND u.active`, h[:], txn.MS(now))
		if err != nil {
			return err
		}
		if !found {
			return txn.NotFound("token")
		}
		if c.Account, err = accountOf(q, account); err != nil || user == "" {
			return err
		}
		u, err := userOf(q, account, user)
		c.User = &u
		return err
	})
	if err != nil {
		return crm.Caller{}, err
	}
	return c, nil
}
