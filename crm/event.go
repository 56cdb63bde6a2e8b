package crm

import (
	"encoding/json"
	"time"
)

// EventType names a fact that others act on.
type EventType string

const (
	LinkCreated        EventType = "link.created"
	LinkEnded          EventType = "link.ended"
	LinkFailing        EventType = "link.failing"
	LinkRecovered      EventType = "link.recovered"
	MessageImported    EventType = "message.imported"
	ContactReplied     EventType = "contact.replied"
	SequenceHalted     EventType = "sequence.halted"
	MessageAutoReplied EventType = "message.auto_replied"
	MessageBounced     EventType = "message.bounced"
)

// EventTypes lists all facts that an account can be told of.
func EventTypes() []EventType {
	return []EventType{
		LinkCreated, LinkEnded, LinkFailing, LinkRecovered, MessageImported, ContactReplied, SequenceHalted,
		MessageAutoReplied, MessageBounced, WebhookFailed,
	}
}

// Event is written in the same transaction as the change that it reports: it
// exists if and only if the change does. Its id derives from what happened, so
// the same fact can't be reported twice.
type Event struct {
	Account AccountID
	ID      EventID
	Seq     int64 // 1, 2, 3 … within the account, in order of commit
	Type    EventType
	At      time.Time
	Data    json.RawMessage
}

// LastEvent is the number of an account's latest event, 0 before the first.
type LastEvent struct {
	Account AccountID
	Seq     int64
}
