package crm

import "time"

type (
	WebhookID  string // whk_…
	DeliveryID string // dlv_…
)

const (
	// WebhookFailed tells that a webhook was given up: its endpoint failed for
	// days, or said that it is gone.
	WebhookFailed EventType = "webhook.failed"
	// WebhookTest is what a test posts; it is no fact, and is in no list.
	WebhookTest EventType = "webhook.test"
)

// Webhook is an endpoint of the account's that hears its events.
type Webhook struct {
	Account   AccountID
	ID        WebhookID
	URL       string
	Types     []EventType // none: all
	Include   []Inclusion
	Status    WebhookStatus
	Detail    string    // why it is not active, or not well; "" when all is well
	FailingAt time.Time // since when it fails; zero where it does not
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Wants tells whether the webhook is to hear of this type of event.
func (w Webhook) Wants(t EventType) bool {
	for _, wanted := range w.Types {
		if wanted == t {
			return true
		}
	}
	return len(w.Types) == 0
}

// Inclusion is content that an endpoint asks for; without any it hears ids and
// addresses only.
type Inclusion string

// IncludeMessage adds subject, text and snippet of the message that an event
// is about.
const IncludeMessage Inclusion = "message"

// WebhookStatus says whether an endpoint hears events.
type WebhookStatus string

const (
	WebhookActive   WebhookStatus = "active"
	WebhookDisabled WebhookStatus = "disabled" // by somebody, or by the endpoint's own answer 410
	WebhookDown     WebhookStatus = "failed"   // given up after days without success
)

// Delivery is what became of one event at one endpoint.
type Delivery struct {
	Account  AccountID
	Webhook  WebhookID
	ID       DeliveryID
	Seq      int64 // the event's
	Event    EventID
	Type     EventType
	Status   DeliveryStatus
	Attempts int64
	NextAt   time.Time // zero where no attempt follows by itself
	Answer   Answer    // the latest
}

// DeliveryStatus is how far a delivery has come.
type DeliveryStatus string

const (
	DeliveryPending DeliveryStatus = "pending" // failed so far, to be tried again
	Delivered       DeliveryStatus = "delivered"
	DeliveryFailed  DeliveryStatus = "failed" // given up
)

// Answer is what an endpoint said to one attempt.
type Answer struct {
	At      time.Time
	Took    time.Duration
	Reached bool          // there was a connection to send it over
	Status  int           // of HTTP; 0 where there was no answer
	Body    string        // its first KiB, as far as it is text
	Fault   string        // why there was no answer, in words; "" where there was one
	After   time.Duration // how long the endpoint asked to wait; 0 where it did not
}

// OK tells whether the endpoint has taken the event: any status of 2xx.
func (a Answer) OK() bool { return a.Status/100 == 2 }

// WebhookKey names a webhook among those of all accounts.
type WebhookKey struct {
	Account AccountID
	ID      WebhookID
}

// Endpoint is where a webhook leads.
type Endpoint struct {
	WebhookKey
	URL string
}

// Batch is what was claimed of a webhook's events: nobody else posts to this
// endpoint until the lease ends.
type Batch struct {
	Webhook Webhook
	Secrets []Secret  // to sign with, the newest first
	Lease   time.Time // its end, and what proves that it is still held
	Events  []Event   // those that the webhook wants, in order
	Through int64     // up to here every event was looked at
}

// Settled ends a Batch: what became of it and how it goes on.
type Settled struct {
	Account     AccountID
	Webhook     WebhookID
	Lease       time.Time
	Position    int64 // every event up to here is dealt with
	Deliveries  []Delivery
	FailingAt   time.Time // zero where the endpoint is well
	NextAt      time.Time // not before; zero: at once
	Unreachable bool      // no connection could be made: one that can ends the wait
	Status      WebhookStatus
	Detail      string
	At          time.Time
}
