package outbox

import (
	"context"
	"encoding/json"
	"time"

	"mailsyncd.example/crm"
)

// Check tells what is wrong with the URL of an endpoint.
func (d *Dispatcher) Check(ctx context.Context, url string) error { return d.Poster.Check(ctx, url) }

// Test posts an event of type webhook.test, which is nobody's fact and is
// posted once, and returns what the endpoint says.
func (d *Dispatcher) Test(ctx context.Context, k crm.WebhookKey) (crm.Answer, error) {
	w, err := d.Store.Webhook(ctx, k.Account, k.ID)
	if err != nil {
		return crm.Answer{}, err
	}
	data, err := json.Marshal(map[string]crm.WebhookID{"webhook_id": k.ID})
	if err != nil {
		return crm.Answer{}, err
	}
	now := d.Now().UTC().Truncate(time.Millisecond) // as events are kept
	return d.send(ctx, w, crm.Event{
		Account: k.Account, ID: crm.EventID(crm.NewID("evt", now)), Type: crm.WebhookTest, At: now, Data: data,
	})
}

// Redeliver posts an event again. One that is still being tried has its wait
// ended instead, so that the order stays; any other is posted here and now,
// once.
func (d *Dispatcher) Redeliver(ctx context.Context, k crm.WebhookKey, id crm.DeliveryID) (crm.Delivery, error) {
	delivery, err := d.Store.Delivery(ctx, k.Account, k.ID, id)
	if err != nil {
		return crm.Delivery{}, err
	}
	if delivery.Status == crm.DeliveryPending {
		return delivery, d.Store.RetryWebhook(ctx, k)
	}
	w, err := d.Store.Webhook(ctx, k.Account, k.ID)
	if err != nil {
		return crm.Delivery{}, err
	}
	events, err := d.Store.ListEvents(ctx, k.Account, delivery.Seq-1, 1)
	if err != nil {
		return crm.Delivery{}, err
	}
	if len(events) == 0 {
		return crm.Delivery{}, crm.E(crm.NotFound, "delivery_not_found", "The delivery's event is gone, and the account with it.")
	}
	answer, err := d.send(ctx, w, events[0])
	if err != nil {
		return crm.Delivery{}, err
	}
	delivery.Answer, delivery.Status = answer, crm.DeliveryFailed
	if answer.OK() {
		delivery.Status = crm.Delivered
	}
	if err := d.Store.SaveAttempt(ctx, delivery); err != nil {
		return crm.Delivery{}, err
	}
	delivery.Attempts++
	return delivery, nil
}

// send posts one event, whatever the webhook's status.
func (d *Dispatcher) send(ctx context.Context, w crm.Webhook, e crm.Event) (crm.Answer, error) {
	secrets, err := d.Store.WebhookSecrets(ctx, w.Account, w.ID, d.Now())
	if err != nil {
		return crm.Answer{}, err
	}
	body, err := d.compose(ctx, w, e)
	if err != nil {
		return crm.Answer{}, err
	}
	return d.post(ctx, w.URL, e.ID, secrets, body), nil
}
