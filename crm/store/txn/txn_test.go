package txn

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

func TestTexts(t *testing.T) {
	if got, want := rowsOf(2, 3), " ($1, $2), ($3, $4), ($5, $6) "; got != want {
		t.Errorf("rows %q, want %q", got, want)
	}
	if got, want := listOf(3, 2), "($3, $4)"; got != want {
		t.Errorf("list %q, want %q", got, want)
	}
	c := Clause{Args: []any{"account"}}
	c.And("a = ", 1)
	c.And("b = ", 2)
	if want := " AND a = $2 AND b = $3"; c.Text != want || !reflect.DeepEqual(c.Args, []any{"account", 1, 2}) {
		t.Errorf("clause %q with %v", c.Text, c.Args)
	}
}

// However many members there are, few texts are made, and nobody is left out.
func TestInGroups(t *testing.T) {
	texts := map[string]bool{}
	for n := range 1100 {
		members := make([]int, n)
		for i := range members {
			members[i] = i
		}
		seen := map[any]bool{}
		err := InGroups(members, 2, func(list string, args []any) error {
			texts[list] = true
			if placeholders := strings.Count(list, "$"); placeholders != len(args) || placeholders > maxGroup {
				t.Fatalf("%d placeholders for %d arguments", placeholders, len(args))
			}
			for _, a := range args {
				seen[a] = true
			}
			return nil
		})
		if err != nil || len(seen) != n {
			t.Fatalf("%d of %d members, %v", len(seen), n, err)
		}
	}
	if len(texts) != 10 {
		t.Errorf("%d texts, want one for each power of two up to %d", len(texts), maxGroup)
	}
}

func TestCursor(t *testing.T) {
	for _, c := range []struct {
		at int64
		id string
	}{{0, "a"}, {-5, "ü /\x00 x"}, {1 << 62, "thr_1"}} {
		at, id, err := ReadCursor(Cursor(c.at, c.id))
		if at != c.at || id != c.id || err != nil {
			t.Errorf("read %d, %q, %v; want %d, %q", at, id, err, c.at, c.id)
		}
	}
	if at, id, err := ReadCursor(""); at != 0 || id != "" || err != nil {
		t.Errorf("the first page: %d, %q, %v", at, id, err)
	}
}

func TestInstant(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, int(7*time.Millisecond), time.UTC)
	for _, want := range []time.Time{now, {}, time.Unix(0, 0).UTC()} {
		got := now
		if err := (Instant{&got}).Scan(MSOrNull(want)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("read %v, %v; want %v", got, err, want)
		}
	}
	if err := (Instant{new(time.Time)}).Scan("no number"); err == nil {
		t.Error("what is no number is no error")
	}
}

// An event's id says what happened: the same for the same fact, another for
// any other, and in the order of time.
func TestEventID(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	e := Event{Kind: crm.MessageImported, About: "x", Happened: now, At: now}
	again := e
	again.At = now.Add(time.Hour)
	if e.id("acc_1") != again.id("acc_1") {
		t.Error("the same fact has another id when it is told later")
	}
	kind, about, later := e, e, e
	kind.Kind, about.About, later.Happened = crm.ContactReplied, "y", now.Add(time.Second)
	for _, other := range []crm.EventID{kind.id("acc_1"), about.id("acc_1"), later.id("acc_1"), e.id("acc_2")} {
		if other == e.id("acc_1") {
			t.Errorf("another fact has the same id %s", other)
		}
	}
	if later.id("acc_1") < e.id("acc_1") || !strings.HasPrefix(string(e.id("acc_1")), "evt_") {
		t.Errorf("ids %s, %s", e.id("acc_1"), later.id("acc_1"))
	}
	if crm.NewID("evt", now)[:13] != string(e.id("acc_1"))[:13] {
		t.Error("the id does not begin as others of that time do")
	}
}
