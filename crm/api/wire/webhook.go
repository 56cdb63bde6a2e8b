package wire

import (
	"slices"
	"time"

	"mailsyncd.example/crm"
)

// Webhook is an endpoint that hears the account's events.
type Webhook struct {
	ID        crm.WebhookID     `json:"id"`
	URL       string            `json:"url"`
	Types     []crm.EventType   `json:"types" nullable:"false" doc:"What it hears of; empty: everything."`
	Include   []crm.Inclusion   `json:"include" nullable:"false"`
	Status    crm.WebhookStatus `json:"status" enum:"active,disabled,failed" doc:"failed: given up after three days without success."`
	Detail    string            `json:"detail,omitempty" doc:"Why it is not active, or what fails at the moment."`
	FailingAt time.Time         `json:"failing_since,omitzero"`
	CreatedAt time.Time         `json:"created_at"`
	UpdatedAt time.Time         `json:"updated_at"`
}

// NewWebhook is a webhook with a secret that was just made: the only time that
// it is shown.
type NewWebhook struct {
	Webhook
	Secret string `json:"secret" doc:"Signs what is posted (Standard Webhooks). Shown here and never again."`
}

// WebhookInput is a webhook as it is to be.
type WebhookInput struct {
	URL     string            `json:"url" minLength:"1" maxLength:"2000" doc:"https, on the public internet, without user name and fragment. Redirects are not followed."`
	Types   []crm.EventType   `json:"types,omitempty" maxItems:"50" doc:"What to hear of; none: everything."`
	Include []crm.Inclusion   `json:"include,omitempty" maxItems:"10" enum:"message" doc:"message: subject, snippet and text of the message that an event is about. Without it only ids and addresses are posted."`
	Status  crm.WebhookStatus `json:"status,omitempty" enum:"active,disabled" default:"active"`
}

// Apply writes into w what the input says.
func (in WebhookInput) Apply(w *crm.Webhook) error {
	for _, t := range in.Types {
		if !slices.Contains(crm.EventTypes(), t) {
			return crm.E(crm.Invalid, "event_type_unknown", "There is no event type "+string(t)+"; the document of GET /v1/events lists them.")
		}
	}
	w.URL, w.Status = in.URL, in.Status
	w.Types, w.Include = distinct(in.Types), distinct(in.Include)
	return nil
}

// distinct sorts a list and leaves out what comes twice.
func distinct[T ~string](list []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

// WebhookOf shows a webhook, not its secret.
func WebhookOf(w crm.Webhook) Webhook {
	return Webhook{
		ID: w.ID, URL: w.URL, Types: OrEmpty(w.Types), Include: OrEmpty(w.Include), Status: w.Status, Detail: w.Detail,
		FailingAt: UTC(w.FailingAt), CreatedAt: UTC(w.CreatedAt), UpdatedAt: UTC(w.UpdatedAt),
	}
}

// Attempt is what an endpoint said to one attempt.
type Attempt struct {
	At     time.Time `json:"at"`
	Took   int64     `json:"ms" doc:"How long it took."`
	Status int       `json:"http_status" doc:"0: there was no answer."`
	Answer string    `json:"answer" doc:"Its first KiB."`
	Fault  string    `json:"fault,omitempty" doc:"Why there was no answer."`
}

// AttemptOf shows an attempt.
func AttemptOf(a crm.Answer) Attempt {
	return Attempt{At: UTC(a.At), Took: a.Took.Milliseconds(), Status: a.Status, Answer: a.Body, Fault: a.Fault}
}

// WebhookTest is what an endpoint said to a test.
type WebhookTest struct {
	OK bool `json:"ok"`
	Attempt
}

// WebhookTestOf shows a test.
func WebhookTestOf(a crm.Answer) WebhookTest { return WebhookTest{OK: a.OK(), Attempt: AttemptOf(a)} }

// Delivery is what became of one event at one endpoint.
type Delivery struct {
	ID       crm.DeliveryID     `json:"id"`
	Seq      int64              `json:"seq" doc:"The event's."`
	Event    crm.EventID        `json:"event_id"`
	Type     crm.EventType      `json:"type"`
	Status   crm.DeliveryStatus `json:"status" enum:"pending,delivered,failed"`
	Attempts int64              `json:"attempts"`
	NextAt   time.Time          `json:"next_at,omitzero" doc:"When it is tried again."`
	Last     Attempt            `json:"last_attempt"`
}

// DeliveryOf shows a delivery.
func DeliveryOf(d crm.Delivery) Delivery {
	return Delivery{
		ID: d.ID, Seq: d.Seq, Event: d.Event, Type: d.Type, Status: d.Status, Attempts: d.Attempts,
		NextAt: UTC(d.NextAt), Last: AttemptOf(d.Answer),
	}
}
