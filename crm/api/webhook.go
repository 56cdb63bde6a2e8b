package api

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// rotationTime is for how long a webhook's old secret signs too.
const rotationTime = 24 * time.Hour

// WebhookPath names a webhook of the account.
type WebhookPath struct {
	ID wire.ID `path:"id"`
}

func (p WebhookPath) webhook() crm.WebhookID { return crm.WebhookID(p.ID) }

// newWebhookSecret makes a secret of 256 random bits, in the form that Standard
// Webhooks gives it.
func newWebhookSecret() crm.Secret {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return crm.Secret("whsec_" + base64.StdEncoding.EncodeToString(b[:]))
}

func (s *server) createWebhook(ctx context.Context, in *struct{ Body wire.WebhookInput }) (*reply[wire.NewWebhook], error) {
	now := s.Now()
	w := crm.Webhook{Account: account(ctx), ID: crm.WebhookID(crm.NewID("whk", now)), CreatedAt: now, UpdatedAt: now}
	if err := s.apply(ctx, in.Body, &w); err != nil {
		return nil, err
	}
	secret := newWebhookSecret()
	if err := s.Store.CreateWebhook(ctx, w, secret); err != nil {
		return nil, err
	}
	return &reply[wire.NewWebhook]{wire.NewWebhook{Webhook: wire.WebhookOf(w), Secret: string(secret)}}, nil
}

// apply takes the input over, if its URL leads where webhooks may go.
func (s *server) apply(ctx context.Context, in wire.WebhookInput, w *crm.Webhook) error {
	if err := in.Apply(w); err != nil {
		return err
	}
	err := s.Endpoints.Check(ctx, w.URL)
	if crm.KindOf(err) == crm.Forbidden {
		// Not the caller is refused, but what was sent.
		return crm.Wrap(crm.Invalid, crm.CodeOf(err), crm.DetailOf(err), err)
	}
	return err
}

func (s *server) listWebhooks(ctx context.Context, in *pageInput) (*page[wire.Webhook], error) {
	part, err := s.Store.ListWebhooks(ctx, account(ctx), in.paging())
	if err != nil {
		return nil, err
	}
	return mapped(part, wire.WebhookOf), nil
}

func (s *server) getWebhook(ctx context.Context, in *WebhookPath) (*reply[wire.Webhook], error) {
	w, err := s.Store.Webhook(ctx, account(ctx), in.webhook())
	if err != nil {
		return nil, err
	}
	return &reply[wire.Webhook]{wire.WebhookOf(w)}, nil
}

// updateWebhook replaces all of a webhook but its secret. One that was given up
// goes on after the event at which that happened.
func (s *server) updateWebhook(ctx context.Context, in *struct {
	WebhookPath
	Body wire.WebhookInput
}) (*reply[wire.Webhook], error) {
	w, err := s.Store.Webhook(ctx, account(ctx), in.webhook())
	if err != nil {
		return nil, err
	}
	if err := s.apply(ctx, in.Body, &w); err != nil {
		return nil, err
	}
	w.UpdatedAt = s.Now()
	if err := s.Store.UpdateWebhook(ctx, w); err != nil {
		return nil, err
	}
	w.Detail, w.FailingAt = "", time.Time{}
	return &reply[wire.Webhook]{wire.WebhookOf(w)}, nil
}

func (s *server) deleteWebhook(ctx context.Context, in *WebhookPath) (*none, error) {
	return nil, s.Store.DeleteWebhook(ctx, account(ctx), in.webhook())
}

// rotateWebhook gives a webhook another secret; for a day the old one signs
// too, so that the receiver can change over at leisure.
func (s *server) rotateWebhook(ctx context.Context, in *WebhookPath) (*reply[wire.NewWebhook], error) {
	now, secret := s.Now(), newWebhookSecret()
	if err := s.Store.RotateWebhook(ctx, account(ctx), in.webhook(), secret, now.Add(rotationTime), now); err != nil {
		return nil, err
	}
	w, err := s.Store.Webhook(ctx, account(ctx), in.webhook())
	if err != nil {
		return nil, err
	}
	return &reply[wire.NewWebhook]{wire.NewWebhook{Webhook: wire.WebhookOf(w), Secret: string(secret)}}, nil
}

// testWebhook posts an event of type webhook.test here and now.
func (s *server) testWebhook(ctx context.Context, in *WebhookPath) (*reply[wire.WebhookTest], error) {
	answer, err := s.Endpoints.Test(ctx, crm.WebhookKey{Account: account(ctx), ID: in.webhook()})
	if err != nil {
		return nil, err
	}
	return &reply[wire.WebhookTest]{wire.WebhookTestOf(answer)}, nil
}

// listDeliveries asks for the webhook first: a list of no webhook's deliveries
// would be empty, and look like one that heard nothing yet.
func (s *server) listDeliveries(ctx context.Context, in *struct {
	WebhookPath
	Paging
}) (*page[wire.Delivery], error) {
	if _, err := s.Store.Webhook(ctx, account(ctx), in.webhook()); err != nil {
		return nil, err
	}
	part, err := s.Store.ListDeliveries(ctx, account(ctx), in.webhook(), in.paging())
	if err != nil {
		return nil, err
	}
	return mapped(part, wire.DeliveryOf), nil
}

// redeliver posts an event again, here and now; one that is still being tried
// is tried at once.
func (s *server) redeliver(ctx context.Context, in *struct {
	WebhookPath
	Delivery wire.ID `path:"delivery_id"`
}) (*reply[wire.Delivery], error) {
	d, err := s.Endpoints.Redeliver(ctx, crm.WebhookKey{Account: account(ctx), ID: in.webhook()}, crm.DeliveryID(in.Delivery))
	if err != nil {
		return nil, err
	}
	return &reply[wire.Delivery]{wire.DeliveryOf(d)}, nil
}
