package intake_test

import (
	"fmt"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/intake"
)

// preview looks at the desk's folder as it would have been a week ago.
func (d *desk) preview(through crm.UID, most int) (crm.Preview, int) {
	d.t.Helper()
	s := d.stretch
	s.Through, s.Since = through, linkedAt.AddDate(0, 0, -7)
	p := crm.Preview{Refused: map[crm.Outcome]int{}, Complete: true}
	read, err := intake.New(d.options).Preview(d.t.Context(), s, []crm.Address{"shared@acme.example"}, most, &p)
	must(d.t, err)
	return p, read
}

func TestPreview(t *testing.T) {
	d := newDesk(t)
	add := func(uid crm.UID, from, to string, at time.Time) {
		d.shelf.put(uid, from, "private")
		m := d.shelf.mails[uid]
		m.at, m.raw = at, fmt.Appendf(nil, "From: %s\r\nTo: %s\r\n\r\nx", from, to)
	}
	const ken = "ken@customer.example"
	add(1, ken, "aoi@acme.example", linkedAt.AddDate(0, 0, -30)) // before the week
	add(2, ken, "aoi@acme.example", linkedAt.AddDate(0, 0, -7).Add(-time.Second))
	add(3, ken, "aoi@acme.example", linkedAt.AddDate(0, 0, -6)) // before Ken was on record
	add(4, "mum@home.example", "aoi@acme.example", linkedAt)
	add(5, "aoi@acme.example", ken, linkedAt)
	add(6, "shared@acme.example", "aoi@acme.example", linkedAt)
	add(5000, ken, "aoi@acme.example", linkedAt)
	d.shelf.garbled[7] = true
	add(7, ken, "aoi@acme.example", linkedAt)

	p, read := d.preview(6000, 100)
	if p.Looked != 5 || p.Imported != 3 || p.Unreadable != 1 || !p.Complete || read != 7 {
		t.Errorf("read %d: %+v", read, p)
	}
	if p.Refused[crm.NoContact] != 1 || p.Refused[crm.InternalOnly] != 1 || len(p.Refused) != 2 {
		t.Errorf("refused: %v", p.Refused)
	}
	sent := p.Items[1]
	if sent.Direction != crm.Outbound || sent.Contacts[0] != "ken" || sent.FolderName != "INBOX" || sent.To[0] != ken || p.Items[0].Direction != crm.Inbound {
		t.Errorf("items: %+v", p.Items)
	}
	if len(d.shelf.fetched) != 0 || d.stretch.Folder.Position != 0 || len(d.messages()) != 0 || d.health().Receipt.Envelopes != 0 {
		t.Error("a preview has left something behind")
	}
}

// A mailbox with more mail than can be looked at in the time says so.
func TestPreviewIsBounded(t *testing.T) {
	d := newDesk(t)
	for uid := crm.UID(1); uid <= 2500; uid++ {
		d.shelf.put(uid, "ken@customer.example", "x")
	}
	if p, read := d.preview(2500, 1500); p.Complete || read != 2000 || p.Imported != 2000 {
		t.Errorf("read %d, imported %d, complete %v", read, p.Imported, p.Complete)
	}
	if p, read := d.preview(2500, 2500); !p.Complete || read != 2500 {
		t.Errorf("read %d, complete %v", read, p.Complete)
	}
	d = newDesk(t)
	if p, read := d.preview(0, 10); !p.Complete || read != 0 || p.Looked != 0 {
		t.Errorf("of an empty folder: %d, %+v", read, p)
	}
}
