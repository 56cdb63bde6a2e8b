package crm

import "time"

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
	// Unheard says that the contact has no address: no mail can be a reply.
	Unheard bool
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
