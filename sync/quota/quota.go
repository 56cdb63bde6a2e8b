// Package quota lets all processes that share a Redis stay together within what
// a mail host may be asked for: so many connections, so many logins a second.
//
// Each process says how many connections it has, as a number and not by
// counting up and down, so that nothing goes wrong for good where a word is
// lost. The numbers of a process that has not been heard of for a while don't
// count. Without Redis each keeps to its share: the limits, divided by the
// processes that were there last.
package quota

import (
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"math"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// Options are what a Quota is made of. All but TTL are needed.
type Options struct {
	// Redis must heed the deadlines of contexts (ContextTimeoutEnabled).
	Redis *redis.Client
	// PerHost is how many connections all processes together may have to a
	// mail host, and LoginsPerSecond how often they may log in there.
	PerHost         int
	LoginsPerSecond float64
	// TTL is after what time of silence a process counts as gone: 15 s.
	TTL time.Duration
	Log *zap.Logger
}

// burst is for how many seconds logins may be saved up.
const burst = 2

const (
	callTime = time.Second            // for Redis to answer
	tidyTime = 200 * time.Millisecond // between telling of connections that were given back
	fullTime = 200 * time.Millisecond // before a host that is full is asked for again
)

// Quota is this process's end. It is a watch.Quota.
type Quota struct {
	Options
	id         string
	take, beat *redis.Script

	mu      sync.Mutex
	hosts   map[string]*host
	members int  // that were there last, with us; 0 before Redis was asked
	away    bool // Redis is
	changed chan struct{}
}

// host is what this process has of a mail host.
type host struct {
	turn   chan struct{} // full while somebody speaks of the host with Redis
	logins *rate.Limiter // for the time without Redis
	users  int           // who wait for a connection or have one
	held   int           // connections
	told   int           // what Redis knows of held; unknown where it may know anything
}

const unknown = -1

var (
	//go:embed take.lua
	takeText string
	//go:embed beat.lua
	beatText string
)

// New makes a Quota.
func New(o Options) *Quota {
	o.TTL = cmp.Or(o.TTL, 15*time.Second)
	return &Quota{
		Options: o, id: rand.Text(), take: redis.NewScript(takeText), beat: redis.NewScript(beatText),
		hosts: map[string]*host{}, changed: make(chan struct{}, 1),
	}
}

// The keys, which Redis Cluster keeps in one place.
const alive = "mailsync:{quota}:alive"

func heldKey(name string) string   { return "mailsync:{quota}:held:" + name }
func loginsKey(name string) string { return "mailsync:{quota}:logins:" + name }

// Take waits until the host may have one connection and one login more, and
// takes both. release gives the connection back. The error is ctx's.
func (q *Quota) Take(ctx context.Context, name string) (release func(), err error) {
	h := q.enter(name)
	select {
	case h.turn <- struct{}{}: // one asks for all who wait
	case <-ctx.Done():
		q.leave(name, h)
		return nil, ctx.Err()
	}
	for {
		wait := q.try(ctx, name, h)
		if wait == 0 {
			break
		}
		if pause(ctx, wait); ctx.Err() != nil {
			<-h.turn
			q.leave(name, h)
			return nil, ctx.Err()
		}
	}
	<-h.turn
	return func() { q.release(name, h) }, nil
}

// try takes a connection if that is possible now, and otherwise returns how
// long to wait.
func (q *Quota) try(ctx context.Context, name string, h *host) time.Duration {
	q.introduce(ctx)
	q.mu.Lock()
	held, away := h.held, q.away
	q.mu.Unlock()
	if !away {
		wait, err := q.ask(ctx, name, held)
		if err == nil {
			q.mu.Lock()
			defer q.mu.Unlock()
			h.told = held
			if wait == 0 {
				h.held++
				h.told++
			}
			return wait
		}
		if over(ctx) {
			return fullTime
		}
		q.miss(err)
	}
	return q.tryAlone(h)
}

// over tells whether ctx has ended, or does so just now: the connection, which
// has its deadline from it, may be the first to notice, and Redis is not to blame.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

func (q *Quota) ask(ctx context.Context, name string, held int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	cost := int64(math.Ceil(1e6 / q.LoginsPerSecond))
	ms, err := q.take.Run(ctx, q.Redis, []string{alive, heldKey(name), loginsKey(name)},
		q.id, held, q.PerHost, cost, atOnce(q.LoginsPerSecond)).Int64()
	// What waits for a login looks again soon: others give up.
	return min(time.Duration(ms)*time.Millisecond, time.Second), err
}

// tryAlone takes from this process's share.
func (q *Quota) tryAlone(h *host) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	if h.held >= max(1, q.PerHost/q.members) {
		return fullTime
	}
	own := q.LoginsPerSecond / float64(q.members)
	h.logins.SetLimit(rate.Limit(own))
	h.logins.SetBurst(atOnce(own))
	r := h.logins.Reserve()
	if wait := r.Delay(); wait > 0 {
		r.Cancel()
		return min(wait, time.Second)
	}
	h.held++
	return 0
}

// atOnce is how many logins may come together.
func atOnce(perSecond float64) int { return max(1, int(burst*perSecond)) }

func (q *Quota) enter(name string) *host {
	q.mu.Lock()
	defer q.mu.Unlock()
	h := q.hosts[name]
	if h == nil {
		h = &host{
			turn:   make(chan struct{}, 1),
			logins: rate.NewLimiter(rate.Limit(q.LoginsPerSecond), atOnce(q.LoginsPerSecond)),
		}
		q.hosts[name] = h
	}
	h.users++
	return h
}

// leave ends what enter began.
func (q *Quota) leave(name string, h *host) {
	q.mu.Lock()
	defer q.mu.Unlock()
	h.users--
	q.forget(name, h)
}

// forget drops a host of which there is nothing more to say. q.mu is held.
func (q *Quota) forget(name string, h *host) {
	if h.users == 0 && h.told == 0 {
		delete(q.hosts, name)
	}
}

func (q *Quota) release(name string, h *host) {
	q.mu.Lock()
	h.held--
	h.users--
	q.forget(name, h)
	q.mu.Unlock()
	select {
	case q.changed <- struct{}{}:
	default:
	}
}
