package watch_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/watch"
)

// troubled counts how often the database is asked for what is in trouble. Its
// clock goes ahead when the test says so.
type troubled struct {
	watch.Store
	mu    sync.Mutex
	asked int
	ahead time.Duration
}

// DueProblems implements watch.Store.
func (c *troubled) DueProblems(ctx context.Context, a crm.AccountID, m crm.MailboxID, now time.Time) ([]crm.Problem, error) {
	c.mu.Lock()
	c.asked++
	c.mu.Unlock()
	return c.Store.DueProblems(ctx, a, m, now)
}

func (c *troubled) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func TestTroubleIsTriedAgainWhenItIsDue(t *testing.T) {
	c := &troubled{}
	o := newOffice(t, dovecottest.Start(t), func(w *watch.Options) {
		c.Store = w.Store
		w.Store, w.Now, w.Interval = c, c.now, 24*time.Hour // only who asks makes it look
	})
	l := o.linkOwn("aoi")
	o.dovecot.Deliver(t, "aoi@acme.example", mail{}.raw())
	o.look(l)
	o.stop()
	folders, err := o.store.Folders(t.Context(), o.account.ID, l.Mailbox)
	must(t, err)
	f := folders[0]
	_, err = o.store.Record(t.Context(), crm.Page{
		Account: o.account.ID, Mailbox: l.Mailbox, Folder: f.ID, UIDValidity: f.UIDValidity, From: f.Position, Through: f.Position,
		Problems: []crm.Problem{{UID: 1, Detail: "not delivered", Tries: 1, RetryAt: time.Now().Add(time.Hour)}},
	}, time.Now())
	must(t, err)
	c.asked = 0
	o.start()
	for range 5 {
		o.look(l)
	}
	trouble := func() int {
		h, err := o.store.Health(t.Context(), o.account.ID, l.Mailbox)
		must(t, err)
		return len(h.Problems)
	}
	c.mu.Lock()
	asked := c.asked
	c.ahead = 2 * time.Hour
	c.mu.Unlock()
	if asked != 1 || trouble() != 1 {
		t.Errorf("asked %d times, want once; %d in trouble, want 1", asked, trouble())
	}
	o.look(l)
	if trouble() != 0 {
		t.Error("what was in trouble was not tried again")
	}
}
