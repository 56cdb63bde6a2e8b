package lease

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/watch"
)

var _ watch.Shares = (*Member)(nil)

func TestJoinAndLeaveMoveOnlyTheirShare(t *testing.T) {
	c := newCluster(t, long)
	one := c.start()
	c.until("the first has everything", c.settled(one))
	two, three := c.start(), c.start()
	c.until("three have their shares", c.settled(one, two, three))
	before := c.tokens()
	four := c.start()
	c.until("the fourth has its share", c.settled(one, two, three, four))
	moved := 0
	for s, f := range c.tokens() {
		if f != before[s] {
			moved++
		}
	}
	if n := four.works(); moved != n {
		t.Errorf("%d shards changed hands for a share of %d", moved, n)
	}
	four.stop()
	<-four.stopped
	if four.err != nil {
		t.Errorf("a clean leave: %v", four.err)
	}
	c.until("its share is with the others", c.settled(one, two, three))
}

func TestChoreIsOnesAlone(t *testing.T) {
	c := newCluster(t, long)
	one, two := c.start(), c.start()
	c.until("both have their shares", c.settled(one, two))
	for _, name := range []string{"sweep", "balance", "report"} {
		if one.Chore(name) == two.Chore(name) {
			t.Errorf("%s: both say %v", name, one.Chore(name))
		}
	}
}

func TestBeforeItHasJoined(t *testing.T) {
	m := New(Options{Redis: redis.NewClient(&redis.Options{})})
	defer m.o.Redis.Close()
	if _, ours := m.Fence("acc_1", "mbx_1"); ours || m.Enter("acc_1", "mbx_1") || m.Chore("sweep") {
		t.Error("it believes that something is its own")
	}
	if err := m.Ready(t.Context()); crm.KindOf(err) != crm.Unavailable {
		t.Errorf("ready: %v", err)
	}
}

func TestNothingIsHandedOverBeforeItIsLeft(t *testing.T) {
	c := newCluster(t, long)
	one := c.start()
	c.until("the first has everything", c.settled(one))
	one.slow = make(chan struct{}) // the clause of the checker: nobody enters where one still stands
	two := c.start()
	c.until("the second was heard of", func() bool { return two.Ready(t.Context()) == nil })
	close(one.slow)
	c.until("both have their shares", c.settled(one, two))
}

func TestSharesOfAKilledProcessAreTaken(t *testing.T) {
	c := newCluster(t, short)
	one, two := c.start(), c.start()
	c.until("both have their shares", c.settled(one, two))
	two.proxy.Stall() // it can't say goodbye
	two.stop()
	<-two.stopped
	if crm.CodeOf(two.err) != "redis_unreachable" {
		t.Errorf("it could not hand over, and says %v", two.err)
	}
	c.until("the first has everything", c.settled(one))
}

func TestPausedProcessDoesNotBelieveInItsLeases(t *testing.T) {
	c := newCluster(t, short)
	one, two := c.start(), c.start()
	c.until("both have their shares", c.settled(one, two))
	before := c.tokens()
	two.proxy.Stall()
	c.until("the first has everything", c.settled(one))
	if two.works() != 0 || two.Ready(t.Context()) == nil {
		t.Error("the second believes in leases that are over")
	}
	two.proxy.Resume()
	c.until("the second has come back", c.settled(one, two))
	for s, f := range c.tokens() {
		if c.at[s] == two && f <= before[s] {
			t.Fatalf("shard %d: token %d, was %d, though somebody else had it", s, f, before[s])
		}
	}
}

func TestRedisForgetsEverything(t *testing.T) {
	c := newCluster(t, short)
	one, two, three := c.start(), c.start(), c.start()
	c.until("all have their shares", c.settled(one, two, three))
	c.writes()
	before := c.tokens()
	server.Flush(t)
	four := c.start() // knows nothing, and may be the first to come
	c.until("Redis was told", c.registered)
	c.until("the fourth has its share", c.settled(one, two, three, four))
	for s, f := range c.tokens() {
		if c.at[s] != four && f != before[s] {
			t.Fatalf("shard %d was taken anew, %d instead of %d, and had not moved", s, f, before[s])
		}
		if c.at[s] == four && f < before[s]+1<<20 {
			t.Fatalf("shard %d: token %d is too near to %d, lest it was given out before", s, f, before[s])
		}
	}
}

func TestRedisIsRestarted(t *testing.T) {
	for name, away := range map[string]bool{"at once": false, "after the leases were over": true} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, short)
			one, two, three := c.start(), c.start(), c.start()
			all := []*process{one, two, three}
			c.until("all have their shares", c.settled(all...))
			c.writes()
			server.Kill()
			if away {
				c.until("nobody works", func() bool { return one.works()+two.works()+three.works() == 0 })
			}
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			c.until("Redis was told", c.registered)
			c.until("all have their shares", c.settled(all...))
			for _, p := range all {
				if err := p.Ready(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestRedisIsSilent(t *testing.T) {
	c := newCluster(t, short)
	one, two := c.start(), c.start()
	c.until("both have their shares", c.settled(one, two))
	before := c.tokens()
	resume, err := server.Pause()
	if err != nil {
		t.Fatal(err)
	}
	defer resume()
	c.until("nobody works", func() bool { return one.works()+two.works() == 0 })
	if err := one.Ready(t.Context()); crm.CodeOf(err) != "redis_unreachable" {
		t.Errorf("ready: %v", err)
	}
	resume()
	c.until("both have their shares", c.settled(one, two))
	if c.tokens() != before {
		t.Error("nobody had taken the shards, and they were taken anew")
	}
}

// What may happen, in any order. The cluster's checks are what is tested.
func TestChaos(t *testing.T) {
	c := newCluster(t, short)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	live := []*process{c.start(), c.start(), c.start()}
	c.until("all have their shares", c.settled(live...))
	for range 25 {
		p := live[r.IntN(len(live))]
		switch r.IntN(7) {
		case 0:
			live = append(live, c.start())
		case 1:
			if p.stop(); len(live) > 1 {
				live = slices.DeleteFunc(live, func(other *process) bool { return other == p })
			} else {
				live[0] = c.start()
			}
		case 2:
			p.proxy.Stall()
		case 3:
			p.proxy.Resume()
		case 4:
			p.proxy.Cut()
		case 5:
			c.writes()
			server.Flush(t)
		case 6:
			c.writes()
			if err := server.Restart(); err != nil {
				t.Fatal(err)
			}
		}
		c.await(time.Duration(r.IntN(int(short / 4))))
	}
	for _, p := range c.members {
		p.proxy.Resume()
	}
	c.until("all have their shares", c.settled(live...))
}
