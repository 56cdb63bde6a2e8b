package crm

import (
	"slices"
	"time"
)

// Enrollment is a contact's place in a sales sequence. A reply of the contact
// halts it, in the transaction that imports the reply.
type Enrollment struct {
	Account   AccountID
	ID        EnrollmentID
	Contact   ContactID
	Sequence  string // the CRM's name for it
	Status    EnrollmentStatus
	StartedAt time.Time // replies received from then on count, to the second
	HaltedBy  MessageID // the reply; "" where the CRM halted it
	HaltedAt  time.Time // zero while it is active
	CreatedAt time.Time
	UpdatedAt time.Time
	// User is in whose name the mails are sent, and into whose mailbox replies
	// come; "" where that may be any.
	User UserID
	// HoldWhenStale lets the enrollment wait while a reply may lie in that
	// mailbox unread.
	HoldWhenStale bool
	// Unheard says that the contact has no address: no mail can be a reply.
	Unheard bool
	Away    Away // until when the contact has announced to be away
}

// EnrollmentQuery selects enrollments of an account, by id. What is empty is not
// asked for.
type EnrollmentQuery struct {
	Contact ContactID
	User    UserID
	Status  EnrollmentStatus
	Paging
}

// Hold is why an active enrollment has to wait although nobody has replied.
type Hold struct {
	Reason    HoldReason
	Until     time.Time   // of an absence
	Message   MessageID   // the notice of it
	Mailboxes []Freshness // that have to be read first
}

// HoldReason says what an enrollment waits for.
type HoldReason string

const (
	HeldByAbsence HoldReason = "absence"
	HeldByStale   HoldReason = "stale_mailbox"
)

// Hold tells what the enrollment has to wait for at a time, nil where for
// nothing. Of the account's mailboxes those that were not read since the given
// time count as stale.
func (e Enrollment) Hold(now time.Time, mailboxes []Freshness, since time.Time) *Hold {
	if e.Status != EnrollmentActive {
		return nil
	}
	if e.Away.Until.After(now) {
		return &Hold{Reason: HeldByAbsence, Until: e.Away.Until, Message: e.Away.Message}
	}
	if !e.HoldWhenStale {
		return nil
	}
	h := &Hold{Reason: HeldByStale}
	read := false
	for _, m := range mailboxes {
		if e.User != "" && !slices.Contains(m.Users, e.User) {
			continue
		}
		read = true
		if m.Stale(since) {
			h.Mailboxes = append(h.Mailboxes, m)
		}
	}
	if read && len(h.Mailboxes) == 0 {
		return nil
	}
	return h // also where no mailbox is linked in which a reply would be seen
}

// EnrollmentStatus tells whether a sequence may go on.
type EnrollmentStatus string

const (
	EnrollmentActive EnrollmentStatus = "active"
	EnrollmentHalted EnrollmentStatus = "halted"
)

// Put makes e, which the CRM wants to be there from now on, what is to be
// stored. old is what stood under its id, nil where nothing did. One that is put
// as it stands goes on as it stands: a call that is repeated must not forget a
// reply that came in between. One that is woken, or is another contact's now,
// begins anew.
func (e Enrollment) Put(old *Enrollment, now time.Time) Enrollment {
	e.CreatedAt, e.UpdatedAt, e.StartedAt = now, now, now
	e.HaltedBy, e.HaltedAt = "", time.Time{}
	same := old != nil && old.Contact == e.Contact
	if old != nil {
		e.CreatedAt = old.CreatedAt
	}
	switch {
	case e.Status == "" && same:
		e.Status = old.Status
	case e.Status == "":
		e.Status = EnrollmentActive
	}
	if e.Status == EnrollmentHalted {
		e.HaltedAt = now
	}
	if same && (e.Status == EnrollmentHalted || e.Status == old.Status) {
		e.StartedAt = old.StartedAt
	}
	if same && e.Status == old.Status {
		e.HaltedBy, e.HaltedAt = old.HaltedBy, old.HaltedAt
	}
	return e
}
