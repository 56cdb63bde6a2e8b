package lease

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap/zaptest"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/redistest"
	"mailsyncd.example/crm/servertest"
	"mailsyncd.example/sync/dovecottest"
)

var server redistest.Server

func TestMain(m *testing.M) { servertest.Main(m, &server) }

const (
	// short is for tests in which leases are to run out.
	short = 2 * time.Second
	// long is for tests that would not end in time if anything waited for it.
	long = 5 * time.Minute
	// enough is when a test has failed.
	enough = time.Minute
)

// cluster is some processes, and what they do to one another.
type cluster struct {
	t   *testing.T
	ttl time.Duration

	mu      sync.Mutex
	moved   chan struct{} // closed, and made anew, whenever something happens
	members []*process
	at      [Shards]*process  // who stands at the shard's mailbox
	highest [Shards]crm.Fence // that it was worked under
	stored  crm.Fence         // the highest that the database was told of
}

// process is a member and somebody who stands at the mailboxes, one for each
// shard, as the watcher does.
type process struct {
	*Member
	c       *cluster
	proxy   *dovecottest.Proxy
	stop    context.CancelFunc
	stopped chan struct{}
	err     error             // of Run
	fences  [Shards]crm.Fence // under which it stands at the mailboxes, 0: nowhere
	slow    chan struct{}     // where set: nobody leaves before it is closed
}

const account = crm.AccountID("acc_1")

// mailboxes are one for each shard.
var mailboxes = sync.OnceValue(func() (ids [Shards]crm.MailboxID) {
	for found, i := 0, 0; found < Shards; i++ {
		id := mailboxNamed(i)
		if s := shardOf(account, id); ids[s] == "" {
			ids[s] = id
			found++
		}
	}
	return ids
})

func newCluster(t *testing.T, ttl time.Duration) *cluster {
	server.URL(t)
	c := &cluster{t: t, ttl: ttl, moved: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	var check sync.WaitGroup
	check.Go(func() { c.check(ctx) })
	t.Cleanup(func() {
		cancel()
		check.Wait()
	})
	return c
}

// start runs a process. Its way to Redis can be stalled and cut.
func (c *cluster) start() *process {
	c.t.Helper()
	proxy := dovecottest.NewProxy(c.t, server.Address())
	client := redis.NewClient(&redis.Options{Addr: proxy.Addr(), ContextTimeoutEnabled: true})
	m := New(Options{Redis: client, Highest: c.stores, TTL: c.ttl, Log: zaptest.NewLogger(c.t)})
	ctx, stop := context.WithCancel(context.Background())
	p := &process{Member: m, c: c, proxy: proxy, stop: stop, stopped: make(chan struct{})}
	c.mu.Lock()
	c.members = append(c.members, p)
	c.mu.Unlock()
	c.t.Cleanup(func() {
		stop()
		<-p.stopped
		client.Close()
	})
	worked := make(chan struct{})
	over, done := context.WithCancel(context.Background())
	go func() {
		defer close(worked)
		p.work(over)
	}()
	go func() {
		defer close(p.stopped)
		p.err = m.Run(ctx)
		done()
		<-worked
	}()
	return p
}

func (c *cluster) stores(context.Context) (crm.Fence, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stored, nil
}

// work stands at the mailboxes that are the process's.
func (p *process) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			p.reconcile()
			return
		case <-p.Changed():
			p.reconcile()
		}
	}
}

func (p *process) reconcile() {
	for s, id := range mailboxes() {
		now, _ := p.Fence(account, id)
		if p.fences[s] != 0 && p.fences[s] != now {
			p.leave(shard(s), id)
		}
		if p.fences[s] == 0 && now != 0 && p.Enter(account, id) {
			p.fences[s] = now
			p.c.enter(shard(s), p, now)
		}
	}
	p.c.tell()
}

func (p *process) leave(s shard, id crm.MailboxID) {
	if p.slow != nil {
		<-p.slow
	}
	p.c.mu.Lock()
	if p.c.at[s] == p {
		p.c.at[s] = nil
	}
	p.c.mu.Unlock()
	p.fences[s] = 0
	p.Leave(account, id)
}

// enter finds whoever was let in while somebody stood there with good reason,
// and tokens that go back.
func (c *cluster) enter(s shard, p *process, f crm.Fence) {
	c.mu.Lock()
	defer c.mu.Unlock()
	holds := p.book.holds(s) // or it has lost the shard again, and will hear of it
	if other := c.at[s]; holds && other != nil && other != p && other.book.holds(s) {
		c.t.Errorf("shard %d: somebody still stands there", s)
	}
	if holds && f < c.highest[s] {
		c.t.Errorf("shard %d: token %d after %d", s, f, c.highest[s])
	}
	c.at[s], c.highest[s] = p, f
}

// writes tells the database of all tokens.
func (c *cluster) writes() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.highest {
		c.stored = max(c.stored, f)
	}
}

func (c *cluster) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.moved)
	c.moved = make(chan struct{})
}

// until waits for something to become true.
func (c *cluster) until(what string, true func() bool) {
	c.t.Helper()
	began := time.Now()
	deadline := time.After(enough)
	look := time.NewTicker(20 * time.Millisecond) // what happens in Redis gives no signal
	defer look.Stop()
	for {
		c.mu.Lock()
		moved := c.moved
		c.mu.Unlock()
		if true() {
			c.t.Logf("%s: after %v", what, time.Since(began).Round(time.Millisecond))
			return
		}
		select {
		case <-moved:
		case <-look.C:
		case <-deadline:
			c.t.Fatalf("%s: not within %v", what, enough)
		}
	}
}

// await waits until something happens, for so long at most.
func (c *cluster) await(most time.Duration) {
	c.mu.Lock()
	moved := c.moved
	c.mu.Unlock()
	select {
	case <-moved:
	case <-time.After(most):
	}
}

// check makes sure, again and again, that no two members believe in one shard.
// All books are closed while it looks.
func (c *cluster) check(ctx context.Context) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.mu.Lock()
		books := make([]*book, len(c.members))
		for i, p := range c.members {
			books[i] = p.book
		}
		c.mu.Unlock()
		if s, twice := doubled(books); twice {
			c.t.Errorf("shard %d is held twice", s)
			return
		}
	}
}

// holds tells whether the member believes that a shard is its own, were it to
// be given away soon.
func (b *book) holds(s shard) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.slots[s].fence != 0 && b.believes()
}

func doubled(books []*book) (shard, bool) {
	var held [Shards]bool
	for _, b := range books {
		b.mu.Lock()
		defer b.mu.Unlock()
	}
	for _, b := range books {
		for s := range b.slots {
			if b.slots[s].fence == 0 || !b.believes() {
				continue
			}
			if held[s] {
				return shard(s), true
			}
			held[s] = true
		}
	}
	return 0, false
}

// works tells at how many mailboxes a process stands.
func (p *process) works() int {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	n := 0
	for _, at := range p.c.at {
		if at == p {
			n++
		}
	}
	return n
}

// settled tells whether the processes, and nobody else, have all mailboxes,
// each its share.
func (c *cluster) settled(processes ...*process) func() bool {
	var ids []string
	for _, p := range processes {
		ids = append(ids, p.id)
	}
	want := map[*process]int{}
	for _, p := range processes {
		want[p] = len(share(p.id, ids))
	}
	return func() bool {
		for _, p := range processes {
			if p.works() != want[p] {
				return false
			}
		}
		return true
	}
}

// registered tells whether Redis knows the holder of each shard.
func (c *cluster) registered() bool {
	client := redis.NewClient(&redis.Options{Addr: server.Address()})
	defer client.Close()
	fields, err := client.HKeys(c.t.Context(), key).Result()
	if err != nil {
		c.t.Fatal(err)
	}
	shards := 0
	for _, f := range fields {
		if strings.HasPrefix(f, "s:") {
			shards++
		}
	}
	return shards == Shards
}

// tokens returns under which tokens the mailboxes are worked.
func (c *cluster) tokens() [Shards]crm.Fence {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.highest
}

func mailboxNamed(i int) crm.MailboxID { return crm.MailboxID(fmt.Sprint("mbx_", i)) }
