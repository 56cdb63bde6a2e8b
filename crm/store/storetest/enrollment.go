package storetest

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

// enroll puts an enrollment as a CRM does that says nothing of its status.
func (h *house) enroll(id crm.EnrollmentID, contact crm.ContactID) crm.Enrollment {
	h.t.Helper()
	return h.putEnrollment(crm.Enrollment{ID: id, Contact: contact, Sequence: "spring"})
}

func (h *house) putEnrollment(e crm.Enrollment) crm.Enrollment {
	h.t.Helper()
	e.Account = h.account
	stored, _, err := h.PutEnrollment(h.t.Context(), e, h.now)
	h.must(err)
	return stored
}

func (h *house) enrollment(id crm.EnrollmentID) crm.Enrollment {
	h.t.Helper()
	return value(h.Enrollment(h.t.Context(), h.account, id))(h)
}

func testEnrollments(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	h.contact("c1", "c1@customer.example")
	h.contact("silent")
	e, created, err := h.PutEnrollment(ctx, crm.Enrollment{Account: h.account, ID: "e1", Contact: "c1", Sequence: "春の連絡"}, h.now)
	h.must(err)
	want := crm.Enrollment{
		Account: h.account, ID: "e1", Contact: "c1", Sequence: "春の連絡", Status: crm.EnrollmentActive,
		StartedAt: h.now, CreatedAt: h.now, UpdatedAt: h.now,
	}
	same(t, "enrollment", e, want)
	same(t, "created", created, true)
	same(t, "enrollment as it is read", h.enrollment("e1"), want)

	h.pass(time.Hour)
	e, created, err = h.PutEnrollment(ctx, crm.Enrollment{Account: h.account, ID: "e1", Contact: "c1", Sequence: "summer"}, h.now)
	h.must(err)
	want.Sequence, want.UpdatedAt = "summer", h.now
	same(t, "enrollment that was put again", e, want)
	same(t, "created again", created, false)

	same(t, "a contact without addresses", h.enroll("e2", "silent").Unheard, true)
	same(t, "a contact with one", h.enroll("e3", "c1").Unheard, false)
	list := func(c crm.ContactID) []crm.EnrollmentID {
		l := pages(h, func(p crm.Paging) (crm.Part[crm.Enrollment], error) {
			return h.ListEnrollments(ctx, h.account, crm.EnrollmentQuery{Contact: c, Paging: p})
		})
		return names(l, func(e crm.Enrollment) crm.EnrollmentID { return e.ID })
	}
	same(t, "all", list(""), []crm.EnrollmentID{"e1", "e2", "e3"})
	same(t, "one contact's", list("c1"), []crm.EnrollmentID{"e1", "e3"})

	h.must(h.DeleteEnrollment(ctx, h.account, "e3"))
	fails(t, h.DeleteEnrollment(ctx, h.account, "e3"), crm.NotFound, "enrollment_not_found")
	_, err = h.Enrollment(ctx, h.account, "e3")
	fails(t, err, crm.NotFound, "enrollment_not_found")
	_, _, err = h.PutEnrollment(ctx, crm.Enrollment{Account: h.account, ID: "e3", Contact: "nobody"}, h.now)
	fails(t, err, crm.Invalid, "contact_unknown")
	_, _, err = h.PutEnrollment(ctx, crm.Enrollment{Account: h.account, ID: "e3", Contact: "c1", User: "nobody"}, h.now)
	fails(t, err, crm.Invalid, "user_unknown")
	_, _, err = h.PutEnrollment(ctx, crm.Enrollment{Account: "acc_none", ID: "e3", Contact: "c1"}, h.now)
	fails(t, err, crm.NotFound, "account_not_found")

	// A contact may be put again and keeps its enrollments; deleted, it takes
	// them along.
	h.contact("c1", "new@customer.example")
	same(t, "one contact's", list("c1"), []crm.EnrollmentID{"e1"})
	h.must(h.DeleteContact(ctx, h.account, "c1"))
	same(t, "all after the contact went", list(""), []crm.EnrollmentID{"e2"})
	h.must(h.DeleteAccount(ctx, h.account, h.now))
	newHouseIn(t, h.Store, h.account)
	same(t, "all after the account went", list(""), []crm.EnrollmentID{})
}

// What halts is a person's letter from the contact, and nothing else.
func testHalts(t *testing.T, open Opener) {
	h := newHouse(t, open)
	l := h.link("u1", "box1")
	h.contact("c1", "c1@customer.example", "private@customer.example")
	h.contact("c2", "c2@customer.example")
	from := func(id crm.ContactID, a crm.Address) crm.Match {
		return crm.Match{Contact: id, Address: a, Sender: true}
	}
	to := func(id crm.ContactID) crm.Match {
		return crm.Match{Contact: id, Address: crm.Address(id + "@customer.example")}
	}
	for name, c := range map[string]struct {
		change func(*crm.Message)
		halts  []crm.EnrollmentID
	}{
		"a reply":                        {func(*crm.Message) {}, []crm.EnrollmentID{"e1", "e2"}},
		"a reply from another address":   {func(m *crm.Message) { m.Matches = []crm.Match{from("c1", "private@customer.example")} }, []crm.EnrollmentID{"e1", "e2"}},
		"a reply of two":                 {func(m *crm.Message) { m.Matches = append(m.Matches, from("c2", "c1@customer.example")) }, []crm.EnrollmentID{"e1", "e2", "e3"}},
		"a reply that is to another too": {func(m *crm.Message) { m.Matches = append(m.Matches, to("c2")) }, []crm.EnrollmentID{"e1", "e2"}},
		"a stranger's letter to both":    {func(m *crm.Message) { m.Matches = []crm.Match{to("c1"), to("c2")} }, nil},
		"a letter of ours":               {func(m *crm.Message) { m.Direction = crm.Outbound }, nil},
		"an absence notice":              {func(m *crm.Message) { m.Letter.Kind = crm.KindAutoReply }, nil},
		"a bounce":                       {func(m *crm.Message) { m.Letter.Kind = crm.KindBounce }, nil},
		"a reply of a doubtful sender":   {func(m *crm.Message) { m.Letter.Suspect = "dmarc=fail" }, nil},
		"a newsletter":                   {func(m *crm.Message) { m.Letter.Kind = crm.KindBulk }, nil},
		"a reply of the second before":   {func(m *crm.Message) { m.ReceivedAt = m.ReceivedAt.Add(-time.Second) }, nil},
	} {
		// Each begins in the middle of a second; mail servers tell no more
		// than the second in which a mail came.
		h.now = h.now.Truncate(time.Second).Add(time.Minute + 700*time.Millisecond)
		for id, contact := range map[crm.EnrollmentID]crm.ContactID{"e1": "c1", "e2": "c1", "e3": "c2"} {
			h.putEnrollment(crm.Enrollment{ID: id, Contact: contact, Status: crm.EnrollmentHalted})
			h.putEnrollment(crm.Enrollment{ID: id, Contact: contact, Status: crm.EnrollmentActive})
		}
		letter := h.letter("c1", func(m *crm.Message) {
			m.ReceivedAt = h.now.Truncate(time.Second)
			c.change(m)
		})
		m := h.imported(l.Mailbox, letter)
		var halted []crm.EnrollmentID
		for _, id := range []crm.EnrollmentID{"e1", "e2", "e3"} {
			switch e := h.enrollment(id); {
			case e.Status != crm.EnrollmentHalted:
				same(t, name+": halted by", e.HaltedBy, "")
			default:
				halted = append(halted, id)
				same(t, name+": halted by", e.HaltedBy, m.ID)
				same(t, name+": halted at", e.HaltedAt, h.now)
			}
		}
		same(t, name, halted, c.halts)
	}
}

// The reply and what it halts are told together, in that order, and once.
func testHaltEvents(t *testing.T, open Opener) {
	h := newHouse(t, open)
	one, two := h.link("u1", "box1"), h.link("u2", "box2")
	h.contact("c1", "c1@customer.example")
	h.enroll("e1", "c1")
	h.enroll("e2", "c1")
	before := len(h.events())
	first, second := h.letter("c1", nil), h.letter("c1", nil)
	r := h.arrive(two.Mailbox, "INBOX", first, second)
	told := h.events()[before:]
	same(t, "events", names(told, func(e crm.Event) crm.EventType { return e.Type }), []crm.EventType{
		crm.MessageImported, crm.ContactReplied, crm.SequenceHalted, crm.SequenceHalted, crm.MessageImported, crm.ContactReplied,
	})
	for i, id := range []string{"e1", "e2"} {
		var data map[string]string
		h.must(json.Unmarshal(told[2+i].Data, &data))
		m := value(h.Message(t.Context(), h.account, r.Imported[0]))(h)
		same(t, "data", data, map[string]string{
			"enrollment_id": id, "contact_id": "c1", "sequence": "spring",
			"message_id": string(m.ID), "thread_id": string(m.Thread), "mailbox_id": string(two.Mailbox),
		})
	}

	// A copy, and a further reply, change nothing.
	h.pass(time.Hour)
	halted := h.enrollment("e1")
	h.arrive(one.Mailbox, "INBOX", first, h.letter("c1", nil))
	same(t, "enrollment", h.enrollment("e1"), halted)
	same(t, "halts", len(h.events(crm.SequenceHalted)), 2)

	// Put again without a word about its status it stays halted; woken, it
	// begins anew: the copy of an old reply does nothing, a new reply halts.
	same(t, "put again", h.enroll("e1", "c1").HaltedBy, halted.HaltedBy)
	woken := h.putEnrollment(crm.Enrollment{ID: "e1", Contact: "c1", Sequence: "spring", Status: crm.EnrollmentActive})
	same(t, "beginning", woken.StartedAt, h.now)
	same(t, "halted at", woken.HaltedAt, time.Time{})
	h.arrive(one.Mailbox, "Sent", first)
	same(t, "status after a copy", h.enrollment("e1").Status, crm.EnrollmentActive)
	m := h.imported(one.Mailbox, h.letter("c1", nil))
	same(t, "halted by", h.enrollment("e1").HaltedBy, m.ID)
	same(t, "halts", len(h.events(crm.SequenceHalted)), 3)

	// One that was put after the reply had come is halted by the next.
	h.enroll("e9", "c1")
	same(t, "status", h.enrollment("e9").Status, crm.EnrollmentActive)
}

// Copies of a reply that come at the same instant through several mailboxes
// halt once, and what is enrolled at that instant is either before or after.
func testHaltsAtTheSameInstant(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	links := []crm.Link{h.link("u1", "box1"), h.link("u2", "box2"), h.link("u3", "box3")}
	h.contact("c1", "c1@customer.example")
	const rounds = 10
	for range rounds {
		h.pass(time.Minute)
		h.putEnrollment(crm.Enrollment{ID: "e1", Contact: "c1", Sequence: "spring", Status: crm.EnrollmentActive})
		letter := h.letter("c1", nil)
		var wg sync.WaitGroup
		for _, l := range links {
			p := h.page(h.folder(l.Mailbox, "INBOX"), letter)
			wg.Go(func() {
				if _, err := h.Record(ctx, p, h.now); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			_, _, err := h.PutEnrollment(ctx, crm.Enrollment{Account: h.account, ID: "e1", Contact: "c1", Sequence: "spring"}, h.now)
			if err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		same(t, "status", h.enrollment("e1").Status, crm.EnrollmentHalted)
	}
	same(t, "halts", len(h.events(crm.SequenceHalted)), rounds)
}

func testReplyCheck(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	h.contact("c1", "c1@customer.example")
	h.contact("c2", "c2@customer.example")
	check := func(id crm.ContactID, since time.Time) crm.ReplyCheck {
		t.Helper()
		return value(h.ReplyCheck(ctx, h.account, id, since))(h)
	}
	same(t, "without a mailbox", check("c1", h.now), crm.ReplyCheck{})

	one, two := h.link("u1", "box1"), h.link("u2", "info")
	h.link("u3", "info")
	ended := h.link("u4", "old")
	h.must(h.EndLink(ctx, h.account, ended.ID, crm.EndedUnlinked, h.now))
	h.must(h.SaveLooks(ctx, []crm.Looked{{Account: h.account, Mailbox: two.Mailbox, At: h.now, Status: crm.LinkLive, Synced: true}}))
	h.must(h.Reject(ctx, h.account, two.ID, "refused", 0, h.now))
	fresh := map[crm.MailboxID]crm.Freshness{}
	for _, f := range check("c1", h.now).Mailboxes {
		slices.Sort(f.Users)
		fresh[f.Mailbox] = f
	}
	same(t, "mailboxes", fresh, map[crm.MailboxID]crm.Freshness{
		one.Mailbox: {Mailbox: one.Mailbox, Users: []crm.UserID{"u1"}, Status: crm.LinkSyncing},
		two.Mailbox: {Mailbox: two.Mailbox, Users: []crm.UserID{"u2", "u3"}, Status: crm.LinkLive, SyncedAt: h.now}, // by the other's credential
	})

	// Neither these nor a letter to the contact are a reply of theirs.
	for _, change := range []func(*crm.Message){
		func(m *crm.Message) { m.Letter.Kind = crm.KindAutoReply },
		func(m *crm.Message) { m.Direction = crm.Outbound },
		func(m *crm.Message) { m.Matches = []crm.Match{{Contact: "c1", Address: "c1@customer.example"}} },
	} {
		h.arrive(one.Mailbox, "INBOX", h.letter("c1", change))
	}
	h.arrive(one.Mailbox, "INBOX", h.letter("c2", nil))
	same(t, "before a reply", check("c1", h.now).Message, "")

	h.pass(time.Minute)
	m := h.imported(two.Mailbox, h.letter("c1", nil))
	received := h.now
	h.pass(time.Minute)
	h.arrive(two.Mailbox, "INBOX", h.letter("c1", nil))
	same(t, "the first reply", check("c1", received.Add(-time.Hour)).Message, m.ID)
	same(t, "received at", check("c1", received).ReceivedAt, received)
	same(t, "in the same second", check("c1", received.Add(999*time.Millisecond)).Message, m.ID)
	if later := check("c1", received.Add(time.Second)); later.Message == m.ID || later.Message == "" {
		t.Errorf("a second later the first reply is %q", later.Message)
	}

	// A message that could not be read may be the reply, unless it came before.
	p := h.page(h.folder(two.Mailbox, "INBOX"))
	p.Through, p.Problems = p.From+1, []crm.Problem{{UID: p.From + 1, Since: h.now, RetryAt: h.now}}
	value(h.Record(ctx, p, h.now))(h)
	unread := func(since time.Time) (n int) {
		for _, f := range check("c2", since).Mailboxes {
			n += f.Unread
		}
		return n
	}
	same(t, "unread", unread(h.now), 1)
	same(t, "unread of those that came later", unread(h.now.Add(time.Second)), 0)

	same(t, "after all", check("c1", h.now.Add(time.Second)).Message, "")
	_, err := h.ReplyCheck(ctx, h.account, "nobody", h.now)
	fails(t, err, crm.NotFound, "contact_not_found")
}
