package archive

import (
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// reportedData is what the event about a delivery report says: no message,
// for none was imported.
type reportedData struct {
	crm.Bounce
	Contacts []crm.ContactID `json:"contact_ids"`
	Mailbox  crm.MailboxID   `json:"mailbox_id"` // that of the copy that was read first
}

// tellReported tells what delivery reports say, each of them once: it may come
// again, from another mailbox or after a folder was numbered anew. The account
// may have switched that off since the report was read.
func (t tx) tellReported(p crm.Page, at time.Time) error {
	if len(p.Reported) == 0 {
		return nil
	}
	var wanted bool
	_, err := t.First(txn.Into(&wanted), `SELECT reports_since IS NOT NULL FROM accounts WHERE id = $1`, string(t.Account))
	if err != nil || !wanted {
		return err
	}
	events := make([]txn.Event, len(p.Reported))
	for i, r := range p.Reported {
		b := r.Bounce
		b.At = b.At.UTC()
		events[i] = txn.Event{
			Kind: crm.MessageBounced, About: "report\x00" + string(r.Digest[:]) + string(b.Address), At: at,
			Data: reportedData{b, r.Contacts, p.Mailbox},
		}
	}
	return t.TellOnce(events)
}
