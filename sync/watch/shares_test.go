package watch_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/postgres"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/watch"
)

// board says whose each mailbox is, as leases do. The test moves them.
type board struct {
	mu     sync.Mutex
	owner  map[crm.MailboxID]*desk
	fence  map[crm.MailboxID]crm.Fence
	inside map[*desk]int // keepers
	turned chan struct{} // closed and made anew with every change
	desks  []*desk
}

func newBoard() *board {
	return &board{
		owner: map[crm.MailboxID]*desk{}, fence: map[crm.MailboxID]crm.Fence{},
		inside: map[*desk]int{}, turned: make(chan struct{}),
	}
}

// desk is a process's view of the board: its watch.Shares.
type desk struct {
	b       *board
	changed chan struct{}
	frozen  crm.Fence // what it goes on to say of every mailbox, where not 0
}

func (b *board) desk() *desk {
	d := &desk{b: b, changed: make(chan struct{}, 1)}
	b.desks = append(b.desks, d)
	return d
}

// turn changes the board, and tells everybody.
func (b *board) turn(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
	close(b.turned)
	b.turned = make(chan struct{})
	for _, d := range b.desks {
		select {
		case d.changed <- struct{}{}:
		default:
		}
	}
}

// Fence implements watch.Shares.
func (d *desk) Fence(_ crm.AccountID, m crm.MailboxID) (crm.Fence, bool) {
	d.b.mu.Lock()
	defer d.b.mu.Unlock()
	if d.frozen != 0 {
		return d.frozen, true
	}
	return d.b.fence[m], d.b.owner[m] == d
}

// Changed implements watch.Shares.
func (d *desk) Changed() <-chan struct{} { return d.changed }

// Enter implements watch.Shares.
func (d *desk) Enter(a crm.AccountID, m crm.MailboxID) bool {
	_, ours := d.Fence(a, m)
	if ours {
		d.b.turn(func() { d.b.inside[d]++ })
	}
	return ours
}

// Leave implements watch.Shares.
func (d *desk) Leave(crm.AccountID, crm.MailboxID) { d.b.turn(func() { d.b.inside[d]-- }) }

// give lets a process work the mailbox from now on, nobody where it is nil.
func (b *board) give(m crm.MailboxID, to *desk) {
	b.turn(func() {
		b.owner[m] = to
		b.fence[m]++
	})
}

// empty waits until nobody of a process stands anywhere.
func (b *board) empty(t *testing.T, d *desk) {
	t.Helper()
	timeout := time.After(patience)
	for {
		b.mu.Lock()
		inside, turned := b.inside[d], b.turned
		b.mu.Unlock()
		if inside == 0 {
			return
		}
		select {
		case <-turned:
		case <-timeout:
			t.Fatalf("%d keepers do not leave", inside)
		}
	}
}

// move hands a mailbox over as a lease does: once its owner has left.
func (b *board) move(t *testing.T, m crm.MailboxID, to *desk) {
	t.Helper()
	b.mu.Lock()
	from := b.owner[m]
	b.mu.Unlock()
	b.give(m, nil)
	b.empty(t, from)
	b.give(m, to)
}

// other is the watcher of another process, once it is there.
type other struct{ is func() *watch.Watcher }

// Look implements watch.Elsewhere.
func (o other) Look(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return o.is().Here().Look(ctx, a, m)
}

// Balance implements watch.Elsewhere.
func (o other) Balance(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return o.is().Here().Balance(ctx, a, m)
}

// pair is an office that two processes work for.
type pair struct {
	*office
	board      *board
	a, b       *desk
	stopSecond func()
}

func newPair(t *testing.T, on engine, d *dovecottest.Server) *pair {
	t.Helper()
	b := newBoard()
	first, second := b.desk(), b.desk()
	p := pairOf(t, on, d, first)
	p.board, p.a, p.b = b, first, second
	p.join(second)
	return p
}

// pairOf is a pair of which the second is still to join.
func pairOf(t *testing.T, on engine, d *dovecottest.Server, first watch.Shares) *pair {
	t.Helper()
	p := &pair{}
	p.office = newOfficeOn(t, on, d, func(o *watch.Options) {
		o.Shares, o.Elsewhere, o.Metrics = first, other{func() *watch.Watcher { return p.second }}, watch.NewMetrics()
	})
	return p
}

// join sets the second process to work.
func (p *pair) join(s watch.Shares) {
	p.t.Helper()
	o := p.process(p.open())
	o.Shares, o.Elsewhere, o.Metrics = s, other{func() *watch.Watcher { return p.watcher }}, watch.NewMetrics()
	p.second = watch.New(o)
	p.stopSecond = p.run(p.second)
}

// linkTo links a new user's mailbox through a proxy, and gives it to a process.
func (p *pair) linkTo(name string, d *desk) (crm.Link, *dovecottest.Proxy) {
	p.t.Helper()
	p.user(name)
	login := p.dovecot.Login(name+"@acme.example", crm.SecurityNone)
	proxy := p.dovecot.Proxy(p.t, p.dovecot.IMAPPort)
	login.Server.Port = proxy.Port()
	l := p.link(crm.UserID(name), login)
	p.board.give(l.Mailbox, d)
	return l, proxy
}

// fenced counts the refused writes of the first process.
func (p *pair) fenced() float64 {
	p.t.Helper()
	r := prometheus.NewRegistry()
	must(p.t, r.Register(p.options.Metrics.Fenced))
	all, err := r.Gather()
	must(p.t, err)
	return all[0].GetMetric()[0].GetCounter().GetValue()
}

// onPostgreSQL is a database that each process opens for itself.
func onPostgreSQL(t *testing.T, o store.Options) func() *store.Store {
	t.Helper()
	url := postgresql.Database(t)
	return func() *store.Store {
		s, err := postgres.OpenShared(t.Context(), url, o)
		must(t, err)
		t.Cleanup(func() { must(t, s.Close()) })
		return s
	}
}

func onBoth(t *testing.T, test func(*testing.T, engine)) {
	t.Run("SQLite", func(t *testing.T) { test(t, onSQLite) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, onPostgreSQL) })
}

func TestAMailboxMovesWhileMailArrives(t *testing.T) { onBoth(t, testMoves) }

func testMoves(t *testing.T, on engine) {
	p := newPair(t, on, dovecottest.Start(t))
	l, proxy := p.linkTo("aoi", p.a)
	const mails = 30
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		for i := range mails {
			p.dovecot.Deliver(t, "aoi@acme.example", mail{subject: fmt.Sprint(i)}.raw())
		}
	}()
	for range 3 {
		p.board.move(t, l.Mailbox, p.b)
		p.look(l) // by way of the first process, to which it does not belong
		p.board.move(t, l.Mailbox, p.a)
		p.look(l)
	}
	<-delivered
	p.board.move(t, l.Mailbox, p.b)
	p.look(l)
	if n, events := len(p.messages()), len(p.events(crm.MessageImported)); n != mails || events != mails {
		t.Errorf("%d messages and %d events for %d mails", n, events, mails)
	}
	h := p.balanced(l)
	if n := proxy.Open(); n != 1 {
		t.Errorf("%d connections to the mailbox, want one", n)
	}
	if h.LastError != "" || h.Status != crm.LinkLive || len(p.events(crm.LinkFailing)) != 0 {
		t.Errorf("its users read %s, %q", h.Status, h.LastError)
	}
	highest, err := p.store.HighestFence(t.Context())
	must(t, err)
	if fence := p.board.fence[l.Mailbox]; highest != fence {
		t.Errorf("the mailbox has seen fence %d, it is worked under %d", highest, fence)
	}
}

func TestALateOwnerWritesNothing(t *testing.T) { onBoth(t, testLateOwner) }

func testLateOwner(t *testing.T, on engine) {
	p := newPair(t, on, dovecottest.Start(t))
	l, _ := p.linkTo("aoi", p.a)
	p.look(l)
	// The first process is paused and does not hear that it has lost the
	// mailbox; the second works it, and is gone by the time at which the first
	// wakes up.
	p.board.turn(func() { p.a.frozen = p.board.fence[l.Mailbox] })
	p.board.give(l.Mailbox, p.b)
	must(t, p.second.Here().Look(t.Context(), l.Account, l.Mailbox))
	p.stopSecond()
	before, err := p.store.Health(t.Context(), l.Account, l.Mailbox)
	must(t, err)
	p.dovecot.Deliver(t, "aoi@acme.example", mail{subject: "for the second"}.raw())
	if err := p.watcher.Here().Look(t.Context(), l.Account, l.Mailbox); crm.CodeOf(err) != "mailbox_moving" {
		t.Errorf("a late owner's look: %v", err)
	}
	if p.fenced() == 0 {
		t.Error("no write of the late owner was refused")
	}
	after, err := p.store.Health(t.Context(), l.Account, l.Mailbox)
	must(t, err)
	if len(p.messages()) != 0 || after.Receipt != before.Receipt || !after.LastSyncedAt.Equal(before.LastSyncedAt) || after.LastError != "" {
		t.Errorf("a late owner has written: %s, %+v, was %+v", p.subjects(), after, before)
	}
	// It hears of it, and goes; the mail is the second's.
	p.board.turn(func() { p.a.frozen = 0 })
	p.board.empty(t, p.a)
	p.stopSecond = p.run(p.second)
	p.look(l)
	if got := p.subjects(); got != "for the second" {
		t.Errorf("messages: %s", got)
	}
	p.balanced(l)
}

func TestAMailboxIsLeftWithAGoodbye(t *testing.T) {
	p := newPair(t, onSQLite, dovecottest.Start(t))
	l, proxy := p.linkTo("aoi", p.a)
	p.look(l)
	proxy.Record()
	p.board.move(t, l.Mailbox, nil)
	if said, _ := proxy.Transcript(); !strings.Contains(said, "LOGOUT") {
		t.Errorf("the keeper leaves without a word: %q", said)
	}
	// Whoever asks for it waits until it is somebody's again.
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error)
	go func() { asked <- p.watcher.Look(ctx, l.Account, l.Mailbox) }()
	cancel()
	if err := <-asked; crm.CodeOf(err) != "mailbox_moving" && !strings.Contains(fmt.Sprint(err), "canceled") {
		t.Errorf("nobody's mailbox was looked at: %v", err)
	}
	go func() { asked <- p.watcher.Look(t.Context(), l.Account, l.Mailbox) }()
	p.board.give(l.Mailbox, p.b)
	must(t, <-asked)
	if err := p.watcher.Look(t.Context(), l.Account, "mbx_none"); crm.KindOf(err) != crm.NotFound {
		t.Errorf("a mailbox that is not there: %v", err)
	}
}

func TestAMailboxIsLeftInTheMiddleOfAMessage(t *testing.T) {
	p := newPair(t, onSQLite, dovecottest.Start(t))
	l, proxy := p.linkTo("aoi", p.a)
	p.look(l)
	before := proxy.Received()
	p.dovecot.Deliver(t, "aoi@acme.example", mail{subject: "long", body: strings.Repeat("A long letter.\r\n", 1<<18)}.raw())
	proxy.Slow(1 << 16) // a minute
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for proxy.Received() < before+1<<15 {
		if ctx.Err() != nil {
			t.Fatal("the message is not read")
		}
		runtime.Gosched()
	}
	p.board.give(l.Mailbox, nil)
	p.board.empty(t, p.a)
	if n := len(p.messages()); n != 0 {
		t.Errorf("%d messages from half a one", n)
	}
	proxy.Slow(0)
	p.board.give(l.Mailbox, p.b)
	p.look(l)
	if got := p.subjects(); got != "long" {
		t.Errorf("messages: %s", got)
	}
	p.balanced(l)
}

func TestLostSignalsAreMadeUpFor(t *testing.T) {
	d := dovecottest.Start(t)
	o := newOffice(t, d, nil)
	known := o.linkOwn("aoi")
	o.look(known)
	must(t, d.SetPassword("aoi@acme.example", "changed"))
	must(t, d.Kick("aoi@acme.example"))
	o.until("the user is told", func() bool { return len(o.events(crm.LinkFailing)) == 1 })
	o.deaf = true
	_, err := o.store.ReplaceSecret(t.Context(), o.account.ID, known.ID, "changed", time.Now())
	must(t, err)
	fresh := o.linkOwn("ben")
	o.watcher.AnythingChanged()
	o.until("the link has recovered", func() bool { return len(o.events(crm.LinkRecovered)) == 1 })
	o.look(fresh)
	must(t, o.store.EndLink(t.Context(), o.account.ID, fresh.ID, crm.EndedUnlinked, time.Now()))
	o.watcher.AnythingChanged()
	o.look(known)
}
