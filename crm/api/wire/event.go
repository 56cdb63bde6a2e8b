package wire

import (
	"encoding/json"
	"time"

	"mailsyncd.example/crm"
)

// Event is a fact that others act on.
type Event struct {
	ID   crm.EventID     `json:"id"`
	Seq  int64           `json:"seq" doc:"Grows by one with every event of the account, in order of commit."`
	Type crm.EventType   `json:"type" enum:"link.created,link.ended,link.failing,link.recovered,message.imported,contact.replied,sequence.halted,message.auto_replied,message.bounced,webhook.failed"`
	At   time.Time       `json:"at"`
	Data json.RawMessage `json:"data" doc:"Ids and addresses, no content. Of message.bounced: address, status, severity (hard, soft), at, contact_ids, mailbox_id, and message_id and thread_id where the report was imported."`
}

// EventOf shows an event.
func EventOf(e crm.Event) Event {
	return Event{ID: e.ID, Seq: e.Seq, Type: e.Type, At: UTC(e.At), Data: e.Data}
}
