package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/outbox"
	"mailsyncd.example/crm/relay"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/stream"
	"mailsyncd.example/dedupe"
	"mailsyncd.example/dedupe/redisclaim"
	"mailsyncd.example/sync/lease"
	"mailsyncd.example/sync/quota"
	"mailsyncd.example/sync/watch"
)

// crew is what ties this process to those with which it shares its work. Nil is
// the crew of a process that is alone.
type crew struct {
	redis  *redis.Client
	relay  *relay.Relay
	leases *lease.Member
	claims *redisclaim.Claims
	quota  *quota.Quota
	duties *stream.Streams
	stream *outbox.Streamer
	counts *lease.Metrics
	events *outbox.StreamMetrics
	log    *zap.Logger
}

// shared tells whether this process shares its work with others.
func (c Config) shared() bool { return c.RedisURL != "" }

// checkRedisURL refuses a Redis that can't be used.
func (c Config) checkRedisURL() error {
	if !c.shared() {
		return nil
	}
	if err := relay.Check(c.RedisURL); err != nil {
		return fmt.Errorf("--redis-url: %s", sentence(err))
	}
	return nil
}

func (c doctorCommand) checkRedis(ctx context.Context) (string, error) {
	if !c.shared() {
		return "none is needed: this process shares its work with no other", nil
	}
	return relay.Examine(ctx, c.RedisURL)
}

// join builds the ties. Nothing is heard or said before talk and share.
func (c Config) join(ctx context.Context, s *signals, db *store.Store, log *zap.Logger) (*crew, error) {
	client, err := relay.Open(ctx, c.RedisURL)
	if err != nil {
		return nil, err
	}
	cr := &crew{redis: client, counts: lease.NewMetrics(), events: outbox.NewStreamMetrics(), log: log}
	cr.leases = lease.New(lease.Options{Redis: client, Highest: db.HighestFence, Log: log.Named("lease"), Metrics: cr.counts})
	cr.claims = redisclaim.New(redisclaim.Options{Redis: client})
	limits := c.limits()
	cr.quota = quota.New(quota.Options{
		Redis: client, PerHost: limits.PerHost, LoginsPerSecond: limits.LoginsPerSecond, Log: log.Named("quota"),
	})
	cr.relay = relay.New(relay.Options{Redis: client, Here: here{s, cr.leases}, Log: log.Named("relay")})
	s.relay = cr.relay
	cr.duties = stream.New(client, rand.Text())
	cr.stream = outbox.NewStreamer(outbox.StreamerOptions{
		Store: db, Streams: cr.duties, Bell: &s.bell, Now: time.Now, Log: log.Named("stream"), Metrics: cr.events,
	})
	return cr, nil
}

// here is this process as the others reach it.
type here struct {
	*signals
	leases *lease.Member
}

// EventsWritten is part of relay.Here.
func (h here) EventsWritten(a crm.AccountID) { h.bell.EventsElsewhere(a) }

// LinksChanged is part of relay.Here.
func (h here) LinksChanged(a crm.AccountID, m crm.MailboxID) { h.watcher.LinksChanged(a, m) }

// AnythingChanged is part of relay.Here.
func (h here) AnythingChanged() {
	h.bell.Anything()
	h.watcher.AnythingChanged()
}

// Works is part of relay.Here.
func (h here) Works(a crm.AccountID, m crm.MailboxID) bool {
	_, ours := h.leases.Fence(a, m)
	return ours
}

// Look is part of relay.Here.
func (h here) Look(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return h.watcher.Here().Look(ctx, a, m)
}

// Balance is part of relay.Here.
func (h here) Balance(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return h.watcher.Here().Balance(ctx, a, m)
}

// claimer lets only one of those who find a message fetch it.
func (c *crew) claimer() dedupe.Claimer {
	if c == nil {
		return dedupe.NewClaims()
	}
	return c.claims
}

// tell makes a watcher one among several.
func (c *crew) tell(o *watch.Options) {
	if c != nil {
		o.Shares, o.Elsewhere, o.Quota = c.leases, c.relay, c.quota
	}
}

// share takes this process's share of the mailboxes until ctx ends, and then
// gives it to the others. Where they can't be told they find out by the clock.
func (c *crew) share(ctx context.Context) {
	if c == nil {
		return
	}
	if err := c.leases.Run(ctx); err != nil {
		c.log.Warn("the other processes could not be told that this one stops; they take its mailboxes over in half a minute", zap.Error(err))
	}
}

// duty tells whether this process is the one that tends webhooks beyond those
// whose events it has written.
func (c *crew) duty(ctx context.Context) bool { return c == nil || c.duties.Tends(ctx, "webhooks") }

// publish brings events to the streams of their accounts until ctx ends.
func (c *crew) publish(ctx context.Context) error {
	if c == nil {
		return nil
	}
	return c.stream.Run(ctx)
}

// talk speaks with the others until the function that it returns is called,
// which is the last thing that a process does.
func (c *crew) talk(ctx context.Context) (hush func() error) {
	if c == nil {
		return func() error { return nil }
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var all errgroup.Group
	all.Go(func() error { return c.relay.Run(ctx) })
	all.Go(func() error { return c.claims.Run(ctx) })
	all.Go(func() error { return c.quota.Run(ctx) })
	return func() error {
		cancel()
		return all.Wait()
	}
}

// ready tells whether this process can work with the others.
func (c *crew) ready(ctx context.Context) error {
	if c == nil {
		return nil
	}
	return errors.Join(c.relay.Ready(), c.leases.Ready(ctx))
}

// chore tells whether a chore that one process is enough for is this one's.
func (c *crew) chore(name string) bool { return c == nil || c.leases.Chore(name) }

// Collectors are the metrics.
func (c *crew) Collectors() []prometheus.Collector {
	if c == nil {
		return nil
	}
	return append(c.counts.Collectors(), c.events.Collectors()...)
}

// close leaves Redis.
func (c *crew) close() error {
	if c == nil {
		return nil
	}
	return c.redis.Close()
}
