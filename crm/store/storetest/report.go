package storetest

import (
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
)

// What a delivery report says of a contact is told once, whichever mailbox has
// a copy of it, and only while the account wants that.
func testReports(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	switchTo := func(on bool) {
		t.Helper()
		a := h.sampleAccount()
		a.DeliveryReports = on
		h.must(h.UpdateAccount(ctx, a, h.now))
	}
	one, two := h.link("u1", "box1").Mailbox, h.link("u2", "box2").Mailbox
	record := func(m crm.MailboxID, reported ...crm.Reported) {
		t.Helper()
		p := h.page(h.folder(m, "INBOX"))
		p.Through++
		p.Runs = []crm.Run{{Lo: p.Through, Hi: p.Through, Outcome: crm.NoContact}}
		p.Reported, p.Receipt = reported, crm.Receipt{Envelopes: 1, Reports: 1}
		value(h.Record(ctx, p, h.now))(h)
	}
	about := func(address crm.Address, digest byte) crm.Reported {
		b := crm.Bounce{Address: address, Status: "5.1.1", Severity: crm.Hard, At: h.now}
		return crm.Reported{Bounce: b, Contacts: []crm.ContactID{"c1"}, Digest: [32]byte{digest}}
	}
	bounced := func() []crm.Event { return h.events(crm.MessageBounced) }

	record(one, about("c1@customer.example", 1))
	same(t, "events, switched off", len(bounced()), 0)
	switchTo(true)
	record(one, about("c1@customer.example", 1), about("c1@customer.example", 1), about("d1@customer.example", 1))
	same(t, "events", len(bounced()), 2)
	same(t, "data", string(bounced()[0].Data), `{"address":"c1@customer.example","status":"5.1.1","severity":"hard",`+
		`"at":"2026-11-20T09:00:00Z","contact_ids":["c1"],"mailbox_id":"`+string(one)+`"}`)
	h.pass(time.Hour)
	record(two, about("c1@customer.example", 1), about("c1@customer.example", 2))
	same(t, "events, with a copy and another report", len(bounced()), 3)
	same(t, "reports of the first mailbox", value(h.Health(ctx, h.account, one))(h).Receipt, crm.Receipt{Envelopes: 2, Reports: 2})

	other := newHouseIn(t, h.Store, "acc_2")
	same(t, "events of another account", len(other.events()), 0)
	stale := h.page(h.folder(one, "INBOX"))
	stale.From, stale.Through, stale.Reported = 0, 1, []crm.Reported{about("c1@customer.example", 9)}
	_, err := h.Record(ctx, stale, h.now)
	fails(t, err, crm.Conflict, "stale_position")
	same(t, "events after a page that was refused", len(bounced()), 3)
}

// The switch for delivery reports counts from the moment at which it was
// turned, and whoever works a mailbox of the account hears of it.
func testReportsSwitch(t *testing.T, open Opener) {
	ears := &listener{}
	h := newHouseIn(t, open(t, store.Options{Sealer: &box{key: 1}, Signals: ears}), "acc_1")
	other := newHouseIn(t, h.Store, "acc_2")
	other.link("u1", "box1")
	ctx := t.Context()
	l := h.link("u1", "box1")
	h.user("u2")
	value(h.CreateLink(ctx, h.linkOf("u2", "box1"), "x", nil))(h)
	since := func() time.Time {
		t.Helper()
		return value(h.Standing(ctx, h.account, l.Mailbox))(h).ReportsSince
	}
	turn := func(on bool, want ...string) {
		t.Helper()
		h.pass(time.Hour)
		ears.heard = nil
		a := h.sampleAccount()
		a.DeliveryReports = on
		h.must(h.UpdateAccount(ctx, a, h.now))
		same(t, "heard", ears.heard, want)
		same(t, "on", value(h.Account(ctx, h.account))(h).DeliveryReports, on)
	}
	signal := "links of acc_1 " + string(l.Mailbox)
	same(t, "since, at first", since(), time.Time{})
	turn(true, signal)
	began := h.now
	same(t, "since", since(), began)
	turn(true)
	same(t, "since, turned on twice", since(), began)
	turn(false, signal)
	same(t, "since, turned off", since(), time.Time{})
	turn(true, signal)
	same(t, "since, turned on again", since(), h.now)
}
