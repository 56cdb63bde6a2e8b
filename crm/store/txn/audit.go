package txn

import (
	"time"

	"mailsyncd.example/crm"
)

// Note adds a line to the account's audit, in the transaction of the change that
// it is about. Whose deed that is the transaction's context says.
func (t *Tx) Note(action crm.AuditAction, subject string, detail map[string]string) {
	t.notes = append(t.notes, crm.AuditEntry{Action: action, Subject: subject, Detail: detail})
}

// flushNotes writes the account's notes.
func (t *Tx) flushNotes() error {
	if len(t.notes) == 0 {
		return nil
	}
	// The account is locked, so there is no gap and no second use of a number.
	var seq int64
	if _, err := t.First(Into(&seq), `SELECT COALESCE(MAX(seq), 0) FROM audit WHERE account = $1`, t.Account); err != nil {
		return err
	}
	deed := crm.DeedOf(t.ctx)
	if deed.At.IsZero() {
		deed.At = time.Now()
	}
	values := make([]any, 0, 8*len(t.notes))
	for _, n := range t.notes {
		seq++
		detail, err := ToJSON(n.Detail)
		if err != nil {
			return err
		}
		values = append(values, t.Account, seq, MS(deed.At), deed.By.Kind, deed.By.ID, n.Action, n.Subject, detail)
	}
	t.notes = nil
	return t.Insert(`INSERT INTO audit (account, seq, at, actor_kind, actor_id, action, subject, detail) VALUES`, 8, values, "")
}
