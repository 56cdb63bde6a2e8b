package office

import (
	"context"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

const userColumns = `id, email, name, role, aliases, active, created_at, updated_at`

func userScanner(a crm.AccountID) func(txn.Scan) (crm.User, error) {
	return func(scan txn.Scan) (crm.User, error) {
		u := crm.User{Account: a}
		err := scan(&u.ID, &u.Email, &u.Name, &u.Role, txn.AsJSON{To: &u.Aliases}, &u.Active,
			txn.Instant{To: &u.CreatedAt}, txn.Instant{To: &u.UpdatedAt})
		return u, err
	}
}

// PutUser creates or replaces a user; making a user inactive ends the user's
// link. A user that is replaced keeps CreatedAt.
func (o *Office) PutUser(ctx context.Context, u crm.User, at time.Time) (created bool, err error) {
	aliases, err := txn.ToJSON(u.Aliases)
	if err != nil {
		return false, err
	}
	// The addresses become internal in the same transaction: mail among
	// colleagues must not pass for a customer's in between.
	err = o.change(ctx, "put user", u.Account, func(t tx) error {
		before, err := userOf(t.Session, u.Account, u.ID)
		created = crm.KindOf(err) == crm.NotFound
		if err != nil && !created {
			return err
		}
		err = t.Write(`
			INSERT INTO users (account, id, email, name, role, aliases, active, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (account, id) DO UPDATE SET
				email = excluded.email, name = excluded.name, role = excluded.role, aliases = excluded.aliases,
				active = excluded.active, updated_at = excluded.updated_at`,
			u.Account, u.ID, u.Email, u.Name, u.Role, aliases, u.Active, txn.MS(u.CreatedAt), txn.MS(u.UpdatedAt))
		if err != nil {
			return err
		}
		t.noteUser(before, u, created)
		if err := t.setInternal(userSource(u.ID), append([]crm.Address{u.Email}, u.Aliases...)); err != nil {
			return err
		}
		if !u.Active {
			return t.endLinks(crm.EndedUserDisabled, at, linksOfUser(u.ID))
		}
		return nil
	})
	return created && err == nil, err // nothing was created where the commit failed
}

// noteUser writes down what changed of a user's place in the account.
func (t tx) noteUser(before, after crm.User, created bool) {
	id := string(after.ID)
	switch {
	case created:
		t.Note(crm.AuditUserCreated, id, map[string]string{"role": string(after.Role)})
		return
	case before.Active && !after.Active:
		t.Note(crm.AuditUserDisabled, id, nil)
	case !before.Active && after.Active:
		t.Note(crm.AuditUserEnabled, id, nil)
	}
	if before.Role != after.Role {
		t.Note(crm.AuditUserRoleChanged, id, map[string]string{"from": string(before.Role), "to": string(after.Role)})
	}
}

// User returns a user.
func (o *Office) User(ctx context.Context, a crm.AccountID, id crm.UserID) (crm.User, error) {
	u, err := userOf(o.db.Reading(ctx), a, id)
	return u, o.db.Fail(ctx, "read user", err)
}

func userOf(s txn.Session, a crm.AccountID, id crm.UserID) (crm.User, error) {
	return txn.One(s, "user", userScanner(a), `SELECT `+userColumns+` FROM users WHERE account = $1 AND id = $2`, a, id)
}

// ListUsers lists an account's users by id.
func (o *Office) ListUsers(ctx context.Context, a crm.AccountID, p crm.Paging) (crm.Part[crm.User], error) {
	_, after, err := txn.ReadCursor(p.Cursor)
	if err != nil {
		return crm.Part[crm.User]{}, err
	}
	list, err := txn.All(o.db.Reading(ctx), userScanner(a), `
		SELECT `+userColumns+` FROM users
		WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`, a, after, p.Limit+1)
	return txn.Part(list, p.Limit, func(u crm.User) string { return txn.Cursor(0, string(u.ID)) }), o.db.Fail(ctx, "list users", err)
}

// DeleteUser ends the user's link, and the addresses cease to be internal. The
// id may be put again.
func (o *Office) DeleteUser(ctx context.Context, a crm.AccountID, id crm.UserID, at time.Time) error {
	return o.change(ctx, "delete user", a, func(t tx) error {
		if err := t.Touch("user", `DELETE FROM users WHERE account = $1 AND id = $2`, a, id); err != nil {
			return err
		}
		t.Note(crm.AuditUserDeleted, string(id), nil)
		if err := t.setInternal(userSource(id), nil); err != nil {
			return err
		}
		return t.endLinks(crm.EndedUserDeleted, at, linksOfUser(id))
	})
}
