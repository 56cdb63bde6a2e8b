package intake

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

// windowOf makes a judged window out of a spelling: one letter a UID, from lo
// on: i imported, n no contact, c only in Cc, p in trouble, - no message.
func windowOf(lo crm.UID, spelling string) *window {
	w := &window{lo: lo, hi: lo + crm.UID(len(spelling)) - 1}
	outcomes := map[rune]crm.Outcome{'i': crm.Imported, 'n': crm.NoContact, 'c': crm.ContactOnlyInCc}
	for i, c := range spelling {
		env := crm.Envelope{UID: lo + crm.UID(i), Size: 1000}
		switch c {
		case '-':
		case 'p':
			w.add(env, errors.New("broken"))
		default:
			w.add(env, nil)
			w.mails[len(w.mails)-1].outcome = outcomes[c]
		}
	}
	return w
}

func testProblem(f crm.Folder, uid crm.UID, tries int, detail string) crm.Problem {
	return crm.Problem{Folder: f.ID, UID: uid, Tries: tries, Detail: detail}
}

func TestPageGivesEveryUIDOneOutcome(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	letters := []byte("iinnnnncp--")
	for range 300 {
		spelling := make([]byte, 1+r.IntN(400))
		for i := range spelling {
			spelling[i] = letters[r.IntN(len(letters))]
		}
		lo := crm.UID(1 + r.IntN(1000))
		w := windowOf(lo, string(spelling))
		got := map[crm.UID]crm.Outcome{}
		give := func(uid crm.UID, o crm.Outcome) {
			if had, twice := got[uid]; twice {
				t.Fatalf("%s: UID %d is %s and %s", spelling, uid, had, o)
			}
			got[uid] = o
		}
		f := crm.Folder{Position: lo - 1}
		for _, p := range w.parts() {
			page := p.page(f, testProblem)
			if page.From != f.Position {
				t.Fatalf("a page begins at %d, the folder stands at %d", page.From, f.Position)
			}
			f.Position = page.Through
			for _, run := range page.Runs {
				for uid := run.Lo; uid <= run.Hi; uid++ {
					give(uid, run.Outcome)
				}
			}
			for _, a := range page.Arrivals {
				give(a.UID, crm.Imported)
			}
			for _, pr := range page.Problems {
				give(pr.UID, crm.Trouble)
			}
		}
		want := map[byte]crm.Outcome{'i': crm.Imported, 'n': crm.NoContact, 'c': crm.ContactOnlyInCc, 'p': crm.Trouble, '-': crm.Vanished}
		for i, c := range spelling {
			if uid := lo + crm.UID(i); got[uid] != want[c] {
				t.Fatalf("%s: UID %d is %q, want %q", spelling, uid, got[uid], want[c])
			}
		}
		if len(got) != len(spelling) || f.Position != w.hi {
			t.Fatalf("%s: %d outcomes for %d UIDs, position %d", spelling, len(got), len(spelling), f.Position)
		}
	}
}

func TestPartsStayWithinATransaction(t *testing.T) {
	w := windowOf(1, string(make([]byte, 0)))
	for uid := crm.UID(1); uid <= 450; uid++ {
		w.add(crm.Envelope{UID: uid, Size: 200 << 10}, nil)
		w.mails[uid-1].outcome = crm.Imported
	}
	w.hi = 450
	for _, p := range w.parts() {
		var bytes int64
		for _, m := range p.mails {
			bytes += m.env.Size
		}
		if len(p.mails) > partMessages || bytes > partBytes {
			t.Errorf("UIDs %d to %d: %d messages, %d bytes in one transaction", p.lo, p.hi, len(p.mails), bytes)
		}
	}
}

func TestPartsGrow(t *testing.T) {
	w := &window{lo: 1, hi: 400}
	for uid := crm.UID(1); uid <= 400; uid++ {
		w.add(crm.Envelope{UID: uid, Size: 1000}, nil)
		w.mails[uid-1].outcome = crm.Imported
	}
	var sizes []int
	for _, p := range w.parts() {
		sizes = append(sizes, len(p.mails))
	}
	if want := []int{10, 20, 40, 80, 100, 100, 50}; !slices.Equal(sizes, want) {
		t.Errorf("parts of %v messages, not %v", sizes, want)
	}
}

func TestTopOfTheUIDs(t *testing.T) {
	top := ^crm.UID(0)
	w := windowOf(top-3, "nn-i")
	page := w.parts()[0].page(crm.Folder{Position: top - 4}, testProblem)
	want := []crm.Run{{Lo: top - 3, Hi: top - 2, Outcome: crm.NoContact}, {Lo: top - 1, Hi: top - 1, Outcome: crm.Vanished}}
	if !reflect.DeepEqual(page.Runs, want) || page.Through != top {
		t.Errorf("runs %v through %d", page.Runs, page.Through)
	}
}

func TestRefusedBodiesAreCounted(t *testing.T) {
	w := windowOf(1, "in")
	p := w.parts()[0]
	p.read = p.mails
	if got := p.page(crm.Folder{}, testProblem).Receipt; got.Bodies != 2 || got.RefusedBodies != 1 {
		t.Errorf("receipt %+v: a body of a refused message must show", got)
	}
}

func TestSettlingLeavesThePosition(t *testing.T) {
	p := windowOf(5, "i").parts()[0]
	p.settles = true
	if page := p.page(crm.Folder{Position: 90}, testProblem); page.From != 90 || page.Through != 90 {
		t.Errorf("a settling page moves the folder from %d to %d", page.From, page.Through)
	}
}

func TestSubtract(t *testing.T) {
	run := func(lo, hi crm.UID) crm.Run { return crm.Run{Lo: lo, Hi: hi} }
	top := ^crm.UID(0)
	cases := []struct{ a, b, want []crm.Run }{
		{nil, []crm.Run{run(1, 5)}, nil},
		{[]crm.Run{run(1, 5)}, nil, []crm.Run{run(1, 5)}},
		{[]crm.Run{run(1, 5)}, []crm.Run{run(1, 5)}, nil},
		{[]crm.Run{run(1, 9)}, []crm.Run{run(3, 4), run(8, 20)}, []crm.Run{run(1, 2), run(5, 7)}},
		{[]crm.Run{run(1, 3), run(5, 7)}, []crm.Run{run(2, 6)}, []crm.Run{run(1, 1), run(7, 7)}},
		{[]crm.Run{run(9, top)}, []crm.Run{run(top, top)}, []crm.Run{run(9, top-1)}},
		{[]crm.Run{run(9, top)}, []crm.Run{run(1, top)}, nil},
	}
	for _, c := range cases {
		if got := subtract(c.a, c.b); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v without %v is %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func TestRetryGrowsToADay(t *testing.T) {
	last := time.Duration(0)
	for tries := 1; tries < 6; tries++ {
		if d := retryAfter(tries); d <= last {
			t.Errorf("try %d waits %v, no longer than the one before", tries, d)
		} else {
			last = d
		}
	}
	if d := retryAfter(100); d != 24*time.Hour {
		t.Errorf("try 100 waits %v", d)
	}
}
