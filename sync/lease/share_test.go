package lease

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestShares(t *testing.T) {
	var members []string
	for n := 1; n <= 12; n++ {
		before := map[string][]shard{}
		for _, m := range members {
			before[m] = share(m, members)
		}
		joined := fmt.Sprint("process ", n)
		members = append(members, joined)
		all := 0
		for _, m := range members {
			ours := share(m, members)
			all += len(ours)
			even := Shards / float64(n)
			if off := math.Abs(float64(len(ours)) - even); off > 4*math.Sqrt(even) { // what chance may do
				t.Errorf("of %d members one has %d shards, even were %.0f", n, len(ours), even)
			}
			for _, s := range ours {
				if m != joined && !slices.Contains(before[m], s) {
					t.Errorf("shard %d moved between two members when another joined", s)
				}
			}
		}
		if all != Shards {
			t.Errorf("%d members have %d shards", n, all)
		}
	}
}

func TestShardsOfMailboxesAreEven(t *testing.T) {
	var count [Shards]int
	for i := range 100 * Shards {
		count[shardOf("acc_1", mailboxNamed(i))]++
	}
	if least, most := slices.Min(count[:]), slices.Max(count[:]); least < 50 || most > 150 {
		t.Errorf("between %d and %d mailboxes in a shard, even were 100", least, most)
	}
	if shardOf("acc_1", "mbx_1") != 411 {
		t.Errorf("the shard of a mailbox has changed to %d: two versions would work it at once", shardOf("acc_1", "mbx_1"))
	}
}
