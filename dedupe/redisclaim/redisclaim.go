// Package redisclaim is dedupe.Claimer across processes, in Redis. Within a
// process claims are settled first, so that one goroutine of it at a time asks
// Redis about a message.
package redisclaim

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"mailsyncd.example/crm"
	"mailsyncd.example/dedupe"
)

var (
	//go:embed claim.lua
	claimText string
	//go:embed release.lua
	releaseText string
)

const (
	// DefaultTTL is how long a claim lasts that is not released, because its
	// process was killed or took too long. Then the message is fetched twice.
	DefaultTTL = 30 * time.Second
	// retry is how often a claim is tried again of whose release nothing is heard.
	retry = time.Second
	// attempt is how long Redis may take to answer.
	attempt = time.Second
	// sulk is how long Redis is not asked again after it did not answer: claims
	// are advice, and an import does not wait for them.
	sulk = time.Second
)

// Options are what Claims are made of. Redis is needed, and must heed the
// deadlines of contexts (ContextTimeoutEnabled).
type Options struct {
	Redis *redis.Client
	TTL   time.Duration // DefaultTTL where 0
}

// Claims is the Claimer of one process among several.
type Claims struct {
	o              Options
	local          *dedupe.Claims
	claim, release *redis.Script

	mu      sync.Mutex
	waiting map[string]chan struct{} // by key; closed when its release is heard of
	away    time.Time                // until when Redis is not asked
}

// New returns a Claimer. It works before Run and without it, but hears of
// releases late.
func New(o Options) *Claims {
	if o.TTL == 0 {
		o.TTL = DefaultTTL
	}
	return &Claims{
		o: o, local: dedupe.NewClaims(), waiting: map[string]chan struct{}{},
		claim: redis.NewScript(claimText), release: redis.NewScript(releaseText),
	}
}

// channel is where releases are told of that somebody waits for. Channels are
// common to all databases of a server, so the number is part of the name.
func (c *Claims) channel() string {
	return "mailsync:" + strconv.Itoa(c.o.Redis.Options().DB) + ":claims"
}

// Run hears of releases in other processes until ctx ends.
func (c *Claims) Run(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, attempt)
	listening := c.o.Redis.Subscribe(within, c.channel()) // where it fails, tried again behind the scenes
	cancel()
	defer listening.Close()
	news := listening.Channel()
	for {
		select {
		case <-ctx.Done():
			return nil
		case n, open := <-news:
			if !open {
				return nil
			}
			c.wake(n.Payload)
		}
	}
}

// Claim implements dedupe.Claimer. Where Redis does not answer the error is
// crm.Unavailable, at once: nothing is claimed then, not even in this process.
func (c *Claims) Claim(ctx context.Context, a crm.AccountID, ids ...crm.Identity) (func(), error) {
	if len(ids) == 0 {
		return func() {}, nil
	}
	here, err := c.local.Claim(ctx, a, ids...)
	if err != nil {
		return nil, err
	}
	ordered := dedupe.Order(ids)
	keys := make([]string, len(ordered))
	for i, id := range ordered {
		keys[i] = "mailsync:claim:" + string(a) + ":" + hex.EncodeToString(id[:])
	}
	token := rand.Text()
	everywhere := func() {
		defer here()
		c.letGo(context.WithoutCancel(ctx), token, keys)
	}
	if err := c.await(ctx, token, keys); err != nil {
		everywhere()
		return nil, err
	}
	return sync.OnceFunc(everywhere), nil
}

// await claims all keys, one after the other as they become free.
func (c *Claims) await(ctx context.Context, token string, keys []string) error {
	var released <-chan struct{}
	for {
		n, err := c.try(ctx, token, keys)
		if err != nil {
			return err
		}
		keys = keys[n:]
		if len(keys) == 0 {
			return nil
		}
		if n > 0 || released == nil {
			var forget func()
			released, forget = c.wait(keys[0])
			defer forget()
			continue // it may have been released before we listened
		}
		timer := time.NewTimer(retry)
		select {
		case <-released:
			released = nil
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// try claims as many keys as it can, and returns how many that were.
func (c *Claims) try(ctx context.Context, token string, keys []string) (int, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if c.sulks() {
		return 0, unreachable(nil)
	}
	within, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	n, err := c.claim.Run(within, c.o.Redis, keys, token, c.o.TTL.Milliseconds()).Int()
	switch {
	case err == nil:
		return n, nil
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = time.Now().Add(sulk)
	return 0, unreachable(err)
}

func (c *Claims) sulks() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(c.away)
}

func unreachable(err error) error {
	return crm.Wrap(crm.Unavailable, "redis_unreachable",
		"Redis can't be worked with, so what another process fetches at the moment is fetched here too; see that it runs and that MAILSYNC_REDIS_URL is right.", err)
}

// letGo releases what was claimed. Where Redis does not answer, time does it.
func (c *Claims) letGo(ctx context.Context, token string, keys []string) {
	if c.sulks() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	_ = c.release.Run(ctx, c.o.Redis, keys, token, c.channel()).Err()
}

// wait returns what is closed when the release of a key is heard of. One
// goroutine at a time waits for a key: the others wait for that one.
func (c *Claims) wait(key string) (released <-chan struct{}, forget func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	mine := make(chan struct{})
	c.waiting[key] = mine
	return mine, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.waiting[key] == mine {
			delete(c.waiting, key)
		}
	}
}

func (c *Claims) wake(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if waits := c.waiting[key]; waits != nil {
		close(waits)
		delete(c.waiting, key)
	}
}
