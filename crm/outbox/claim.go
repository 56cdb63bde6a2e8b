package outbox

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

// A claim lasts for so long and is renewed in good time for as long as its
// holder posts. So what a killed process was posting is posted by another, or
// by the same one started again, within seconds, however slow the endpoint is.
const (
	leaseTime = 6 * time.Second
	renewTime = 2 * time.Second
)

// claim is the right to post to an endpoint.
type claim struct {
	stop func() // ends the renewals
	mu   sync.Mutex
	till time.Time
}

// hold keeps a claim alive until end is called. The context ends where somebody
// else has it: the webhook was changed, or this process was asleep.
func (d *Dispatcher) hold(ctx context.Context, k crm.WebhookKey, lease time.Time) (context.Context, *claim) {
	ctx, cancel := context.WithCancel(ctx)
	renewed := make(chan struct{})
	c := &claim{till: lease, stop: func() { cancel(); <-renewed }}
	go func() {
		defer close(renewed)
		tick := time.NewTicker(renewTime)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if held, err := d.renew(ctx, k, c); err == nil && !held {
				cancel()
				return
			} else if err != nil && ctx.Err() == nil {
				d.Log.Debug("a claim could not be renewed; it is tried again", zap.Error(err))
			}
		}
	}()
	return ctx, c
}

// renew is not broken off by the end of the posting: nobody would know whether
// the claim was renewed, and could not settle it.
func (d *Dispatcher) renew(ctx context.Context, k crm.WebhookKey, c *claim) (held bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTime)
	defer cancel()
	from, to := c.read(), d.Now().Add(leaseTime)
	if held, err = d.Store.RenewWebhook(ctx, k, from, to); held {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.till = to
	}
	return held, err
}

func (c *claim) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.till
}

// stands tells whether nobody else can have the claim at a time.
func (c *claim) stands(at time.Time) bool { return at.Before(c.read()) }

// end ends the renewals and returns the end of the lease, which proves that the
// claim is held.
func (c *claim) end() time.Time {
	c.stop()
	return c.read()
}
