package watch

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"mailsyncd.example/crm"
)

func TestRosterIsASet(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	r, want := roster{}, map[place]bool{}
	for range 5000 {
		p := place{crm.AccountID(fmt.Sprint("acc_", chance.IntN(5))), crm.MailboxID(fmt.Sprint("mbx_", chance.IntN(40)))}
		if chance.IntN(2) == 0 {
			r.add(p)
			want[p] = true
		} else {
			r.remove(p)
			delete(want, p)
		}
		if r.has(p) != want[p] || r.len() != len(want) {
			t.Fatalf("%v: %v, %d mailboxes, want %d", p, r.has(p), r.len(), len(want))
		}
	}
	for p := range want {
		r.remove(p)
	}
	if len(r) != 0 {
		t.Errorf("an empty roster keeps %v", r)
	}
}
