package txn

import (
	"context"
	"sync"

	"mailsyncd.example/crm"
)

// turns lets the changes of one account in this process come one after the
// other before they take a connection. The account's lock in the database
// would see to that too, but whoever waits for it keeps a connection: one
// account with many mailboxes would keep all others waiting.
type turns struct {
	mu  sync.Mutex
	all map[crm.AccountID]*turn
}

type turn struct {
	taken chan struct{} // of capacity 1: full while somebody has the turn
	users int           // who has it or waits for it
}

// take waits for the account's turn; the caller gives it back.
func (ts *turns) take(ctx context.Context, a crm.AccountID) (giveBack func(), err error) {
	ts.mu.Lock()
	t := ts.all[a]
	if t == nil {
		t = &turn{taken: make(chan struct{}, 1)}
		ts.all[a] = t
	}
	t.users++
	ts.mu.Unlock()
	select {
	case t.taken <- struct{}{}:
		return func() { <-t.taken; ts.leave(a, t) }, nil
	case <-ctx.Done():
		ts.leave(a, t)
		return nil, ctx.Err()
	}
}

func (ts *turns) leave(a crm.AccountID, t *turn) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(ts.all, a)
	}
}
