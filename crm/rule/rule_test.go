package rule

import (
	"slices"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
	"mailsyncd.example/crm/vectortest"
)

// vector is one case of import-rules.json: an office, a message, a decision.
type vector struct {
	Name   string
	Office struct {
		Users, Mailboxes []string
		Contacts         []struct {
			Address string
			Since   time.Time
		}
		LinkedAt time.Time `json:"linked_at"`
	}
	Message struct {
		From, To, Cc, Bcc string
		ReceivedAt        time.Time `json:"received_at"`
	}
	Expect struct {
		Import    bool
		Reason    string
		Direction crm.Direction
		Contacts  []crm.Address
	}
}

func (v vector) facts(t *testing.T) crm.Facts {
	facts := crm.Facts{Contacts: map[crm.Address][]crm.OnRecord{}, Internal: map[crm.Address]bool{}}
	for _, s := range slices.Concat(v.Office.Users, v.Office.Mailboxes) {
		facts.Internal[parse(t, s)] = true
	}
	for _, c := range v.Office.Contacts {
		a := parse(t, c.Address)
		facts.Contacts[a] = append(facts.Contacts[a], crm.OnRecord{Contact: crm.ContactID(a), Since: c.Since})
	}
	return facts
}

func parse(t *testing.T, s string) crm.Address {
	t.Helper()
	a, ok := address.Parse(s)
	if !ok {
		t.Fatalf("%q does not read as an address", s)
	}
	return a
}

func TestVectors(t *testing.T) {
	var file struct{ Cases []vector }
	vectortest.Read(t, "import-rules.json", &file)
	for _, v := range file.Cases {
		t.Run(v.Name, func(t *testing.T) {
			env := crm.Envelope{
				ReceivedAt: v.Message.ReceivedAt,
				From:       address.List(v.Message.From),
				To:         address.List(v.Message.To),
				Copied:     slices.Concat(address.List(v.Message.Cc), address.List(v.Message.Bcc)),
			}
			got := Judge(env, Inbox{Since: v.Office.LinkedAt}, v.facts(t))
			reason := string(got.Outcome)
			if got.Outcome == crm.Imported {
				reason = "matched"
			}
			if got.Import != v.Expect.Import || reason != v.Expect.Reason || got.Direction != v.Expect.Direction {
				t.Errorf("got %v, %q, %q; want %+v", got.Import, reason, got.Direction, v.Expect)
			}
			var matched []crm.Address
			for _, m := range got.Matches {
				matched = append(matched, m.Address)
			}
			if !slices.Equal(matched, v.Expect.Contacts) {
				t.Errorf("got contacts %q, want %q", matched, v.Expect.Contacts)
			}
		})
	}
}

var (
	linked = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	long   = linked.AddDate(-1, 0, 0) // long before

	ken = crm.Facts{
		Contacts: map[crm.Address][]crm.OnRecord{"ken@customer.example": {{Contact: "ken", Since: long}}},
		Internal: map[crm.Address]bool{"aoi@acme.example": true},
	}
)

func TestMomentOfLinking(t *testing.T) {
	for _, c := range []struct {
		name string
		late time.Duration // from the link to the message
		uid  crm.UID
		in   Inbox
		want crm.Outcome
	}{
		{"clock behind, came after", -5 * time.Minute, 101, Inbox{Anchor: 100}, crm.Imported},
		{"clock behind, was there", -5 * time.Minute, 100, Inbox{Anchor: 100}, crm.BeforeLink},
		{"too far behind to be the clock", -5*time.Minute - time.Second, 101, Inbox{Anchor: 100}, crm.BeforeLink},
		{"a fraction of the second counts for nothing", -5*time.Minute - 300*time.Millisecond, 101, Inbox{Anchor: 100}, crm.BeforeLink},
		{"clock ahead, was there", 4 * time.Minute, 100, Inbox{Anchor: 100}, crm.BeforeLink},
		{"clock ahead, came after", 4 * time.Minute, 101, Inbox{Anchor: 100}, crm.Imported},
		{"much later the date decides", time.Hour, 50, Inbox{Anchor: 100}, crm.Imported},
		{"old mail moved in later", -time.Hour, 200, Inbox{Anchor: 100}, crm.BeforeLink},
		{"folder that was empty, clock behind", -time.Minute, 1, Inbox{Anchored: true}, crm.Imported},
		{"folder that appeared later", -time.Second, 1, Inbox{}, crm.BeforeLink},
		{"folder that appeared later, new mail", 0, 1, Inbox{}, crm.Imported},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.Since = linked
			env := crm.Envelope{UID: c.uid, ReceivedAt: linked.Add(c.late), From: []crm.Address{"ken@customer.example"}}
			if got := Judge(env, c.in, ken); got.Outcome != c.want {
				t.Errorf("got %q, want %q", got.Outcome, c.want)
			}
		})
	}
}

func TestTimesCompareToTheSecond(t *testing.T) {
	const half = 500 * time.Millisecond
	facts := crm.Facts{Contacts: map[crm.Address][]crm.OnRecord{
		"ken@customer.example": {{Contact: "ken", Since: linked.Add(half)}},
	}}
	env := crm.Envelope{ReceivedAt: linked, From: []crm.Address{"ken@customer.example"}}
	if got := Judge(env, Inbox{Since: linked.Add(half)}, facts); got.Outcome != crm.Imported {
		t.Errorf("linked and put on record within the second of the message: %q", got.Outcome)
	}
	env.ReceivedAt = linked.Add(-time.Second)
	if got := Judge(env, Inbox{Since: long}, facts); got.Outcome != crm.BeforeContact {
		t.Errorf("put on record in the second after the message: %q", got.Outcome)
	}
}

func TestMatchesAreOneForEachContactAndAddress(t *testing.T) {
	facts := crm.Facts{Contacts: map[crm.Address][]crm.OnRecord{
		"shop@customer.example": {{Contact: "ken", Since: long}, {Contact: "rie", Since: long}, {Contact: "late", Since: linked.AddDate(1, 0, 0)}},
		"ken@customer.example":  {{Contact: "ken", Since: long}},
	}}
	env := crm.Envelope{
		ReceivedAt: linked,
		From:       []crm.Address{"shop@customer.example"},
		To:         []crm.Address{"ken@customer.example", "shop@customer.example"},
		Copied:     []crm.Address{"other@customer.example"},
	}
	want := []crm.Match{
		{Contact: "ken", Address: "shop@customer.example", Sender: true},
		{Contact: "rie", Address: "shop@customer.example", Sender: true},
		{Contact: "ken", Address: "ken@customer.example"},
	}
	if got := Judge(env, Inbox{Since: linked}, facts); !slices.Equal(got.Matches, want) {
		t.Errorf("\n got %v\nwant %v", got.Matches, want)
	}
}

func TestOrderOfReasons(t *testing.T) {
	facts := crm.Facts{
		Contacts: map[crm.Address][]crm.OnRecord{
			"ken@customer.example": {{Contact: "ken", Since: long}},
			"new@customer.example": {{Contact: "new", Since: linked.AddDate(1, 0, 0)}},
			"ben@acme.example":     {{Contact: "ben", Since: long}}, // a user who is on record as well
		},
		Internal: map[crm.Address]bool{"aoi@acme.example": true, "ben@acme.example": true},
	}
	type addrs = []crm.Address
	for _, c := range []struct {
		name         string
		from, to, cc addrs
		want         crm.Outcome
	}{
		{"before the contact, over internal and Cc", addrs{"aoi@acme.example"}, addrs{"new@customer.example", "ben@acme.example"}, addrs{"ken@customer.example"}, crm.BeforeContact},
		{"internal contact, over Cc", addrs{"x@other.example"}, addrs{"ben@acme.example"}, addrs{"ken@customer.example"}, crm.InternalOnly},
		{"all internal, over Cc", addrs{"aoi@acme.example"}, addrs{"aoi@acme.example"}, addrs{"ken@customer.example"}, crm.InternalOnly},
		{"Cc, though the contact came later", addrs{"x@other.example"}, addrs{"aoi@acme.example"}, addrs{"new@customer.example"}, crm.ContactOnlyInCc},
		{"nobody at all", nil, nil, nil, crm.NoContact},
		{"nobody but Cc", nil, nil, addrs{"ken@customer.example"}, crm.ContactOnlyInCc},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := crm.Envelope{ReceivedAt: linked, From: c.from, To: c.to, Copied: c.cc}
			if got := Judge(env, Inbox{Since: linked}, facts); got.Outcome != c.want || got.Import {
				t.Errorf("got %+v, want %q", got, c.want)
			}
		})
	}
}

func BenchmarkJudge(b *testing.B) {
	env := crm.Envelope{
		UID: 7, ReceivedAt: linked.Add(time.Hour),
		From:   []crm.Address{"x@other.example"},
		To:     []crm.Address{"aoi@acme.example", "y@other.example"},
		Copied: []crm.Address{"z@other.example"},
	}
	match := env
	match.From = []crm.Address{"ken@customer.example"}
	in := Inbox{Since: linked, Anchor: 1}
	for name, env := range map[string]crm.Envelope{"refused": env, "matched": match} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Judge(env, in, ken)
			}
		})
	}
}

// A draft is nobody's mail yet, whoever it is to.
func TestDraft(t *testing.T) {
	since := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	env := crm.Envelope{UID: 1, ReceivedAt: since, From: []crm.Address{"aoi@acme.example"}, To: []crm.Address{"ken@customer.example"}, Draft: true}
	facts := crm.Facts{Contacts: map[crm.Address][]crm.OnRecord{"ken@customer.example": {{Contact: "ken", Since: since}}}}
	for draft, want := range map[bool]crm.Outcome{true: crm.Draft, false: crm.Imported} {
		env.Draft = draft
		if got := Judge(env, Inbox{Since: since}, facts); got.Outcome != want || got.Import == draft {
			t.Errorf("draft %v: %+v", draft, got)
		}
	}
}
