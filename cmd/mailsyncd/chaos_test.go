package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"mailsyncd.example/crm/redistest"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/lease"
)

const (
	chaosProcesses = 3
	chaosBranches  = 5
	chaosMailboxes = 60 // of each
	chaosBurst     = 12 // mails of each at a fault
)

// What is promised of the time after a fault. A process is followed soon after
// its leases are over, and at once where it gives them back: on a machine that
// has much else to do, too.
const (
	afterKill  = time.Minute
	afterStop  = lease.DefaultTTL * 2 / 3 // before the leases would be over
	afterRedis = 30 * time.Second
)

// Three processes share 300 mailboxes. Mail arrives throughout, and whatever
// can happen to processes, servers and connections happens, in an order that a
// number decides: SEED repeats it. What is in the CRM in the end is exactly
// what belongs there. Every fault comes once; for longer with CHAOS=5m.
func TestChaos(t *testing.T) {
	c := newChaos(t)
	faults := []fault{
		{"a process is killed", c.kill},
		{"a process is paused for longer than its leases", c.pause},
		{"a process stops", c.stop},
		{"Redis is restarted and has forgotten everything", func() { c.restartRedis(false) }},
		{"Redis is away for longer than the leases", func() { c.restartRedis(true) }},
		{"PostgreSQL is restarted", c.restartPostgres},
		{"Dovecot is restarted", c.restartDovecot},
		{"connections to a mail host are cut", c.cut},
		{"a mail host falls silent", c.stall},
	}
	for round := 1; round == 1 || time.Now().Before(c.until); round++ {
		for _, n := range c.random.Perm(len(faults)) {
			f := faults[n]
			began := time.Now()
			t.Logf("%v: %s", began.Sub(c.began).Round(time.Second), f.name)
			f.strike()
			c.deliver(chaosBurst)
			if c.random.IntN(2) == 0 { // otherwise the next one comes before they have recovered
				c.recovered()
			}
			t.Logf("   over after %v", time.Since(began).Round(10*time.Millisecond))
		}
	}
	c.expectAll()
}

// fault is one thing that can happen.
type fault struct {
	name   string
	strike func()
}

// chaos is everything that takes part.
type chaos struct {
	t        *testing.T
	random   *rand.Rand
	began    time.Time
	until    time.Time // new rounds begin before that
	dir      string
	args     []string
	dovecot  *dovecottest.Server
	redis    redistest.Server
	workers  []*worker
	branches []*branch
}

// worker is a process.
type worker struct {
	*running
	process *os.Process
}

func newChaos(t *testing.T) *chaos {
	c := &chaos{t: t, began: time.Now(), until: time.Now(), dir: t.TempDir()}
	seed := uint64(c.began.UnixNano())
	var err error
	if s := os.Getenv("SEED"); s != "" {
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	if s := os.Getenv("CHAOS"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			t.Fatal(err)
		}
		c.until = c.began.Add(d)
	}
	t.Logf("SEED=%d", seed)
	c.random = rand.New(rand.NewPCG(seed, 0))
	t.Cleanup(func() { _ = c.redis.Close() })
	c.dovecot = dovecottest.Start(t)
	c.args = []string{"--database-url", postgresql.Database(t), "--redis-url", c.redis.URL(t), "--poll-interval", "5s"}
	for range chaosProcesses {
		c.workers = append(c.workers, c.begin())
	}
	for n := range chaosBranches {
		c.branches = append(c.branches, openBranch(t, c.workers[n%chaosProcesses].running, c.dovecot, c.random, n, chaosMailboxes))
	}
	t.Logf("%v: all mailboxes are linked", time.Since(c.began).Round(time.Second))
	return c
}

func (c *chaos) begin() *worker {
	c.t.Helper()
	d, process := spawn(c.t, c.dir, c.args...)
	return &worker{d, process}
}

// draw picks a process and returns it and the others.
func (c *chaos) draw() (one *worker, others []*worker) {
	n := c.random.IntN(len(c.workers))
	for i, w := range c.workers {
		if i != n {
			others = append(others, w)
		}
	}
	return c.workers[n], others
}

// replace puts a new process in the place of one that has ended.
func (c *chaos) replace(w *worker) {
	c.t.Helper()
	w.log.waitEnd()
	*w = *c.begin()
}

// deliver delivers so many mails to each branch.
func (c *chaos) deliver(mails int) {
	c.t.Helper()
	for range mails {
		for _, b := range c.branches {
			b.mail.deliver(c.t, c.dovecot)
		}
	}
}

// within returns once something is so, and fails where that takes too long.
func (c *chaos) within(limit time.Duration, what string, is func() bool) {
	c.t.Helper()
	began := time.Now()
	eventually(c.t, what, is)
	took := time.Since(began)
	c.t.Logf("   %s after %v", what, took.Round(10*time.Millisecond))
	if took > limit {
		c.t.Errorf("%s after %v; it may take %v", what, took, limit)
	}
}

// owned tells whether these processes have all shards between them.
func owned(by []*worker) func() bool {
	return func() bool { return tally(by, "mailsync_lease_shards") == lease.Shards }
}

// tally adds up what processes say of themselves; -1 where one says nothing.
func tally(of []*worker, metric string) int {
	total := 0
	for _, w := range of {
		n, ok := w.metric(metric)
		if !ok {
			return -1
		}
		total += n
	}
	return total
}

func allReady(of []*worker, want bool) func() bool {
	return func() bool {
		for _, w := range of {
			if w.ready() != want {
				return false
			}
		}
		return true
	}
}

// recovered returns once all mail that has come so far is in the CRM.
func (c *chaos) recovered() {
	c.t.Helper()
	for n, b := range c.branches {
		d := c.workers[c.random.IntN(len(c.workers))].running
		eventually(c.t, fmt.Sprint("the mail of branch ", n), func() bool {
			imported, ok := b.listen(d)
			return ok && imported >= len(b.mail.expected)
		})
	}
}

// kill kills a process at some moment while mail comes in.
func (c *chaos) kill() {
	c.t.Helper()
	victim, others := c.draw()
	dies := c.random.IntN(chaosBurst)
	left := time.Duration(c.random.Int64N(int64(50 * time.Millisecond)))
	killed := make(chan error, 1)
	for i := range chaosBurst {
		if i == dies {
			time.AfterFunc(left, func() { killed <- victim.process.Kill() })
		}
		c.deliver(1)
	}
	if err := <-killed; err != nil {
		c.t.Fatal(err)
	}
	c.within(afterKill, "the others work its mailboxes", owned(others))
	c.replace(victim)
}

// pause stops a process, as a machine that swaps does, until the others work
// its mailboxes, and lets it go on.
func (c *chaos) pause() {
	c.t.Helper()
	victim, others := c.draw()
	c.signal(victim, syscall.SIGSTOP)
	c.deliver(chaosBurst)
	c.within(afterKill, "the others work its mailboxes", owned(others))
	c.deliver(chaosBurst)
	c.signal(victim, syscall.SIGCONT)
}

// stop stops a process in good order.
func (c *chaos) stop() {
	c.t.Helper()
	victim, others := c.draw()
	c.within(afterKill, "all mailboxes are worked", owned(c.workers)) // otherwise there is more to wait for than what it gives back
	c.signal(victim, syscall.SIGTERM)
	c.within(afterStop, "the others work its mailboxes", owned(others))
	c.deliver(chaosBurst)
	c.replace(victim)
}

func (c *chaos) signal(w *worker, sig syscall.Signal) {
	c.t.Helper()
	if err := w.process.Signal(sig); err != nil {
		c.t.Fatal(err)
	}
}

// restartRedis takes Redis away, and brings it back with nothing in it. long
// is for longer than the leases stand.
func (c *chaos) restartRedis(long bool) {
	c.t.Helper()
	c.redis.Kill()
	c.deliver(chaosBurst / 2)
	c.within(afterRedis, "no process is ready", allReady(c.workers, false))
	if long {
		c.within(afterKill, "nobody works a mailbox", func() bool { return tally(c.workers, "mailsync_lease_shards") == 0 })
	}
	c.deliver(chaosBurst / 2)
	if err := c.redis.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.within(afterRedis, "all mailboxes are worked, all processes ready", func() bool {
		return owned(c.workers)() && allReady(c.workers, true)()
	})
}

func (c *chaos) restartPostgres() {
	c.t.Helper()
	if c.random.IntN(2) == 0 {
		postgresql.Kill()
	} else {
		postgresql.Stop()
	}
	c.deliver(chaosBurst)
	c.within(afterRedis, "no process is ready", allReady(c.workers, false))
	if err := postgresql.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.within(afterRedis, "all processes are ready", allReady(c.workers, true))
}

func (c *chaos) restartDovecot() {
	c.t.Helper()
	if c.random.IntN(2) == 0 {
		c.dovecot.Kill()
	} else {
		c.dovecot.Stop()
	}
	if err := c.dovecot.Start(); err != nil {
		c.t.Fatal(err)
	}
}

// cut cuts the connections to a mail host, now or in the middle of what it
// says, while mail comes in.
func (c *chaos) cut() {
	c.t.Helper()
	host := c.branches[c.random.IntN(len(c.branches))].proxy
	for range 3 {
		host.CutAfter(1 + c.random.Int64N(20_000))
		c.deliver(chaosBurst / 3)
		host.Cut()
	}
}

// stall lets a mail host fall silent while mail comes in. Then it speaks again,
// or the connections are gone.
func (c *chaos) stall() {
	c.t.Helper()
	host := c.branches[c.random.IntN(len(c.branches))].proxy
	host.Stall()
	c.deliver(chaosBurst)
	if c.random.IntN(2) == 0 {
		host.Cut()
	}
	host.Resume()
}

// expectAll makes sure that everything is as it ought to be.
func (c *chaos) expectAll() {
	c.t.Helper()
	c.recovered()
	c.within(afterKill, "all mailboxes are worked", owned(c.workers))
	c.within(2*time.Minute, "each mailbox is worked by one process", func() bool {
		const all = chaosBranches * chaosMailboxes
		return tally(c.workers, "mailsync_imap_connections") == all && len(sessions(c.t, c.dovecot)) == all
	})
	for n, b := range c.branches {
		b.expectAll(c.workers[n%chaosProcesses].running)
		b.expectStream(&c.redis)
	}
	mails, posts := 0, 0
	for _, b := range c.branches {
		mails, posts = mails+b.mail.count, posts+b.posts.posts
	}
	c.t.Logf("%v: %d mails came, %d posts went out, %d writes of those who were late were refused",
		time.Since(c.began).Round(time.Second), mails, posts, tally(c.workers, "mailsync_fenced_writes_total"))
	for _, w := range c.workers {
		w.stop()
	}
}
