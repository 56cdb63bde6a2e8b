package office

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
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

// dueWebhooks finds webhooks that have events to hear and may be posted to now.
const dueWebhooks = `
	SELECT w.account, w.id FROM webhooks w JOIN accounts a ON a.id = w.account
	WHERE w.status = $1 AND w.position < a.event_seq AND w.next_at <= $2 AND w.lease <= $2`

// waitingWebhooks are the few that an index of their own holds: those that wait
// after a failure, and those that somebody posts to, or did when it was killed.
const waitingWebhooks = ` AND (w.next_at > 0 OR w.lease > 0)`

func scanWebhookKey(scan txn.Scan) (crm.WebhookKey, error) {
	var k crm.WebhookKey
	err := scan(&k.Account, &k.ID)
	return k, err
}

// DueWebhooks lists webhooks of these accounts that have events to hear and may
// be posted to now.
func (o *Office) DueWebhooks(ctx context.Context, accounts []crm.AccountID, now time.Time) ([]crm.WebhookKey, error) {
	var due []crm.WebhookKey
	for some := range slices.Chunk(accounts, 100) {
		c := txn.Clause{Args: []any{crm.WebhookActive, txn.MS(now)}}
		marks := make([]string, len(some))
		for i, a := range some {
			marks[i] = c.Add(a)
		}
		found, err := txn.All(o.db.Reading(ctx), scanWebhookKey,
			dueWebhooks+` AND w.account IN (`+strings.Join(marks, ", ")+`) ORDER BY w.account, w.id`, c.Args...)
		if err != nil {
			return nil, o.db.Fail(ctx, "find due webhooks", err)
		}
		due = append(due, found...)
	}
	return due, nil
}

// RipeWebhooks lists webhooks of all accounts that have events to hear and
// whose wait is over: after a failure, or for somebody who posted to them and
// was killed. Those that wait longest come first.
func (o *Office) RipeWebhooks(ctx context.Context, now time.Time, limit int) ([]crm.WebhookKey, error) {
	ripe, err := txn.All(o.db.Reading(ctx), scanWebhookKey,
		dueWebhooks+waitingWebhooks+` ORDER BY w.next_at, w.account, w.id LIMIT $3`, crm.WebhookActive, txn.MS(now), limit)
	return ripe, o.db.Fail(ctx, "find ripe webhooks", err)
}

// DueWebhooksAfter looks at the webhooks of all accounts that follow one, in
// the order of their keys, at most limit of them. It returns those that are due
// and the last one that it has looked at; the zero key where there are no more.
func (o *Office) DueWebhooksAfter(ctx context.Context, after crm.WebhookKey, now time.Time, limit int) (due []crm.WebhookKey, last crm.WebhookKey, err error) {
	looked := 0
	err = o.db.Reading(ctx).Each(func(scan txn.Scan) error {
		var isDue bool
		if err := scan(&last.Account, &last.ID, &isDue); err != nil {
			return err
		}
		if looked++; isDue {
			due = append(due, last)
		}
		return nil
	}, `
		SELECT w.account, w.id, w.status = $1 AND w.position < a.event_seq AND w.next_at <= $2 AND w.lease <= $2
		FROM webhooks w JOIN accounts a ON a.id = w.account
		WHERE (w.account, w.id) > ($3, $4) ORDER BY w.account, w.id LIMIT $5`,
		crm.WebhookActive, txn.MS(now), after.Account, after.ID, limit)
	if looked < limit {
		last = crm.WebhookKey{}
	}
	return due, last, o.db.Fail(ctx, "look for due webhooks", err)
}

// UnreachableWebhooks lists where webhooks of all accounts lead that wait
// because no connection could be made.
func (o *Office) UnreachableWebhooks(ctx context.Context, now time.Time, limit int) ([]crm.Endpoint, error) {
	list, err := txn.All(o.db.Reading(ctx), func(scan txn.Scan) (crm.Endpoint, error) {
		var e crm.Endpoint
		err := scan(&e.Account, &e.ID, &e.URL)
		return e, err
	}, `
		SELECT w.account, w.id, w.url FROM webhooks w
		WHERE w.status = $1 AND w.unreachable AND w.next_at > $2`+waitingWebhooks+`
		ORDER BY w.account, w.id LIMIT $3`, crm.WebhookActive, txn.MS(now), limit)
	return list, o.db.Fail(ctx, "find unreachable webhooks", err)
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

// RenewWebhook gives a claim more time; false where the lease was lost.
func (o *Office) RenewWebhook(ctx context.Context, k crm.WebhookKey, from, to time.Time) (held bool, err error) {
	err = o.change(ctx, "renew webhook", k.Account, func(t tx) error {
		n, err := t.Exec(`UPDATE webhooks SET lease = $4 WHERE account = $1 AND id = $2 AND lease = $3`,
			k.Account, k.ID, txn.MS(from), txn.MS(to))
		held = n > 0
		return err
	})
	return held, err
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
			return nil // the others are for the next batch
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
			UPDATE webhooks SET position = $4, lease = 0, failing_at = $5, next_at = $6, status = $7, detail = $8, unreachable = $9
			WHERE account = $1 AND id = $2 AND lease = $3`, s.Account, s.Webhook, txn.MS(s.Lease),
			s.Position, txn.MSOrNull(s.FailingAt), nextAt(s.NextAt), s.Status, s.Detail, s.Unreachable)
		if held = n > 0; err != nil || !held {
			return err
		}
		if err := t.saveDeliveries(s.Deliveries); err != nil {
			return err
		}
		if s.Status != crm.WebhookActive {
			t.tellWebhook(s)
		}
		// The record is bounded by the account's events, so one that moves on
		// takes the oldest along and nobody has to clean up.
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
		t.Ring()
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
	d, err := txn.One(o.db.Reading(ctx), "delivery", deliveryScanner(a, w), `
		SELECT `+deliveryColumns+` FROM deliveries WHERE account = $1 AND webhook = $2 AND id = $3`, a, w, id)
	return d, o.db.Fail(ctx, "read delivery", err)
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
