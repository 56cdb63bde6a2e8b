package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

// A bounce is told once for each address that it is about, with the contacts who
// have the address, and not those whom the report is from.
func testBounces(t *testing.T, open Opener) {
	h := newHouse(t, open)
	one, two := h.link("u1", "box1"), h.link("u2", "box2")
	h.contact("dead", "dead@customer.example", "shared@customer.example")
	h.contact("other", "shared@customer.example")
	newHouseIn(t, h.Store, "acc_2").contact("stranger", "dead@customer.example")
	attempt := h.now.Add(-time.Minute)
	letter := h.letter("c1", func(m *crm.Message) {
		m.Letter.Kind = crm.KindBounce
		m.Letter.Bounces = []crm.Bounce{
			{Address: "dead@customer.example", Status: "5.1.1", Severity: crm.Hard, At: attempt},
			{Address: "shared@customer.example", Severity: crm.Soft},
			{Address: "nobody@elsewhere.example", Status: "4.4.1", Severity: crm.Soft, At: h.now.Add(time.Hour)},
		}
	})
	m := h.imported(one.Mailbox, letter)
	same(t, "bounces", m.Letter.Bounces, letter.Letter.Bounces)

	told := h.events(crm.MessageBounced)
	want := []map[string]any{
		{"address": "dead@customer.example", "status": "5.1.1", "severity": "hard", "at": "2026-11-20T08:59:00Z", "contact_ids": []any{"dead"}},
		{"address": "shared@customer.example", "severity": "soft", "at": "2026-11-20T09:00:00Z", "contact_ids": []any{"dead", "other"}},
		{"address": "nobody@elsewhere.example", "status": "4.4.1", "severity": "soft", "at": "2026-11-20T09:00:00Z", "contact_ids": []any{}},
	}
	if len(told) != len(want) {
		t.Fatalf("%d events, want %d", len(told), len(want))
	}
	ids := map[crm.EventID]bool{}
	for i, e := range told {
		ids[e.ID] = true
		var data map[string]any
		h.must(json.Unmarshal(e.Data, &data))
		for _, name := range []string{"address", "status", "severity", "at", "contact_ids"} {
			same(t, name, data[name], want[i][name])
		}
		same(t, "message", data["message_id"], any(string(m.ID)))
		same(t, "mailbox", data["mailbox_id"], any(string(one.Mailbox)))
		same(t, "thread", data["thread_id"], any(string(m.Thread)))
	}
	same(t, "ids", len(ids), len(want))

	// A copy in another mailbox tells nobody again.
	h.arrive(two.Mailbox, "INBOX", letter)
	same(t, "events after a copy", len(h.events(crm.MessageBounced)), len(want))
}
