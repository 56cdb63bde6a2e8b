package redisclaim

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/redistest"
	"mailsyncd.example/crm/servertest"
	"mailsyncd.example/dedupe"
	"mailsyncd.example/dedupe/claimtest"
)

var server redistest.Server

func TestMain(m *testing.M) { servertest.Main(m, &server) }

// start makes the Claimer of a process of its own.
func start(t *testing.T, ttl time.Duration) *Claims {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: server.Address(), ContextTimeoutEnabled: true})
	c := New(Options{Redis: client, TTL: ttl})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		client.Close()
	})
	return c
}

func pair(t *testing.T, ttl time.Duration) (one, other *Claims) {
	server.URL(t)
	return start(t, ttl), start(t, ttl)
}

func TestClaimsKeepThePromise(t *testing.T) {
	t.Run("in one process", func(t *testing.T) {
		claimtest.Run(t, func(t *testing.T) (one, other dedupe.Claimer) {
			server.URL(t)
			c := start(t, 0)
			return c, c
		})
	})
	t.Run("in two", func(t *testing.T) {
		claimtest.Run(t, func(t *testing.T) (one, other dedupe.Claimer) { return pair(t, 0) })
	})
}

func TestWhoHearsOfNoReleaseTriesAgain(t *testing.T) {
	one, _ := pair(t, 0)
	deaf := New(Options{Redis: one.o.Redis})
	release := claim(t, one)
	claimed := make(chan error, 1)
	go func() {
		release, err := deaf.Claim(t.Context(), "acc_1", id)
		if err == nil {
			release()
		}
		claimed <- err
	}()
	release()
	if err := <-claimed; err != nil {
		t.Error(err)
	}
}

var id = crm.Identity{1, 2, 3}

func claim(t *testing.T, c *Claims) (release func()) {
	t.Helper()
	release, err := c.Claim(t.Context(), "acc_1", id)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

func TestNothingIsLeftInRedis(t *testing.T) {
	one, other := pair(t, 0)
	claim(t, one)()
	claim(t, other)()
	keys, err := one.o.Redis.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) > 0 {
		t.Errorf("left: %q, %v", keys, err)
	}
	if len(one.waiting)+len(other.waiting) > 0 {
		t.Errorf("somebody is still waited for: %v, %v", one.waiting, other.waiting)
	}
}

func TestKilledHolderBlocksNobodyForLong(t *testing.T) {
	one, other := pair(t, 100*time.Millisecond)
	claim(t, one) // never released
	claim(t, other)()
}

func TestLateReleaseIsNotTheNextOnes(t *testing.T) {
	one, other := pair(t, 100*time.Millisecond)
	late := claim(t, one)
	other.o.TTL = time.Hour
	release := claim(t, other)
	late()
	value, err := one.o.Redis.Get(t.Context(), one.o.Redis.Keys(t.Context(), "*").Val()[0]).Result()
	if err != nil || value == "" {
		t.Errorf("a claim was released by its holder before: %q, %v", value, err)
	}
	release()
}

// The release is told: with its own fallback the test would end too, but the
// mark that somebody waits must be there.
func TestWaitersAreTold(t *testing.T) {
	one, other := pair(t, 0)
	listening := one.o.Redis.Subscribe(t.Context(), one.channel())
	defer listening.Close()
	if _, err := listening.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	claim(t, one)() // nobody waits for this one
	release := claim(t, one)
	claimed := make(chan error, 1)
	go func() {
		release, err := other.Claim(t.Context(), "acc_1", id)
		if err == nil {
			release()
		}
		claimed <- err
	}()
	key := one.o.Redis.Keys(t.Context(), "*").Val()[0]
	for marked := ""; !strings.HasSuffix(marked, "!"); {
		marked = one.o.Redis.Get(t.Context(), key).Val()
	}
	release()
	m, err := listening.ReceiveMessage(t.Context())
	if err != nil || m.Payload != key {
		t.Errorf("told of %v, %v; want %s", m, err, key)
	}
	if err := <-claimed; err != nil {
		t.Error(err)
	}
}

func TestRedisAway(t *testing.T) {
	one, _ := pair(t, 0)
	release := claim(t, one)
	server.Kill()
	for range 1000 { // at once, after the first has found out
		_, err := one.Claim(t.Context(), "acc_1", crm.Identity{9})
		if crm.CodeOf(err) != "redis_unreachable" || crm.KindOf(err) != crm.Unavailable {
			t.Fatalf("Redis is away: %v", err)
		}
	}
	release() // does not hang
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		release, err := one.Claim(t.Context(), "acc_1", id)
		if err == nil {
			release()
			return
		}
	}
}
