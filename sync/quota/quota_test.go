package quota_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"mailsyncd.example/crm/redistest"
	"mailsyncd.example/crm/servertest"
	"mailsyncd.example/sync/quota"
	"mailsyncd.example/sync/watch"
)

var server redistest.Server

func TestMain(m *testing.M) { servertest.Main(m, &server) }

var _ watch.Quota = (*quota.Quota)(nil)

const host = "mail.example"

// process is one of those that share the limits.
type process struct {
	*quota.Quota
	t     *testing.T
	redis *redis.Client
	log   *observer.ObservedLogs
	stop  func() // in good order
	kill  func() // so that it can't say goodbye
}

// ttl is after what time of silence a process counts as gone. A machine under
// load may keep one silent for seconds.
const ttl = 6 * time.Second

// start starts a process.
func start(t *testing.T, url string, perHost int, logins float64) *process {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.ContextTimeoutEnabled = true
	o.MaxRetries = -1
	core, log := observer.New(zap.WarnLevel)
	p := &process{t: t, redis: redis.NewClient(o), log: log}
	p.Quota = quota.New(quota.Options{
		Redis: p.redis, PerHost: perHost, LoginsPerSecond: logins, TTL: ttl, Log: zap.New(core),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stopped := false
	p.stop = func() {
		if cancel(); !stopped {
			stopped = true
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	p.kill = func() { _ = p.redis.Close(); p.stop() }
	t.Cleanup(p.kill)
	return p
}

// take takes a connection and returns what gives it back.
func (p *process) take() (release func()) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 2*time.Minute)
	defer cancel()
	release, err := p.Take(ctx, host)
	if err != nil {
		p.t.Fatal(err)
	}
	return release
}

// refused makes sure that nothing can be had.
func (p *process) refused() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := p.Take(ctx, host); !errors.Is(err, context.DeadlineExceeded) {
		p.t.Errorf("a connection over the limit: %v", err)
	}
}

// await waits until Redis has so many processes, with so many connections each,
// the fewest first.
func await(t *testing.T, url string, want ...string) {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	defer client.Close()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	limit := time.After(time.Minute)
	for {
		alive := client.ZCard(t.Context(), "mailsync:{quota}:alive").Val()
		held := client.HVals(t.Context(), "mailsync:{quota}:held:"+host).Val()
		slices.Sort(held)
		got := append([]string{fmt.Sprint(alive, " processes")}, held...)
		if fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("Redis has %v, want %v", got, want)
		}
	}
}

const (
	many    = 1000 // logins a second
	seldom  = 0.001
	endless = 1 << 20
)

func TestConnectionsTogether(t *testing.T) {
	url := server.URL(t)
	a, b := start(t, url, 3, many), start(t, url, 3, many)
	release := a.take()
	a.take()
	releaseB := b.take()
	a.refused()
	b.refused()
	if other, err := a.Take(t.Context(), "other.example"); err != nil {
		t.Error(err)
	} else {
		other()
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := b.Take(t.Context(), host)
		waiting <- err
	}()
	release()
	if err := <-waiting; err != nil {
		t.Fatal(err)
	}
	b.refused()
	releaseB()
	a.take()
	a.refused()
	await(t, url, "2 processes", "1", "2")
}

// One login is free, and the next one in a quarter of an hour.
func TestLoginsTogether(t *testing.T) {
	url := server.URL(t)
	a, b := start(t, url, endless, seldom), start(t, url, endless, seldom)
	a.take()()
	a.refused()
	b.refused()
}

// What a process had that is gone, in good order or not, others may have.
func TestProcessesGo(t *testing.T) {
	url := server.URL(t)
	a, b, c := start(t, url, 2, many), start(t, url, 2, many), start(t, url, 2, many)
	a.take()
	b.take()
	c.refused()
	a.kill()
	c.take() // once a's time is over
	b.stop()
	c.take()
	c.refused()
	await(t, url, "1 processes", "2")
}

// Without Redis each keeps to its share, and what it takes then counts when
// Redis is back, with nothing in it.
func TestRedisIsAwayForAWhile(t *testing.T) {
	var server redistest.Server
	t.Cleanup(func() { _ = server.Close() })
	url := server.URL(t)
	a, b := start(t, url, 4, many), start(t, url, 4, many)
	release := a.take()
	b.take()
	await(t, url, "2 processes", "1", "1")
	// Each has heard of the other after its next beat, of which the time
	// that Redis notes for it is the sign.
	heartbeat(t, a, 2)
	server.Kill()
	a.take()
	a.refused()
	b.take()
	b.refused()
	release()
	again := a.take()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, url, "2 processes", "2", "2")
	b.refused()
	again()
	b.take()
	a.refused()
}

// heartbeat waits until every process has said so many times that it is there.
func heartbeat(t *testing.T, p *process, times int) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	first := map[string]float64{}
	seen := map[string]int{}
	for {
		done := len(seen) > 0
		for _, z := range p.redis.ZRangeWithScores(t.Context(), "mailsync:{quota}:alive", 0, -1).Val() {
			id, ok := z.Member.(string)
			if ok && first[id] != z.Score {
				first[id] = z.Score
				seen[id]++
			}
			done = done && seen[id] > times
		}
		if done {
			return
		}
		<-again.C
	}
}

// A process that stops while it has something to tell does not call that an
// outage of Redis.
func TestStoppingIsNoOutage(t *testing.T) {
	p := start(t, server.URL(t), 5, 100)
	p.take()() // which leaves something to tell
	p.stop()
	if warned := p.log.All(); len(warned) > 0 {
		t.Errorf("it says %q", warned[0].Message)
	}
}

// Nothing is kept of hosts where nobody is connected any more.
func TestNothingIsLeft(t *testing.T) {
	url := server.URL(t)
	a := start(t, url, endless, endless)
	var all []func()
	for range 50 {
		all = append(all, a.take())
	}
	for _, release := range all {
		release()
	}
	await(t, url, "1 processes")
	a.stop()
	await(t, url, "0 processes")
}
