package outbox

import (
	"context"

	"mailsyncd.example/crm"
)

// All webhooks are looked at in turn, so many a second, for events that a
// killed process has written and told nobody of: 50,000 within ten seconds.
const sweepPage = 5000

// sweep looks for due webhooks that nobody knows of, until ctx ends.
func (d *Dispatcher) sweep(ctx context.Context) {
	var last crm.WebhookKey
	d.regularly(ctx, 1, "could not look through the webhooks; said once until it goes well again", func() error {
		due, at, err := d.Store.DueWebhooksAfter(ctx, last, d.Now(), sweepPage)
		if err != nil {
			return err
		}
		if last = at; len(due) > 0 {
			d.queue.add(due...)
			strike(d.wake)
		}
		return nil
	})
}
