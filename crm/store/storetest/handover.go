package storetest

import (
	"testing"
	"time"

	"mailsyncd.example/crm"
)

// What somebody needs who takes over: the threads that wait for an answer, and
// with whom there was mail, also when the link has ended.
func testHandover(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	first := h.link("u1", "old")
	h.contact("c1", "c1@customer.example")
	h.contact("c2", "c2@customer.example")
	h.contact("c3", "c3@customer.example")
	kind := func(k crm.MessageKind) func(*crm.Message) { return func(m *crm.Message) { m.Letter.Kind = k } }
	asked := h.imported(first.Mailbox, h.letter("c1", nil))
	h.pass(time.Minute)
	h.must(h.EndLink(ctx, h.account, first.ID, crm.EndedUnlinked, h.now))
	second := h.link("u1", "new")
	h.imported(second.Mailbox, h.letter("c3", kind(crm.KindAutoReply)))
	h.pass(time.Minute)
	waits := h.imported(second.Mailbox, h.letter("c2", nil))
	answered := h.imported(second.Mailbox, h.letter("c2", nil))
	h.pass(time.Minute)
	h.imported(second.Mailbox, h.letter("c2", func(m *crm.Message) {
		m.Direction, m.Letter.InReplyTo = crm.Outbound, []crm.HeaderID{answered.Letter.HeaderID}
	}))
	h.link("u2", "other")

	sheet := value(h.Handover(ctx, h.account, "u1", 10))(h)
	threads := names(sheet.Waiting, func(t crm.Thread) crm.ThreadID { return t.ID })
	same(t, "waiting threads", threads, []crm.ThreadID{waits.Thread, asked.Thread})
	contacts := names(sheet.Contacts, func(l crm.LastMail) crm.ContactID { return l.Contact })
	same(t, "contacts", contacts, []crm.ContactID{"c2", "c3", "c1"})
	same(t, "last mail", sheet.Contacts[0].At, h.now)
	boxes := names(sheet.Mailboxes, func(m crm.HandedMailbox) crm.MailboxID { return m.Mailbox })
	same(t, "mailboxes", boxes, []crm.MailboxID{second.Mailbox, first.Mailbox})
	same(t, "end of the first", sheet.Mailboxes[1].EndedAt.IsZero(), false)

	few := value(h.Handover(ctx, h.account, "u1", 1))(h)
	same(t, "one of each", []int{len(few.Waiting), len(few.Contacts)}, []int{1, 1})
	none := value(h.Handover(ctx, h.account, "u2", 10))(h)
	same(t, "nothing in somebody else's", len(none.Waiting)+len(none.Contacts), 0)

	h.putEnrollment(crm.Enrollment{ID: "e1", Contact: "c1", User: "u1"})
	h.putEnrollment(crm.Enrollment{ID: "e2", Contact: "c1", User: "u1", Status: crm.EnrollmentHalted})
	h.putEnrollment(crm.Enrollment{ID: "e3", Contact: "c1", User: "u2"})
	h.enroll("e4", "c1")
	for q, want := range map[crm.EnrollmentQuery][]crm.EnrollmentID{
		{User: "u1"}: {"e1", "e2"},
		{User: "u1", Status: crm.EnrollmentActive}: {"e1"},
		{Status: crm.EnrollmentHalted}:             {"e2"},
		{User: "u2", Contact: "c2"}:                {},
	} {
		list := pages(h, func(p crm.Paging) (crm.Part[crm.Enrollment], error) {
			q.Paging = p
			return h.ListEnrollments(ctx, h.account, q)
		})
		same(t, "enrollments", names(list, func(e crm.Enrollment) crm.EnrollmentID { return e.ID }), want)
	}
}
