package archive

import (
	"cmp"
	"slices"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// enrolled is an enrollment that a reply may halt.
type enrolled struct {
	id        crm.EnrollmentID
	contact   crm.ContactID
	sequence  string
	startedAt time.Time
}

// enrolledSenders finds the active enrollments of the contacts who reply in
// these messages. A page without replies costs no query.
func (t tx) enrolledSenders(fresh []*crm.Message) ([]enrolled, error) {
	var senders []crm.ContactID
	for _, m := range fresh {
		if halts(m) {
			senders = append(senders, sendersOf(m)...)
		}
	}
	var found []enrolled
	err := txn.InGroups(senders, 3, func(list string, args []any) error {
		more, err := txn.All(t.Session, func(scan txn.Scan) (enrolled, error) {
			var e enrolled
			err := scan(&e.id, &e.contact, &e.sequence, txn.Instant{To: &e.startedAt})
			return e, err
		}, `
			SELECT id, contact, sequence, started_at FROM enrollments
			WHERE account = $1 AND status = $2 AND contact IN `+list,
			append([]any{string(t.Account), string(crm.EnrollmentActive)}, args...)...)
		found = append(found, more...)
		return err
	})
	// In order of their ids, as they are told. ORDER BY would make the database
	// go through all enrollments of the account instead of the senders'.
	slices.SortFunc(found, func(a, b enrolled) int { return cmp.Compare(a.id, b.id) })
	return found, err
}

// haltedData is what the event about a halted sequence says.
type haltedData struct {
	Enrollment crm.EnrollmentID `json:"enrollment_id"`
	Contact    crm.ContactID    `json:"contact_id"`
	Sequence   string           `json:"sequence"`
	Message    crm.MessageID    `json:"message_id"`
	Thread     crm.ThreadID     `json:"thread_id"`
	Mailbox    crm.MailboxID    `json:"mailbox_id"`
}

// halt halts the enrollments that a message is the reply to, and returns those
// that are still active.
func (t tx) halt(active []enrolled, m *crm.Message, mailbox crm.MailboxID, at time.Time) ([]enrolled, error) {
	if len(active) == 0 || !halts(m) {
		return active, nil
	}
	senders := sendersOf(m)
	var rest []enrolled
	for _, e := range active {
		// A mail server's time is exact to the second: a reply in the second
		// in which the enrollment began is taken for a later one.
		began := e.startedAt.Truncate(time.Second)
		if m.ReceivedAt.Before(began) || !slices.Contains(senders, e.contact) {
			rest = append(rest, e)
			continue
		}
		err := t.Write(`
			UPDATE enrollments SET status = $3, halted_by = $4, halted_at = $5, updated_at = $5
			WHERE account = $1 AND id = $2`,
			string(t.Account), string(e.id), string(crm.EnrollmentHalted), string(m.ID), txn.MS(at))
		if err != nil {
			return nil, err
		}
		t.Tell(txn.Event{Kind: crm.SequenceHalted, About: string(e.id) + "\x00" + string(m.Identity[:]), At: at, Data: haltedData{
			Enrollment: e.id, Contact: e.contact, Sequence: e.sequence, Message: m.ID, Thread: m.Thread, Mailbox: mailbox,
		}})
	}
	return rest, nil
}
