package storetest

import (
	"testing"
	"time"

	"mailsyncd.example/crm/store"
)

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
