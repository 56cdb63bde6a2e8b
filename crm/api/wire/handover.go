package wire

import (
	"time"

	"mailsyncd.example/crm"
)

// Handover is what somebody needs who takes a user's customers over.
type Handover struct {
	UserID      crm.UserID      `json:"user_id"`
	Name        string          `json:"name"`
	Active      bool            `json:"active"`
	Mailboxes   []HandedMailbox `json:"mailboxes" nullable:"false" doc:"That the user has or had linked."`
	Waiting     []Thread        `json:"waiting_threads" nullable:"false" doc:"That end with a person's mail to us, the latest first."`
	Contacts    []LastMail      `json:"contacts" nullable:"false" doc:"With whom there was mail, the latest first."`
	Enrollments []Enrollment    `json:"enrollments" nullable:"false" doc:"Active ones in the user's name, with what holds them."`
}

// HandedMailbox is a mailbox that a user has or had linked.
type HandedMailbox struct {
	ID           crm.MailboxID `json:"id"`
	Address      crm.Address   `json:"address"`
	EndedAt      time.Time     `json:"ended_at,omitzero"`
	LastSyncedAt time.Time     `json:"last_synced_at,omitzero" doc:"Up to then all of its mail is here."`
}

// LastMail is when a contact was last written with.
type LastMail struct {
	ContactID  crm.ContactID `json:"contact_id"`
	LastMailAt time.Time     `json:"last_mail_at"`
}

// HandoverOf shows a handover.
func HandoverOf(h crm.Handover, enrollments []Enrollment) Handover {
	return Handover{
		UserID: h.User.ID, Name: h.User.Name, Active: h.User.Active,
		Mailboxes: Each(h.Mailboxes, func(m crm.HandedMailbox) HandedMailbox {
			return HandedMailbox{ID: m.Mailbox, Address: m.Address, EndedAt: UTC(m.EndedAt), LastSyncedAt: UTC(m.SyncedAt)}
		}),
		Waiting:     Each(h.Waiting, ThreadOf),
		Contacts:    Each(h.Contacts, func(l crm.LastMail) LastMail { return LastMail{ContactID: l.Contact, LastMailAt: UTC(l.At)} }),
		Enrollments: OrEmpty(enrollments),
	}
}
