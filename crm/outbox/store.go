package outbox

import (
	"context"
	"time"

	"mailsyncd.example/crm"
)

// Store is what the Dispatcher needs of the database. Every method is one
// transaction.
type Store interface {
	Dues
	// ClaimWebhook takes a webhook's next events for the caller alone until
	// the lease ends; false where it is not due, or somebody else has it.
	ClaimWebhook(ctx context.Context, k crm.WebhookKey, now, lease time.Time, limit int) (crm.Batch, bool, error)
	// RenewWebhook gives a claim more time; false where the lease was lost.
	RenewWebhook(ctx context.Context, k crm.WebhookKey, from, to time.Time) (held bool, err error)
	// SettleWebhook ends a claim; false where the lease was lost, and then
	// nothing is written.
	SettleWebhook(ctx context.Context, s crm.Settled) (held bool, err error)

	Webhook(ctx context.Context, a crm.AccountID, id crm.WebhookID) (crm.Webhook, error)
	WebhookSecrets(ctx context.Context, a crm.AccountID, id crm.WebhookID, now time.Time) ([]crm.Secret, error)
	Delivery(ctx context.Context, a crm.AccountID, w crm.WebhookID, id crm.DeliveryID) (crm.Delivery, error)
	// SaveAttempt writes down one more attempt at a delivery that is settled.
	SaveAttempt(ctx context.Context, d crm.Delivery) error
	Facts
}

// Dues say which webhooks have events to hear and may be posted to now, those
// of disabled ones aside. Nothing here looks at all webhooks at once: there may
// be tens of thousands.
type Dues interface {
	// DueWebhooks lists those of these accounts.
	DueWebhooks(ctx context.Context, accounts []crm.AccountID, now time.Time) ([]crm.WebhookKey, error)
	// RipeWebhooks lists those of all accounts whose wait is over: after a
	// failure, or for somebody who posted to them and was killed.
	RipeWebhooks(ctx context.Context, now time.Time, limit int) ([]crm.WebhookKey, error)
	// DueWebhooksAfter looks at the webhooks of all accounts that follow one,
	// at most limit of them, and returns those that are due and the last one
	// that it has looked at: the zero key where there are no more.
	DueWebhooksAfter(ctx context.Context, after crm.WebhookKey, now time.Time, limit int) (due []crm.WebhookKey, last crm.WebhookKey, err error)
	// UnreachableWebhooks lists where webhooks lead that wait because no
	// connection could be made.
	UnreachableWebhooks(ctx context.Context, now time.Time, limit int) ([]crm.Endpoint, error)
	// RetryWebhook lets a webhook that waits after a failure be tried at once,
	// and rings the bell for it.
	RetryWebhook(ctx context.Context, k crm.WebhookKey) error
}

// Facts are what is posted.
type Facts interface {
	ListEvents(ctx context.Context, a crm.AccountID, after int64, limit int) ([]crm.Event, error)
	Message(ctx context.Context, a crm.AccountID, id crm.MessageID) (crm.Message, error)
}

// Poster posts to endpoints.
type Poster interface {
	// Post posts a body once. What went wrong is in the answer.
	Post(ctx context.Context, url string, id crm.EventID, secrets []crm.Secret, body []byte) crm.Answer
	// Check tells what is wrong with the URL of an endpoint.
	Check(ctx context.Context, url string) error
	// Knock opens a connection to where a URL leads, over TLS where it says so,
	// and closes it without a request.
	Knock(ctx context.Context, url string) error
}
