package outbox

import (
	"context"
	"time"

	"mailsyncd.example/crm"
)

// Store is what the Dispatcher needs of the database. Every method is one
// transaction.
type Store interface {
	// DueWebhooks lists webhooks of all accounts that have events to hear and
	// may be posted to now.
	DueWebhooks(ctx context.Context, now time.Time, limit int) ([]crm.WebhookKey, error)
	// ClaimWebhook takes a webhook's next events for the caller alone until
	// the lease ends; false where it is not due, or somebody else has it.
	ClaimWebhook(ctx context.Context, k crm.WebhookKey, now, lease time.Time, limit int) (crm.Batch, bool, error)
	// SettleWebhook ends a claim; false where the lease was lost, and then
	// nothing is written.
	SettleWebhook(ctx context.Context, s crm.Settled) (held bool, err error)

	Webhook(ctx context.Context, a crm.AccountID, id crm.WebhookID) (crm.Webhook, error)
	WebhookSecrets(ctx context.Context, a crm.AccountID, id crm.WebhookID, now time.Time) ([]crm.Secret, error)
	Delivery(ctx context.Context, a crm.AccountID, w crm.WebhookID, id crm.DeliveryID) (crm.Delivery, error)
	// SaveAttempt writes down one more attempt at a delivery that is settled.
	SaveAttempt(ctx context.Context, d crm.Delivery) error
	// RetryWebhook lets a webhook that waits after a failure be tried at once.
	RetryWebhook(ctx context.Context, k crm.WebhookKey) error
	Facts
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
}
