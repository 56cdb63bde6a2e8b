package wire

import (
	"bytes"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"mailsyncd.example/crm"
)

// Replied tells whether a contact has replied. In JSON it is true, false or
// "unknown": whoever takes every answer but false for a reply is on the safe
// side, and whoever expects a truth value only fails instead of sending.
type Replied string

const (
	HasReplied   Replied = "true"
	NotReplied   Replied = "false"
	UnknownReply Replied = "unknown"
)

// MarshalJSON implements json.Marshaler.
func (r Replied) MarshalJSON() ([]byte, error) {
	if r == HasReplied || r == NotReplied {
		return []byte(r), nil
	}
	return strconv.AppendQuote(nil, string(UnknownReply)), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *Replied) UnmarshalJSON(b []byte) error {
	*r = Replied(bytes.Trim(b, `"`))
	return nil
}

// Schema implements huma.SchemaProvider.
func (Replied) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeBoolean},
		{Type: huma.TypeString, Enum: []any{string(UnknownReply)}},
	}}
}

// ReplyCheck tells whether a contact has replied, and how well that is known.
type ReplyCheck struct {
	Replied        Replied        `json:"replied" doc:"true: a reply is here. false: all linked mailboxes have been read, and there is none. \"unknown\": not known, so do not send."`
	ClearToSend    bool           `json:"clear_to_send" doc:"true where replied is false and the contact is not away, and in no other case: the one thing to test."`
	MessageID      *crm.MessageID `json:"message_id" doc:"The first reply; null where there is none."`
	ReceivedAt     time.Time      `json:"received_at,omitzero" doc:"When the mail server received it."`
	SuspectID      crm.MessageID  `json:"suspect_message_id,omitempty" doc:"A message that would be a reply if its sender were who it says: the mail server doubts it (DMARC). It counts as none."`
	AbsentUntil    time.Time      `json:"absent_until,omitzero" doc:"The contact has announced to be away; left out once that is over."`
	AbsenceID      crm.MessageID  `json:"absence_message_id,omitempty" doc:"The notice."`
	SyncedThrough  *time.Time     `json:"synced_through" doc:"Up to then every linked mailbox has been read; null where one never was, or none is linked."`
	StaleMailboxes []StaleMailbox `json:"stale_mailboxes" nullable:"false" doc:"Mailboxes that may hold a reply unread: they can't be opened, were not read for longer than stale_after, or hold messages that could not be read."`
}

// StaleMailbox is a mailbox that may hold mail that was not read yet.
type StaleMailbox struct {
	ID           crm.MailboxID  `json:"id"`
	Status       crm.LinkStatus `json:"status" enum:"syncing,live,auth_failed,unreachable"`
	LastSyncedAt time.Time      `json:"last_synced_at,omitzero"`
	Unread       int            `json:"unread_messages" doc:"Messages that came since then and could not be read so far: see the mailbox's problems."`
}

// ReplyCheckOf shows what is known of a reply at a time, where mailboxes that
// were not read for longer than staleAfter count as stale.
func ReplyCheckOf(c crm.ReplyCheck, now time.Time, staleAfter time.Duration) ReplyCheck {
	since := now.Add(-staleAfter)
	v := ReplyCheck{
		Replied: UnknownReply, ClearToSend: c.Silent(since), MessageID: orNull(c.Message), ReceivedAt: UTC(c.ReceivedAt), SuspectID: c.Suspect,
		SyncedThrough: orNull(UTC(c.SyncedThrough())), StaleMailboxes: Each(c.Stale(since), staleMailboxOf),
	}
	if c.Message != "" {
		v.Replied = HasReplied
	} else if v.ClearToSend {
		v.Replied = NotReplied
	}
	if c.Away.Until.After(now) {
		v.ClearToSend, v.AbsentUntil, v.AbsenceID = false, UTC(c.Away.Until), c.Away.Message
	}
	return v
}

func staleMailboxOf(f crm.Freshness) StaleMailbox {
	return StaleMailbox{ID: f.Mailbox, Status: f.Status, LastSyncedAt: UTC(f.SyncedAt), Unread: f.Unread}
}
