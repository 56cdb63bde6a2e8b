package office

import (
	"context"
	"strconv"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

const accountColumns = `id, name, status, mail_enabled, contact_visibility, reports_since IS NOT NULL, created_at`

func scanAccount(scan txn.Scan) (crm.Account, error) {
	var a crm.Account
	err := scan(&a.ID, &a.Name, &a.Status, &a.MailEnabled, &a.ContactVisibility, &a.DeliveryReports, txn.Instant{To: &a.CreatedAt})
	return a, err
}

// CreateAccount adds an account; crm.Conflict where its id is taken.
func (o *Office) CreateAccount(ctx context.Context, a crm.Account) error {
	// Not change: there is no account yet whose lock it could take.
	return o.transact(ctx, "create account", func(t tx) error {
		err := t.Add("account", `
			INSERT INTO accounts (id, name, status, mail_enabled, contact_visibility, created_at)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
			a.ID, a.Name, a.Status, a.MailEnabled, a.ContactVisibility, txn.MS(a.CreatedAt))
		if err != nil {
			return err
		}
		if err := t.Enter(a.ID); err != nil {
			return err
		}
		t.Note(crm.AuditAccountCreated, string(a.ID), map[string]string{"name": a.Name})
		return t.switchReports(a, a.CreatedAt)
	})
}

// Account returns an account.
func (o *Office) Account(ctx context.Context, id crm.AccountID) (crm.Account, error) {
	a, err := accountOf(o.db.Reading(ctx), id)
	return a, o.db.Fail(ctx, "read account", err)
}

func accountOf(s txn.Session, id crm.AccountID) (crm.Account, error) {
	return txn.One(s, "account", scanAccount, `SELECT `+accountColumns+` FROM accounts WHERE id = $1`, id)
}

// ListAccounts lists all accounts, the newest first.
func (o *Office) ListAccounts(ctx context.Context, p crm.Paging) (crm.Part[crm.Account], error) {
	_, before, err := txn.ReadCursor(p.Cursor)
	if err != nil {
		return crm.Part[crm.Account]{}, err
	}
	list, err := txn.All(o.db.Reading(ctx), scanAccount, `
		SELECT `+accountColumns+` FROM accounts
		WHERE ($1 = '' OR id < $1) ORDER BY id DESC LIMIT $2`, before, p.Limit+1)
	return txn.Part(list, p.Limit, func(a crm.Account) string { return txn.Cursor(0, string(a.ID)) }), o.db.Fail(ctx, "list accounts", err)
}

// UpdateAccount writes name, status, mail feature, visibility, and whether
// delivery reports are read. Where mail is not allowed any more it ends every
// link of the account.
func (o *Office) UpdateAccount(ctx context.Context, a crm.Account, at time.Time) error {
	return o.change(ctx, "update account", a.ID, func(t tx) error {
		t.Note(crm.AuditAccountUpdated, string(a.ID), map[string]string{
			"name": a.Name, "status": string(a.Status), "mail_enabled": strconv.FormatBool(a.MailEnabled),
			"contact_visibility": string(a.ContactVisibility), "delivery_reports": strconv.FormatBool(a.DeliveryReports),
		})
		if err := t.switchReports(a, at); err != nil {
			return err
		}
		err := t.Write(`
			UPDATE accounts SET name = $1, status = $2, mail_enabled = $3, contact_visibility = $4 WHERE id = $5`,
			a.Name, a.Status, a.MailEnabled, a.ContactVisibility, a.ID)
		switch {
		case err != nil:
			return err
		case a.Status != crm.AccountActive:
			return t.endLinks(crm.EndedAccountDisabled, at, allLinks)
		case !a.MailEnabled:
			return t.endLinks(crm.EndedMailDisabled, at, allLinks)
		}
		return nil
	})
}

// switchReports turns the switch for delivery reports, where it stands
// otherwise. Whoever works a mailbox of the account is told, as of a change of
// its links.
func (t tx) switchReports(a crm.Account, at time.Time) error {
	n, err := t.Exec(`
		UPDATE accounts SET reports_since = CASE WHEN reports_since IS NULL THEN CAST($2 AS BIGINT) END
		WHERE id = $1 AND (reports_since IS NOT NULL) <> $3`, a.ID, txn.MS(at), a.DeliveryReports)
	if err != nil || n == 0 {
		return err
	}
	return t.Each(func(scan txn.Scan) error {
		var m crm.MailboxID
		err := scan(&m)
		t.LinksChanged(m)
		return err
	}, `SELECT DISTINCT mailbox FROM links WHERE account = $1 AND ended_at IS NULL`, a.ID)
}

// grownTables hold what Record writes. They have no foreign key that would
// empty them with the account.
var grownTables = [...]string{
	"ledger", "problems", "messages", "message_contacts", "sightings", "threads", "thread_ids",
	"thread_correspondents", "thread_contacts", "thread_mailboxes", "absences", "events", "usage_by_month",
}

// DeleteAccount ends every link and erases all that the account has, its events
// too. It is one transaction, however much that is: half an account is nobody's.
func (o *Office) DeleteAccount(ctx context.Context, id crm.AccountID, at time.Time) error {
	return o.change(ctx, "delete account", id, func(t tx) error {
		if err := t.endLinks(crm.EndedAccountDeleted, at, allLinks); err != nil {
			return err
		}
		t.Forget()
		for _, table := range grownTables {
			if err := t.Write(`DELETE FROM `+table+` WHERE account = $1`, id); err != nil {
				return err
			}
		}
		err := t.Write(`DELETE FROM accounts WHERE id = $1`, id)
		return err
	})
}
