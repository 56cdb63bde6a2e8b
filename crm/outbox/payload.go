package outbox

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"mailsyncd.example/crm"
)

// payload is what an endpoint gets: the event as the API shows it, so that who
// reads one way can read the other, with the timestamp that Standard Webhooks
// recommends.
type payload struct {
	Type      crm.EventType   `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
	ID        crm.EventID     `json:"id"`
	Seq       int64           `json:"seq"`
	At        time.Time       `json:"at"`
	Account   crm.AccountID   `json:"account_id"`
	Message   *content        `json:"message,omitempty"`
}

// content is what an endpoint gets of a message that asked for it.
type content struct {
	Subject string `json:"subject"`
	Snippet string `json:"snippet"`
	Text    string `json:"text"`
}

// compose writes down what an endpoint gets of an event.
func (d *Dispatcher) compose(ctx context.Context, w crm.Webhook, e crm.Event) ([]byte, error) {
	p := payload{Type: e.Type, Timestamp: e.At, Data: e.Data, ID: e.ID, Seq: e.Seq, At: e.At, Account: e.Account}
	if slices.Contains(w.Include, crm.IncludeMessage) {
		var err error
		if p.Message, err = d.content(ctx, e); err != nil {
			return nil, err
		}
	}
	return json.Marshal(p)
}

// content reads the message that an event is about; nil where it is about none,
// or about one that was deleted since.
func (d *Dispatcher) content(ctx context.Context, e crm.Event) (*content, error) {
	var about struct {
		Message crm.MessageID `json:"message_id"`
	}
	if err := json.Unmarshal(e.Data, &about); err != nil || about.Message == "" {
		return nil, nil
	}
	m, err := d.Store.Message(ctx, e.Account, about.Message)
	if crm.KindOf(err) == crm.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &content{Subject: m.Letter.Subject, Snippet: m.Letter.Snippet, Text: m.Letter.Text}, nil
}
