package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

// notice makes a letter the notice of an absence.
func notice(returns crm.Date, until time.Time) func(*crm.Message) {
	return func(m *crm.Message) {
		m.Letter.Kind = crm.KindAutoReply
		m.Letter.Absence = crm.Absence{ReturnsOn: returns, Until: until}
	}
}

// An absence is the contact's, whatever they are enrolled in: it is there from
// the notice until it is over, a later notice says otherwise, or they write.
func testAbsences(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	h.contact("c1", "c1@customer.example")
	h.contact("c2", "c2@customer.example")
	h.enroll("e1", "c1")
	h.enroll("e2", "c2")
	away := func() crm.Away { return value(h.ReplyCheck(ctx, h.account, "c1", h.now))(h).Away }
	same(t, "at first", away(), crm.Away{})

	week, month := h.now.AddDate(0, 0, 7), h.now.AddDate(0, 1, 0)
	m := h.imported(l.Mailbox, h.letter("c1", notice("2026-11-26", week)))
	want := crm.Away{Absence: crm.Absence{ReturnsOn: "2026-11-26", Until: week}, Message: m.ID}
	same(t, "after the notice", away(), want)
	same(t, "what is stored of the notice", m.Letter.Absence, want.Absence)
	same(t, "the enrollment", h.enrollment("e1").Away, want)
	same(t, "its status", h.enrollment("e1").Status, crm.EnrollmentActive)
	same(t, "one that is put now", h.enroll("e3", "c1").Away, want)
	same(t, "another contact's", h.enrollment("e2").Away, crm.Away{})

	// The event says it, too, so that nobody has to read the text.
	told := h.events(crm.MessageAutoReplied)
	var data struct {
		ReturnsOn crm.Date  `json:"returns_on"`
		HeldUntil time.Time `json:"held_until"`
	}
	h.must(json.Unmarshal(told[len(told)-1].Data, &data))
	same(t, "told return", data.ReturnsOn, "2026-11-26")
	same(t, "told hold", data.HeldUntil, week)

	h.pass(time.Minute)
	later := h.imported(l.Mailbox, h.letter("c1", notice("2026-12-20", month)))
	want = crm.Away{Absence: crm.Absence{ReturnsOn: "2026-12-20", Until: month}, Message: later.ID}
	same(t, "after another notice", away(), want)
	for name, change := range map[string]func(*crm.Message){
		"an older notice": func(m *crm.Message) {
			notice("2026-11-26", week)(m)
			m.ReceivedAt = h.now.Add(-time.Hour)
		},
		"an older reply":         func(m *crm.Message) { m.ReceivedAt = h.now.Add(-time.Hour) },
		"a notice without a day": func(m *crm.Message) { m.Letter.Kind = crm.KindAutoReply },
		"a notice of ours": func(m *crm.Message) {
			notice("2027-01-10", month.AddDate(0, 1, 0))(m)
			m.Direction = crm.Outbound
		},
	} {
		h.imported(l.Mailbox, h.letter("c1", change))
		same(t, "after "+name, away(), want)
	}

	h.pass(time.Minute)
	h.imported(l.Mailbox, h.letter("c1", nil))
	same(t, "after a reply", away(), crm.Away{})

	h.pass(time.Minute)
	h.imported(l.Mailbox, h.letter("c1", notice("2026-12-20", month)))
	h.must(h.DeleteContact(ctx, h.account, "c1"))
	h.contact("c1", "c1@customer.example")
	same(t, "after the contact was deleted", away(), crm.Away{})
}

// A reply whose sender may be somebody else is told as such and counts as none.
func testSuspects(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	h.contact("c1", "c1@customer.example")
	h.enroll("e1", "c1")
	m := h.imported(l.Mailbox, h.letter("c1", func(m *crm.Message) { m.Letter.Suspect = "dmarc=fail" }))
	same(t, "as it is stored", m.Letter.Suspect, "dmarc=fail")
	c := value(h.ReplyCheck(ctx, h.account, "c1", h.now))(h)
	same(t, "the reply", c.Message, "")
	same(t, "the suspect", c.Suspect, m.ID)
	for _, e := range h.events(crm.ContactReplied) {
		var data struct {
			Suspect bool `json:"suspect"`
		}
		h.must(json.Unmarshal(e.Data, &data))
		same(t, "told as suspect", data.Suspect, true)
	}
	same(t, "replies told", len(h.events(crm.ContactReplied)), 1)
	h.pass(time.Minute)
	reply := h.imported(l.Mailbox, h.letter("c1", nil))
	c = value(h.ReplyCheck(ctx, h.account, "c1", h.now.Add(-time.Hour)))(h)
	same(t, "the reply after all", c.Message, reply.ID)
	same(t, "halted by", h.enrollment("e1").HaltedBy, reply.ID)
}

func testFreshness(t *testing.T, open Opener) {
	h := newHouse(t, open)
	one := h.link("u1", "box1")
	h.pass(time.Second)
	two := h.link("u2", "box1")
	h.must(h.SaveLooks(t.Context(), []crm.Looked{{Account: h.account, Mailbox: one.Mailbox, At: h.now, Status: crm.LinkLive, Synced: true}}))
	list := value(h.Freshness(t.Context(), h.account))(h)
	same(t, "freshness", list, []crm.Freshness{
		{Mailbox: two.Mailbox, Users: []crm.UserID{"u1", "u2"}, Status: crm.LinkLive, SyncedAt: h.now},
	})
}
