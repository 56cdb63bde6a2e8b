package rule

import (
	"slices"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

func TestReadsStatus(t *testing.T) {
	since := time.Date(2026, 11, 20, 9, 0, 0, 700_000_000, time.UTC)
	report := crm.Envelope{Report: true, ReceivedAt: since.Truncate(time.Second)}
	early, other := report, report
	early.ReceivedAt = report.ReceivedAt.Add(-time.Second)
	other.Report = false
	cases := []struct {
		name    string
		env     crm.Envelope
		outcome crm.Outcome
		since   time.Time
		want    bool
	}{
		{"from a mail server", report, crm.NoContact, since, true},
		{"in the second of the switch", report, crm.BeforeContact, since, true},
		{"from a colleague's address", report, crm.InternalOnly, since, true},
		{"switched off", report, crm.NoContact, time.Time{}, false},
		{"received before the switch", early, crm.NoContact, since, false},
		{"no report", other, crm.NoContact, since, false},
		{"imported", report, crm.Imported, since, false},
		{"from before the link", report, crm.BeforeLink, since, false},
		{"a draft", report, crm.Draft, since, false},
		{"in trouble", report, crm.Trouble, since, false},
	}
	for _, c := range cases {
		if got := ReadsStatus(c.env, c.outcome, c.since); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestConcerned(t *testing.T) {
	received := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	facts := crm.Facts{
		Contacts: map[crm.Address][]crm.OnRecord{
			"ken@customer.example": {{Contact: "z", Since: received}, {Contact: "late", Since: received.Add(time.Second)}, {Contact: "a", Since: received.Add(900 * time.Millisecond)}},
			"aoi@acme.example":     {{Contact: "aoi"}},
		},
		Internal: map[crm.Address]bool{"aoi@acme.example": true},
	}
	for about, want := range map[crm.Address][]crm.ContactID{
		"ken@customer.example": {"a", "z"}, "aoi@acme.example": nil, "nobody@stranger.example": nil,
	} {
		if got := Concerned(about, received, facts); !slices.Equal(got, want) {
			t.Errorf("%s concerns %v, want %v", about, got, want)
		}
	}
}
