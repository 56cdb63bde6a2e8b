package wire

import (
	"time"

	"mailsyncd.example/crm"
)

// Enrollment is a contact's place in a sales sequence.
type Enrollment struct {
	ID        crm.EnrollmentID     `json:"id"`
	ContactID crm.ContactID        `json:"contact_id"`
	Sequence  string               `json:"sequence"`
	Status    crm.EnrollmentStatus `json:"status" enum:"active,halted"`
	StartedAt time.Time            `json:"started_at" doc:"A reply received from then on, to the second, halts it."`
	HaltedBy  *crm.MessageID       `json:"halted_by" doc:"The reply; null where there was none, and the CRM halted it or nobody has."`
	HaltedAt  *time.Time           `json:"halted_at" doc:"null while it is active."`
	UserID    crm.UserID           `json:"user_id,omitempty"`
	HoldStale bool                 `json:"hold_when_stale"`
	Hold      *Hold                `json:"hold,omitempty" doc:"Why it has to wait although nobody has replied; left out where nothing is in the way."`
	Warning   *Warning             `json:"warning,omitempty" doc:"Why it may not work as it is meant to."`
	CreatedAt time.Time            `json:"created_at"`
	UpdatedAt time.Time            `json:"updated_at"`
}

// Hold is why an active enrollment has to wait.
type Hold struct {
	Reason         crm.HoldReason `json:"reason" enum:"absence,stale_mailbox"`
	Until          time.Time      `json:"until,omitzero" doc:"When an absence is over. A stale mailbox holds until it has been read."`
	MessageID      crm.MessageID  `json:"message_id,omitempty" doc:"The notice of the absence."`
	StaleMailboxes []StaleMailbox `json:"stale_mailboxes,omitempty" doc:"That may hold a reply unread. None with stale_mailbox: no mailbox is linked that a reply could come into."`
}

// Warning says what will not work although the request was carried out.
type Warning struct {
	Code   string `json:"code" example:"contact_without_addresses" doc:"For machines. New codes may come."`
	Detail string `json:"detail"`
}

// EnrollmentInput is an enrollment as the CRM wants it.
type EnrollmentInput struct {
	ContactID ForeignID             `json:"contact_id"`
	Sequence  Name                  `json:"sequence,omitempty" doc:"The CRM's name or id of the sequence; events name it."`
	UserID    ForeignID             `json:"user_id,omitempty" doc:"The user in whose name the mails are sent: hold_when_stale looks at their mailbox. Left out, at all."`
	HoldStale bool                  `json:"hold_when_stale,omitempty" doc:"Hold it while a reply may lie in the mailbox unread: it can't be opened, or was not read for longer than stale_after."`
	Status    *crm.EnrollmentStatus `json:"status,omitempty" enum:"active,halted" doc:"Left out, a new one is active and one that is there stays as it is. active wakes a halted one, which begins anew."`
}

// Enrollment makes the enrollment that the CRM describes.
func (in EnrollmentInput) Enrollment(a crm.AccountID, id crm.EnrollmentID) crm.Enrollment {
	e := crm.Enrollment{Account: a, ID: id, Contact: crm.ContactID(in.ContactID), Sequence: string(in.Sequence), User: crm.UserID(in.UserID), HoldWhenStale: in.HoldStale}
	if in.Status != nil {
		e.Status = *in.Status
	}
	return e
}

// EnrollmentOf shows an enrollment, and what it has to wait for.
func EnrollmentOf(e crm.Enrollment, hold *crm.Hold) Enrollment {
	v := Enrollment{
		ID: e.ID, ContactID: e.Contact, Sequence: e.Sequence, Status: e.Status, StartedAt: UTC(e.StartedAt),
		HaltedBy: orNull(e.HaltedBy), HaltedAt: orNull(UTC(e.HaltedAt)), CreatedAt: UTC(e.CreatedAt), UpdatedAt: UTC(e.UpdatedAt),
	}
	v.UserID, v.HoldStale = e.User, e.HoldWhenStale
	if hold != nil {
		v.Hold = &Hold{
			Reason: hold.Reason, Until: UTC(hold.Until), MessageID: hold.Message,
			StaleMailboxes: Each(hold.Mailboxes, staleMailboxOf),
		}
	}
	if e.Unheard {
		v.Warning = &Warning{"contact_without_addresses", "The contact has no address, so no mail can be their reply; put the contact with one."}
	}
	return v
}
