package archive

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"mailsyncd.example/crm"
)

func run(lo, hi crm.UID, o crm.Outcome) crm.Run { return crm.Run{Lo: lo, Hi: hi, Outcome: o} }

func TestMerged(t *testing.T) {
	const a, b = crm.NoContact, crm.Vanished
	for _, c := range []struct{ list, want []crm.Run }{
		{nil, nil},
		{[]crm.Run{run(1, 2, a)}, []crm.Run{run(1, 2, a)}},
		{[]crm.Run{run(1, 2, a), run(3, 3, a), run(4, 9, a)}, []crm.Run{run(1, 9, a)}},
		{[]crm.Run{run(1, 2, a), run(4, 5, a)}, []crm.Run{run(1, 2, a), run(4, 5, a)}},
		{[]crm.Run{run(1, 2, a), run(3, 5, b)}, []crm.Run{run(1, 2, a), run(3, 5, b)}},
		{[]crm.Run{run(1, ^crm.UID(0), a)}, []crm.Run{run(1, ^crm.UID(0), a)}},
	} {
		if got := merged(c.list); !reflect.DeepEqual([]crm.Run(got), c.want) {
			t.Errorf("%v: %v, want %v", c.list, got, c.want)
		}
	}
}

// Laying runs over others is what writing into an array would be.
func TestOver(t *testing.T) {
	const size = 40
	outcomes := []crm.Outcome{crm.NoContact, crm.Vanished, crm.Imported}
	rnd := rand.New(rand.NewPCG(3, 5))
	for range 300 {
		var want [size]crm.Outcome
		var list runs
		for range 12 {
			lo := 1 + rnd.IntN(size-1)
			hi := min(size-1, lo+rnd.IntN(10))
			r := run(crm.UID(lo), crm.UID(hi), outcomes[rnd.IntN(len(outcomes))])
			for uid := lo; uid <= hi; uid++ {
				want[uid] = r.Outcome
			}
			list = over(list, r)
		}
		var got [size]crm.Outcome
		for i, r := range list {
			if i > 0 && r.Lo <= list[i-1].Hi {
				t.Fatalf("%v overlap", list)
			}
			for uid := r.Lo; uid <= r.Hi; uid++ {
				got[uid] = r.Outcome
			}
		}
		if got != want {
			t.Fatalf("runs %v say %v, want %v", list, got, want)
		}
		if again := merged(list); len(again) != len(list) {
			t.Fatalf("%v are more than need be", list)
		}
	}
}

func TestOverTheLastUID(t *testing.T) {
	const top = ^crm.UID(0)
	got := over(runs{run(5, top, crm.Vanished)}, run(top, top, crm.Imported))
	if want := (runs{run(5, top-1, crm.Vanished), run(top, top, crm.Imported)}); !reflect.DeepEqual(got, want) {
		t.Errorf("runs %v, want %v", got, want)
	}
}
