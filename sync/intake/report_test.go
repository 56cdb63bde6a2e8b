package intake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/intake"
)

// switchedAt is when the desk's account wanted delivery reports read: an hour
// before the mail on the shelf is received.
var switchedAt = linkedAt.Add(30 * time.Minute)

// newReportingDesk is a desk whose account wants delivery reports read.
func newReportingDesk(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	d.switchReports(true)
	return d
}

func (d *desk) switchReports(on bool) {
	d.t.Helper()
	a, err := d.store.Account(d.t.Context(), d.account)
	must(d.t, err)
	a.DeliveryReports = on
	must(d.t, d.store.UpdateAccount(d.t.Context(), a, switchedAt))
	standing, err := d.store.Standing(d.t.Context(), d.account, d.stretch.Folder.Mailbox)
	must(d.t, err)
	d.stretch.Reports = func(context.Context) (time.Time, error) { return standing.ReportsSince, nil }
}

// report puts a delivery report on the shelf: from a mail server, about failed
// deliveries to these addresses.
func (s *shelf) report(uid crm.UID, about ...string) {
	s.put(uid, "MAILER-DAEMON@mx.example", fmt.Sprint("report", uid))
	status := "Reporting-MTA: dns; mx.example\r\n"
	for _, a := range about {
		status += "\r\nFinal-Recipient: rfc822; " + a + "\r\nAction: failed\r\nStatus: 5.1.1\r\nLast-Attempt-Date: Mon, 2 Mar 2026 00:10:00 +0000\r\n"
	}
	s.reports[uid] = status
}

// told are the account's events about mail that did not arrive.
func (d *desk) told() []crm.Event {
	d.t.Helper()
	all, err := d.store.ListEvents(d.t.Context(), d.account, 0, 1000)
	must(d.t, err)
	return slices.DeleteFunc(all, func(e crm.Event) bool { return e.Type != crm.MessageBounced })
}

func TestADeliveryReportIsToldAndNotImported(t *testing.T) {
	d := newReportingDesk(t)
	d.shelf.put(1, "x@stranger.example", "private")
	d.shelf.report(2, "nobody@stranger.example", "ken@customer.example", "aoi@acme.example")
	d.shelf.report(3, "nobody@stranger.example")
	d.shelf.put(4, "ken@customer.example", "hello")
	d.shelf.reports[4] = d.shelf.reports[2] // imported: its kind tells what it is
	d.shelf.report(5, "ken@customer.example")
	d.shelf.mails[5].at = switchedAt.Add(-time.Second)
	must(t, d.advance(5))

	told := d.told()
	if len(told) != 1 {
		t.Fatalf("%d events, want one: %v", len(told), told)
	}
	var data map[string]any
	must(t, json.Unmarshal(told[0].Data, &data))
	want := map[string]any{
		"address": "ken@customer.example", "status": "5.1.1", "severity": "hard", "at": "2026-03-02T00:10:00Z",
		"contact_ids": []any{"ken"}, "mailbox_id": string(d.stretch.Folder.Mailbox),
	}
	if fmt.Sprint(data) != fmt.Sprint(want) {
		t.Errorf("told %v\nwant %v", data, want)
	}
	if !slices.Equal(d.shelf.statused, []crm.UID{2, 3}) || !slices.Equal(d.shelf.fetched, []crm.UID{4}) {
		t.Errorf("the status of %v and the body of %v were read", d.shelf.statused, d.shelf.fetched)
	}
	h := d.health()
	if got := h.Folders[0].Outcomes; got[crm.NoContact] != 4 || got[crm.Imported] != 1 {
		t.Errorf("outcomes %v", got)
	}
	if r := h.Receipt; r.Reports != 2 || r.Bodies != 1 || r.RefusedBodies != 0 || r.Bytes != d.shelf.received {
		t.Errorf("receipt %+v, received %d", r, d.shelf.received)
	}
}

func TestAReportIsToldOnce(t *testing.T) {
	d := newReportingDesk(t)
	d.shelf.report(1, "ken@customer.example")
	d.shelf.report(2, "ken@customer.example") // another copy, in the same page
	d.shelf.report(3, "ken@customer.example")
	d.shelf.reports[3] += "Remote-MTA: dns; another.example\r\n" // another mail that was returned
	must(t, d.advance(2))
	must(t, d.advance(3))
	if n := len(d.told()); n != 2 {
		t.Fatalf("%d events of two reports", n)
	}
	d.stretch.Folder.UIDValidity++ // and all of it again
	stored, err := d.store.SyncFolders(t.Context(), d.account, d.stretch.Folder.Mailbox, []crm.Folder{d.stretch.Folder}, 0, d.now)
	must(t, err)
	d.stretch.Folder = stored[0]
	must(t, d.advance(3))
	if n := len(d.told()); n != 2 || len(d.shelf.statused) != 6 {
		t.Errorf("%d events after the folder was read again, %d reports read", n, len(d.shelf.statused))
	}
}

func TestNoReportIsReadUnasked(t *testing.T) {
	d := newDesk(t)
	d.shelf.report(1, "ken@customer.example")
	must(t, d.advance(1))
	if d.shelf.typed != 0 || len(d.shelf.statused) != 0 || len(d.told()) != 0 {
		t.Errorf("%d envelopes with a type, the status of %v read", d.shelf.typed, d.shelf.statused)
	}
	d.switchReports(true)
	stale := d.stretch.Reports
	d.switchReports(false)
	d.stretch.Reports = stale // it has not been heard of here yet
	d.shelf.report(2, "ken@customer.example")
	must(t, d.advance(2))
	if n := len(d.told()); n != 0 {
		t.Errorf("%d events though it is switched off", n)
	}
}

// Nothing is told of a contact from before the address was on record, of mail
// from before the link, or of an address that is a colleague's.
func TestReportsObeyTheTimeRules(t *testing.T) {
	d := newReportingDesk(t)
	_, err := d.store.PutContacts(t.Context(), []crm.Contact{
		{Account: d.account, ID: "mio", Addresses: []crm.ContactAddress{{Address: "mio@late.example", Since: linkedAt.Add(3 * time.Hour)}}},
		{Account: d.account, ID: "aoi", Addresses: []crm.ContactAddress{{Address: "aoi@acme.example", Since: linkedAt}}},
	})
	must(t, err)
	d.shelf.report(1, "mio@late.example", "aoi@acme.example")
	d.shelf.report(2, "ken@customer.example")
	d.shelf.mails[2].at = linkedAt.Add(-time.Hour)
	must(t, d.advance(2))
	if told := d.told(); len(told) != 0 || !slices.Equal(d.shelf.statused, []crm.UID{1}) {
		t.Errorf("told %v, having read the status of %v", told, d.shelf.statused)
	}
}

// A server that can't be asked for a status must not stand in the way.
func TestAStatusThatBreaksTheConnectionIsLeft(t *testing.T) {
	d := newReportingDesk(t)
	d.shelf.report(1, "ken@customer.example")
	d.shelf.put(2, "ken@customer.example", "hello")
	d.shelf.fragile = true
	for d.stretch.Care = 0; d.advance(2) != nil; d.stretch.Care++ {
		if d.stretch.Care > 4 {
			t.Fatal("no end of it")
		}
	}
	if got := d.health().Folders[0].Outcomes; got[crm.NoContact] != 1 || got[crm.Imported] != 1 || got[crm.Trouble] != 0 {
		t.Errorf("outcomes %v", got)
	}
}

// A status that goes on and on is cut, and what it says by then counts.
func TestALongStatusIsCut(t *testing.T) {
	d := newReportingDesk(t)
	d.shelf.report(1, "ken@customer.example")
	d.shelf.reports[1] += "X-Noise: " + strings.Repeat("x", 1<<20)
	must(t, d.advance(1))
	if n := len(d.told()); n != 1 || d.shelf.received > 100<<10 {
		t.Errorf("%d events out of %d bytes", n, d.shelf.received)
	}
}

func TestExplainingAReport(t *testing.T) {
	d := newReportingDesk(t)
	d.shelf.report(1, "ken@customer.example")
	d.shelf.put(2, "x@stranger.example", "private")
	must(t, d.advance(2))
	for uid, id := range map[crm.UID]crm.HeaderID{1: "report1@customer.example", 2: "private@customer.example"} {
		found, err := intake.New(d.options).Explain(t.Context(), d.stretch, true, id, []crm.UID{uid})
		must(t, err)
		if len(found) != 1 || found[0].Outcome != crm.NoContact || found[0].Status != (uid == 1) {
			t.Errorf("UID %d: %+v", uid, found)
		}
	}
}
