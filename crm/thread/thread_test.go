package thread

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

type addrs = []crm.Address

func day(n int) time.Time { return time.Date(2026, 3, n, 9, 0, 0, 0, time.UTC) }

func TestChoose(t *testing.T) {
	ken, rie := addrs{"ken@customer.example"}, addrs{"rie@customer.example"}
	for _, c := range []struct {
		name       string
		from       addrs
		candidates []Candidate
		join       crm.ThreadID
		merge      []crm.ThreadID
	}{
		{"no candidate", ken, nil, "", nil},
		{"a shared correspondent", ken, []Candidate{{"a", day(1), ken}}, "a", nil},
		{"one of several shared", addrs{"x@x.example", "ken@customer.example"}, []Candidate{{"a", day(1), append(rie, ken...)}}, "a", nil},
		{"forged In-Reply-To", addrs{"eve@other.example"}, []Candidate{{"a", day(1), ken}}, "", nil},
		{"nobody outside the account", nil, []Candidate{{"a", day(1), nil}, {"b", day(1), ken}}, "", nil},
		{"the oldest wins and takes the others in", ken, []Candidate{{"c", day(3), ken}, {"a", day(1), ken}, {"b", day(2), ken}}, "a", []crm.ThreadID{"b", "c"}},
		{"only those that share are merged", ken, []Candidate{{"a", day(1), rie}, {"b", day(2), ken}, {"c", day(3), ken}}, "b", []crm.ThreadID{"c"}},
		{"equally old: always the same one", ken, []Candidate{{"b", day(1), ken}, {"a", day(1), ken}}, "a", []crm.ThreadID{"b"}},
		{"one thread found through several messages", ken, []Candidate{{"a", day(1), ken}, {"b", day(2), ken}, {"a", day(3), ken}, {"b", day(4), ken}}, "a", []crm.ThreadID{"b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			given := slices.Clone(c.candidates)
			join, merge := Choose(c.from, c.candidates)
			if join != c.join || !slices.Equal(merge, c.merge) {
				t.Errorf("got %q and %q, want %q and %q", join, merge, c.join, c.merge)
			}
			for i := range given {
				if given[i].Thread != c.candidates[i].Thread {
					t.Fatal("the caller's candidates were put in another order")
				}
			}
		})
	}
}

func TestCorrespondents(t *testing.T) {
	h := crm.Head{
		From: []crm.Person{{Address: "aoi@acme.example"}},
		To:   []crm.Person{{Address: "rie@customer.example"}, {Address: "ken@customer.example"}},
		Cc:   []crm.Person{{Address: "ben@acme.example"}, {Address: "ken@customer.example"}},
		Bcc:  []crm.Person{{Address: "hidden@other.example"}},
	}
	internal := map[crm.Address]bool{"aoi@acme.example": true, "ben@acme.example": true}
	want := addrs{"ken@customer.example", "rie@customer.example"}
	if got := Correspondents(h, internal); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Correspondents(crm.Head{From: h.From}, internal); len(got) != 0 {
		t.Errorf("got %q, want nobody", got)
	}
}

func TestRelated(t *testing.T) {
	h := crm.Head{
		HeaderID:   "own@x",
		InReplyTo:  []crm.HeaderID{"3@x", "own@x"},
		References: []crm.HeaderID{"1@x", "2@x", "", "1@x", "3@x"},
	}
	want := []crm.HeaderID{"3@x", "1@x", "2@x"}
	if got := Related(h); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Related(crm.Head{}); len(got) != 0 {
		t.Errorf("got %q of a message that names none", got)
	}
}

func TestRelatedIsCapped(t *testing.T) {
	var h crm.Head
	for i := range 5000 {
		h.References = append(h.References, crm.HeaderID(fmt.Sprintf("%d@x", i)))
	}
	got := Related(h)
	if len(got) != 100 || got[0] != "4999@x" {
		t.Errorf("got %d ids from %q on, want the last 100", len(got), got[0])
	}
}
