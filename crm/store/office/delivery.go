package office

import (
	"context"
	"encoding/json"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// keptDeliveries is of how many of the account's latest events the deliveries
// are kept on record.
const keptDeliveries = 10_000

// eventsLookedAt is how many events a claim looks at, at most; a webhook that
// wants few of them goes through the rest quickly.
const eventsLookedAt = 500

// DueWebhooks lists webhooks of all accounts that have events to hear and may
// be posted to now, those that wait longest first.
func (o *Office) DueWebhooks(ctx context.Context, now time.Time, limit int) ([]crm.WebhookKey, error) {
	due, err := txn.All(o.db.Reading(ctx), func(scan txn.Scan) (crm.WebhookKey, error) {
		var k crm.WebhookKey
		err := scan(&k.Account, &k.ID)
		return k, err
	}, `
		SELECT w.account, w.id FROM webhooks w JOIN accounts a ON a.id = w.account
		WHERE w.status = $1 AND w.position < a.event_seq AND w.next_at <= $2 AND w.lease <= $2
		ORDER BY w.next_at, w.account, w.id LIMIT $3`, crm.WebhookActive, txn.MS(now), limit)
	return due, o.db.Fail(ctx, "find due webhooks", err)
}

// ClaimWebhook takes a webhook's next events for whoever posts them, at most
// limit, until the lease ends. It reports false where the webhook is not due
// (any more), or somebody else has it.
func (o *Office) ClaimWebhook(ctx context.Context, k crm.WebhookKey, now, lease time.Time, limit int) (b crm.Batch, ok bool, err error) {
	err = o.change(ctx, "claim webhook", k.Account, func(t tx) error {
		b = crm.Batch{Webhook: crm.Webhook{Account: k.Account}, Lease: lease}
		ok, err = t.First(append(webhookInto(&b.Webhook), &b.Through), `
			UPDATE webhooks SET lease = $3
			WHERE account = $1 AND id = $2 AND status = $4 AND next_at <= $5 AND lease <= $5
			RETURNING `+webhookColumns+`, position`, k.Account, k.ID, txn.MS(lease), crm.WebhookActive, txn.MS(now))
		if err != nil || !ok {
			return err
		}
		if b.Secrets, err = o.webhookSecrets(t.Session, k.Account, k.ID, now); err != nil {
			return err
		}
		return t.nextEvents(&b, limit)
	})
	return b, ok, err
}

// nextEvents adds to a batch what follows Through.
func (t tx) nextEvents(b *crm.Batch, limit int) error {
	return t.Each(func(scan txn.Scan) error {
		e := crm.Event{Account: t.Account}
		var data string
		if err := scan(&e.Seq, &e.ID, &e.Type, txn.Instant{To: &e.At}, &data); err != nil {
			return err
		}
		if len(b.Events) == limit {
			return nil
		}
		e.Data, b.Through = json.RawMessage(data), e.Seq
		if b.Webhook.Wants(e.Type) {
			b.Events = append(b.Events, e)
		}
		return nil
	}, `
		SELECT seq, id, type, at, data FROM events
		WHERE account = $1 AND seq > $2 ORDER BY seq LIMIT $3`, t.Account, b.Through, eventsLookedAt)
}

// SettleWebhook ends a claim and writes down what became of it. It reports
// false, and writes nothing, where the lease was lost: the events are posted
// again then, by whoever has it.
func (o *Office) SettleWebhook(ctx context.Context, s crm.Settled) (held bool, err error) {
	err = o.change(ctx, "settle webhook", s.Account, func(t tx) error {
		n, err := t.Exec(`
			UPDATE webhooks SET position = $4, lease = 0, failing_at = $5, next_at = $6, status = $7, detail = $8
			WHERE account = $1 AND id = $2 AND lease = $3`, s.Account, s.Webhook, txn.MS(s.Lease),
			s.Position, txn.MSOrNull(s.FailingAt), nextAt(s.NextAt), s.Status, s.Detail)
		if held = n > 0; err != nil || !held {
			return err
		}
		if err := t.saveDeliveries(s.Deliveries); err != nil {
			return err
		}
		if s.Status != crm.WebhookActive {
			t.tellWebhook(s)
		}
		_, err = t.Exec(`DELETE FROM deliveries WHERE account = $1 AND webhook = $2 AND seq <= $3`,
			s.Account, s.Webhook, s.Position-keptDeliveries)
		return err
	})
	return held, err
}

// nextAt is 0 for at once.
func nextAt(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return txn.MS(at)
}

// webhookData is what an event about a webhook says.
type webhookData struct {
	Webhook crm.WebhookID     `json:"webhook_id"`
	Status  crm.WebhookStatus `json:"status"`
	Detail  string            `json:"detail"`
	Event   crm.EventID       `json:"event_id"` // that could not be delivered
}

// tellWebhook tells that a webhook was given up, with the delivery at which
// that happened: it fails once for each at most.
func (t tx) tellWebhook(s crm.Settled) {
	data := webhookData{Webhook: s.Webhook, Status: s.Status, Detail: s.Detail}
	if n := len(s.Deliveries); n > 0 {
		data.Event = s.Deliveries[n-1].Event
	}
	t.Tell(txn.Event{Kind: crm.WebhookFailed, About: string(s.Webhook) + "\x00" + string(data.Event), Happened: s.At, At: s.At, Data: data})
}

// saveDeliveries writes attempts down. The attempts of one event at one
// endpoint share a row.
func (t tx) saveDeliveries(list []crm.Delivery) error {
	const columns = 14
	values := make([]any, 0, columns*len(list))
	for _, d := range list {
		values = append(values, string(d.Account), string(d.Webhook), d.Seq, string(d.ID), string(d.Event), string(d.Type),
			string(d.Status), d.Attempts, txn.MSOrNull(d.NextAt), txn.MS(d.Answer.At), d.Answer.Took.Milliseconds(),
			d.Answer.Status, d.Answer.Body, d.Answer.Fault)
	}
	return t.Insert(`
		INSERT INTO deliveries (account, webhook, seq, id, event, type,
			status, attempts, next_at, at, took, http_status, answer, fault) VALUES`, columns, values, `
		ON CONFLICT (account, webhook, seq) DO UPDATE SET
			status = excluded.status, attempts = deliveries.attempts + excluded.attempts, next_at = excluded.next_at,
			at = excluded.at, took = excluded.took, http_status = excluded.http_status,
			answer = excluded.answer, fault = excluded.fault`)
}

// SaveAttempt writes down one more attempt at a delivery that is settled.
func (o *Office) SaveAttempt(ctx context.Context, d crm.Delivery) error {
	return o.change(ctx, "save attempt", d.Account, func(t tx) error {
		d.Attempts = 1
		return t.saveDeliveries([]crm.Delivery{d})
	})
}

// RetryWebhook lets a webhook that waits after a failure be tried at once.
func (o *Office) RetryWebhook(ctx context.Context, k crm.WebhookKey) error {
	return o.change(ctx, "retry webhook", k.Account, func(t tx) error {
		_, err := t.Exec(`UPDATE webhooks SET next_at = 0 WHERE account = $1 AND id = $2`, k.Account, k.ID)
		return err
	})
}

const deliveryColumns = `seq, id, event, type, status, attempts, next_at, at, took, http_status, answer, fault`

func deliveryScanner(a crm.AccountID, w crm.WebhookID) func(txn.Scan) (crm.Delivery, error) {
	return func(scan txn.Scan) (crm.Delivery, error) {
		d := crm.Delivery{Account: a, Webhook: w}
		var took int64
		err := scan(&d.Seq, &d.ID, &d.Event, &d.Type, &d.Status, &d.Attempts, txn.Instant{To: &d.NextAt},
			txn.Instant{To: &d.Answer.At}, &took, &d.Answer.Status, &d.Answer.Body, &d.Answer.Fault)
		d.Answer.Took = time.Duration(took) * time.Millisecond
		return d, err
	}
}

// Delivery returns a delivery.
func (o *Office) Delivery(ctx context.Context, a crm.AccountID, w crm.WebhookID, id crm.DeliveryID) (crm.Delivery, error) {
	found, err := txn.All(o.db.Reading(ctx), deliveryScanner(a, w), `
		SELECT `+deliveryColumns+` FROM deliveries WHERE account = $1 AND webhook = $2 AND id = $3`, a, w, id)
	if err != nil {
		return crm.Delivery{}, o.db.Fail(ctx, "read delivery", err)
	}
	if len(found) == 0 {
		return crm.Delivery{}, txn.NotFound("delivery")
	}
	return found[0], nil
}

// ListDeliveries lists what became of a webhook's events, the newest first.
func (o *Office) ListDeliveries(ctx context.Context, a crm.AccountID, w crm.WebhookID, p crm.Paging) (crm.Part[crm.Delivery], error) {
	before, _, err := txn.ReadCursor(p.Cursor)
	if err != nil {
		return crm.Part[crm.Delivery]{}, err
	}
	list, err := txn.All(o.db.Reading(ctx), deliveryScanner(a, w), `
		SELECT `+deliveryColumns+` FROM deliveries
		WHERE account = $1 AND webhook = $2 AND ($3 = 0 OR seq < $3) ORDER BY seq DESC LIMIT $4`, a, w, before, p.Limit+1)
	return txn.Part(list, p.Limit, func(d crm.Delivery) string { return txn.Cursor(d.Seq, string(d.ID)) }), o.db.Fail(ctx, "list deliveries", err)
}
