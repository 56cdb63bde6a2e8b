package archive

import (
	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// heedAbsences writes down who announces in these messages to be away, and
// forgets it of those who have written since.
func (t tx) heedAbsences(fresh []*crm.Message) error {
	for _, m := range fresh {
		for _, c := range sendersOf(m) {
			var err error
			switch {
			case isReply(m):
				err = t.Write(`
					DELETE FROM absences WHERE account = $1 AND contact = $2 AND received_at < $3`,
					string(t.Account), string(c), txn.MS(m.ReceivedAt))
			case announcesAbsence(m):
				// Mailboxes are read side by side and folders one by one, so a
				// notice may come after a later one.
				err = t.Write(`
					INSERT INTO absences (account, contact, message, returns_on, until, received_at) VALUES ($1, $2, $3, $4, $5, $6)
					ON CONFLICT (account, contact) DO UPDATE SET message = excluded.message, returns_on = excluded.returns_on,
						until = excluded.until, received_at = excluded.received_at
					WHERE excluded.received_at >= absences.received_at`,
					string(t.Account), string(c), string(m.ID), string(m.Letter.Absence.ReturnsOn), txn.MS(m.Letter.Absence.Until), txn.MS(m.ReceivedAt))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func announcesAbsence(m *crm.Message) bool {
	return m.Direction == crm.Inbound && m.Letter.Kind == crm.KindAutoReply && m.Letter.Absence.ReturnsOn != ""
}

// awayOf returns until when a contact has announced to be away; that may be
// over.
func awayOf(q txn.Session, a crm.AccountID, contact crm.ContactID) (crm.Away, error) {
	var away crm.Away
	_, err := q.First(txn.Into(&away.Message, &away.ReturnsOn, txn.Instant{To: &away.Until}), `
		SELECT message, returns_on, until FROM absences WHERE account = $1 AND contact = $2`,
		a, contact)
	return away, err
}
