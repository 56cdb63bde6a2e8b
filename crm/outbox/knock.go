package outbox

import (
	"context"
	"net/url"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"mailsyncd.example/crm"
)

// An endpoint to which no connection can be made is not posted to for minutes;
// but every few seconds somebody knocks at its host, once for all the webhooks
// that lead there, and a connection that can be made ends their wait. In a day
// that is 17,280 attempts to connect for a host that is gone for good, and no
// request.
const (
	knockEvery   = 5               // times Every: 5 s
	knockTime    = 4 * time.Second // for one connection
	knocksAtOnce = 512
	mostAway     = 10_000 // webhooks that are looked after at once
)

// knock knocks at hosts until ctx ends.
func (d *Dispatcher) knock(ctx context.Context) {
	d.regularly(ctx, knockEvery, "could not look after unreachable endpoints; said once until it goes well again", func() error {
		return d.knockAtAll(ctx)
	})
}

// regularly does what one process of all need do, every so many times Every,
// until ctx ends.
func (d *Dispatcher) regularly(ctx context.Context, times int, complaint string, do func() error) {
	tick := time.NewTicker(time.Duration(times) * d.Every)
	defer tick.Stop()
	trouble := false
	for {
		var err error
		if d.Duty(ctx) {
			if err = do(); err != nil && ctx.Err() == nil && !trouble {
				d.Log.Error(complaint, zap.Error(err))
			}
		}
		trouble = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (d *Dispatcher) knockAtAll(ctx context.Context) error {
	away, err := d.Store.UnreachableWebhooks(ctx, d.Now(), mostAway)
	if err != nil {
		return err
	}
	hosts := map[string][]crm.Endpoint{}
	for _, e := range away {
		name := hostOf(e.URL)
		hosts[name] = append(hosts[name], e)
	}
	var g errgroup.Group
	g.SetLimit(knocksAtOnce)
	for _, endpoints := range hosts {
		g.Go(func() error { return d.knockAt(ctx, endpoints) })
	}
	return g.Wait()
}

// knockAt knocks at a host. Where it is back, the webhooks that lead there are
// tried at once.
func (d *Dispatcher) knockAt(ctx context.Context, endpoints []crm.Endpoint) error {
	limit, cancel := context.WithTimeout(ctx, knockTime)
	defer cancel()
	if err := d.Poster.Knock(limit, endpoints[0].URL); err != nil {
		return nil // that it is away is known
	}
	for _, e := range endpoints {
		if err := d.Store.RetryWebhook(ctx, e.WebhookKey); err != nil && crm.KindOf(err) != crm.NotFound {
			return err
		}
	}
	return nil
}

// hostOf is what decides whether a connection can be made.
func hostOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return endpoint // which nobody can connect to either
	}
	return u.Scheme + "://" + u.Host
}
