// Package sequence is the part of the store that knows which contacts are in
// sales sequences.
package sequence

import (
	"context"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// Sequences is that part, over a database.
type Sequences struct {
	db *txn.DB
}

// New makes Sequences.
func New(db *txn.DB) *Sequences { return &Sequences{db: db} }

const enrollmentColumns = `
	SELECT e.id, e.contact, e.sequence, e.status, e.started_at, e.halted_by, e.halted_at, e.created_at, e.updated_at,
		e.user_id, e.hold_when_stale, COALESCE(w.message, ''), COALESCE(w.returns_on, ''), w.until,
		NOT EXISTS (SELECT 1 FROM contact_addresses a WHERE a.account = e.account AND a.contact = e.contact)
	FROM enrollments e LEFT JOIN absences w ON w.account = e.account AND w.contact = e.contact`

func enrollmentScanner(a crm.AccountID) func(txn.Scan) (crm.Enrollment, error) {
	return func(scan txn.Scan) (crm.Enrollment, error) {
		e := crm.Enrollment{Account: a}
		err := scan(&e.ID, &e.Contact, &e.Sequence, &e.Status, txn.Instant{To: &e.StartedAt}, &e.HaltedBy, txn.Instant{To: &e.HaltedAt},
			txn.Instant{To: &e.CreatedAt}, txn.Instant{To: &e.UpdatedAt},
			&e.User, &e.HoldWhenStale, &e.Away.Message, &e.Away.ReturnsOn, txn.Instant{To: &e.Away.Until}, &e.Unheard)
		return e, err
	}
}

// PutEnrollment creates an enrollment or changes it (see crm.Enrollment.Put),
// and returns it as it stands then. crm.Invalid ("contact_unknown") where there
// is no such contact.
func (s *Sequences) PutEnrollment(ctx context.Context, e crm.Enrollment, at time.Time) (stored crm.Enrollment, created bool, err error) {
	err = s.db.Change(ctx, "put enrollment", e.Account, func(t *txn.Tx) error {
		var contacts int
		_, err := t.First(txn.Into(&contacts), `
			SELECT COUNT(*) FROM contacts WHERE account = $1 AND id = $2`, t.Account, e.Contact)
		if err == nil && contacts == 0 {
			err = crm.E(crm.Invalid, "contact_unknown", "There is no contact with this contact_id; put the contact first.")
		}
		if err != nil {
			return err
		}
		// Under the account's lock, so neither can go before this is written.
		if e.User != "" {
			var users int
			_, err := t.First(txn.Into(&users), `SELECT COUNT(*) FROM users WHERE account = $1 AND id = $2`, t.Account, e.User)
			if err == nil && users == 0 {
				err = crm.E(crm.Invalid, "user_unknown", "There is no user with this user_id; put the user first, or leave it out.")
			}
			if err != nil {
				return err
			}
		}
		var there *crm.Enrollment
		old, err := enrollmentOf(t.Session, t.Account, e.ID)
		created = crm.KindOf(err) == crm.NotFound
		switch {
		case err == nil:
			there = &old
		case !created:
			return err
		}
		if err := putEnrollment(t, e.Put(there, at)); err != nil {
			return err
		}
		stored, err = enrollmentOf(t.Session, t.Account, e.ID)
		return err
	})
	return stored, created && err == nil, err
}

// putEnrollment writes all of an enrollment. What a change leaves alone was
// filled in by Enrollment.Put.
func putEnrollment(t *txn.Tx, e crm.Enrollment) error {
	_, err := t.Exec(`
		INSERT INTO enrollments (account, id, contact, sequence, status, started_at, halted_by, halted_at, created_at, updated_at,
			user_id, hold_when_stale)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (account, id) DO UPDATE SET
			contact = excluded.contact, sequence = excluded.sequence, status = excluded.status, started_at = excluded.started_at,
			halted_by = excluded.halted_by, halted_at = excluded.halted_at, updated_at = excluded.updated_at,
			user_id = excluded.user_id, hold_when_stale = excluded.hold_when_stale`,
		t.Account, e.ID, e.Contact, e.Sequence, e.Status, txn.MS(e.StartedAt), e.HaltedBy, txn.MSOrNull(e.HaltedAt),
		txn.MS(e.CreatedAt), txn.MS(e.UpdatedAt), e.User, e.HoldWhenStale)
	return err
}

// Enrollment returns an enrollment.
func (s *Sequences) Enrollment(ctx context.Context, a crm.AccountID, id crm.EnrollmentID) (crm.Enrollment, error) {
	e, err := enrollmentOf(s.db.Reading(ctx), a, id)
	return e, s.db.Fail(ctx, "read enrollment", err)
}

func enrollmentOf(s txn.Session, a crm.AccountID, id crm.EnrollmentID) (crm.Enrollment, error) {
	return txn.One(s, "enrollment", enrollmentScanner(a), enrollmentColumns+` WHERE e.account = $1 AND e.id = $2`, a, id)
}

// ListEnrollments lists an account's enrollments by id. A user's are found among
// all of the account, or of the contact: nobody asks for them every minute.
func (s *Sequences) ListEnrollments(ctx context.Context, a crm.AccountID, q crm.EnrollmentQuery) (crm.Part[crm.Enrollment], error) {
	_, after, err := txn.ReadCursor(q.Cursor)
	if err != nil {
		return crm.Part[crm.Enrollment]{}, err
	}
	where := txn.Clause{Args: []any{a, after}}
	if q.Contact != "" {
		where.And(`e.contact = `, q.Contact)
	}
	if q.User != "" {
		where.And(`e.user_id = `, q.User)
	}
	if q.Status != "" {
		where.And(`e.status = `, q.Status)
	}
	list, err := txn.All(s.db.Reading(ctx), enrollmentScanner(a), enrollmentColumns+`
		WHERE e.account = $1 AND e.id > $2`+where.Text+` ORDER BY e.id LIMIT `+where.Add(q.Limit+1), where.Args...)
	return txn.Part(list, q.Limit, func(e crm.Enrollment) string { return txn.Cursor(0, string(e.ID)) }), s.db.Fail(ctx, "list enrollments", err)
}

// DeleteEnrollment takes an enrollment away.
func (s *Sequences) DeleteEnrollment(ctx context.Context, a crm.AccountID, id crm.EnrollmentID) error {
	return s.db.Change(ctx, "delete enrollment", a, func(t *txn.Tx) error {
		return t.Touch("enrollment", `DELETE FROM enrollments WHERE account = $1 AND id = $2`, a, id)
	})
}
