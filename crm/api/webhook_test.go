package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// The secret is shown when it is made, and never again.
func TestWebhookSecretIsShownOnce(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	made := must(o.as["mona"].CreateWebhook(ctx, wire.WebhookInput{
		URL: "https://hooks.example/x", Types: []crm.EventType{crm.ContactReplied, crm.ContactReplied}, Include: []crm.Inclusion{crm.IncludeMessage},
	}))(t)
	if !strings.HasPrefix(made.Secret, "whsec_") || made.Status != crm.WebhookActive || len(made.Types) != 1 {
		t.Errorf("made %+v", made)
	}
	rotated := must(o.key.RotateWebhook(ctx, made.ID))(t)
	if rotated.Secret == made.Secret || !strings.HasPrefix(rotated.Secret, "whsec_") {
		t.Error("rotation made no new secret")
	}
	secrets := must(o.store.WebhookSecrets(ctx, o.account, made.ID, o.clock.Now()))(t)
	if want := []crm.Secret{crm.Secret(rotated.Secret), crm.Secret(made.Secret)}; !slices.Equal(secrets, want) {
		t.Errorf("%d secrets sign during rotation", len(secrets))
	}
	for _, path := range []string{"/v1/webhooks", "/v1/webhooks/" + string(made.ID), "/v1/events"} {
		resp := must(o.key.Send(ctx, "GET", path, "", nil))(t)
		if text := body(t, resp); strings.Contains(text, "whsec") || strings.Contains(text, `"secret"`) {
			t.Errorf("%s shows the secret: %s", path, text)
		}
	}
	for _, entry := range o.log.All() {
		if strings.Contains(fmt.Sprint(entry.ContextMap()), "whsec") {
			t.Errorf("the log has the secret: %v", entry)
		}
	}
}

func TestWebhookIsReplacedAndDeleted(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	made := must(o.key.CreateWebhook(ctx, wire.WebhookInput{URL: "https://hooks.example/x"}))(t)
	o.clock.advance(time.Hour)
	changed := must(o.key.UpdateWebhook(ctx, made.ID, wire.WebhookInput{URL: "https://hooks.example/y", Status: crm.WebhookDisabled}))(t)
	if changed.URL != "https://hooks.example/y" || changed.Status != crm.WebhookDisabled || !changed.UpdatedAt.After(made.UpdatedAt) {
		t.Errorf("changed to %+v", changed)
	}
	if again := must(o.key.Webhook(ctx, made.ID))(t); fmt.Sprint(again) != fmt.Sprint(changed) {
		t.Errorf("read as %+v, want %+v", again, changed)
	}
	if list := must(o.key.Webhooks(ctx))(t); len(list) != 1 {
		t.Errorf("%d webhooks", len(list))
	}
	must(0, o.key.DeleteWebhook(ctx, made.ID))(t)
	_, err := o.key.Webhook(ctx, made.ID)
	wantCode(t, err, "webhook_not_found")
	_, err = o.key.Deliveries(ctx, made.ID)
	wantCode(t, err, "webhook_not_found")
	_, err = o.key.TestWebhook(ctx, made.ID)
	wantCode(t, err, "webhook_not_found")
}

func TestBadWebhooks(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	_, err := o.key.CreateWebhook(ctx, wire.WebhookInput{URL: "https://hooks.example", Types: []crm.EventType{"mail.came"}})
	wantCode(t, err, "event_type_unknown")
	_, err = o.key.CreateWebhook(ctx, wire.WebhookInput{URL: "https://hooks.example", Status: crm.WebhookDown})
	wantCode(t, err, "field_invalid")
	_, err = o.key.CreateWebhook(ctx, wire.WebhookInput{URL: "https://hooks.example", Include: []crm.Inclusion{"raw"}})
	wantCode(t, err, "field_invalid")

	made := must(o.key.CreateWebhook(ctx, wire.WebhookInput{URL: "https://hooks.example"}))(t)
	o.poster.check = crm.E(crm.Forbidden, "host_not_allowed", "This host is not on the public internet.")
	_, err = o.key.UpdateWebhook(ctx, made.ID, wire.WebhookInput{URL: "https://inside.example"})
	wantCode(t, err, "host_not_allowed")
	p := o.problem(t, o.key, "POST /v1/webhooks", "application/json", `{"url":"https://inside.example"}`)
	if p.Status != 422 || p.Code != "host_not_allowed" {
		t.Errorf("got %d %s; not the caller is refused, but the URL", p.Status, p.Code)
	}
	if list := must(o.key.Webhooks(ctx))(t); len(list) != 1 || list[0].URL != "https://hooks.example" {
		t.Errorf("webhooks %+v", list)
	}
}

// A test and a redelivery are posted here and now, and tell what came of it.
func TestWebhookByHand(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	made := must(o.key.CreateWebhook(ctx, wire.WebhookInput{URL: "https://hooks.example", Include: []crm.Inclusion{crm.IncludeMessage}}))(t)
	o.poster.answer = crm.Answer{At: o.clock.Now(), Status: 500, Body: "oops", Took: 30 * time.Millisecond}
	o.clock.advance(123456789)
	tested := must(o.key.TestWebhook(ctx, made.ID))(t)
	if tested.OK || tested.Status != 500 || tested.Answer != "oops" || tested.Took != 30 || !strings.Contains(o.poster.bodies[0], `"webhook.test"`) {
		t.Errorf("tested: %+v, posted %s", tested, o.poster.bodies)
	}
	if !strings.Contains(o.poster.bodies[0], `"timestamp":"2026-11-02T09:00:00.123Z"`) {
		t.Errorf("posted %s; times have milliseconds, as everywhere", o.poster.bodies[0])
	}

	must(o.key.PutContact(ctx, "kunde", wire.ContactInput{Addresses: []string{"kunde@kunde.example"}}))(t)
	ids := o.imports(t, o.link(t, "uwe"), mailFrom("kunde", "kunde@kunde.example", "Hello"))
	key := crm.WebhookKey{Account: o.account, ID: made.ID}
	batch, _, err := o.store.ClaimWebhook(ctx, key, o.clock.Now(), o.clock.Now().Add(time.Minute), 50)
	must(0, err)(t)
	last := batch.Events[len(batch.Events)-1]
	settled := crm.Settled{
		Account: o.account, Webhook: made.ID, Lease: batch.Lease, Position: batch.Through, Status: crm.WebhookDown, Detail: "given up", At: o.clock.Now(),
		Deliveries: []crm.Delivery{{
			Account: o.account, Webhook: made.ID, ID: "dlv_1", Seq: last.Seq, Event: last.ID, Type: last.Type,
			Status: crm.DeliveryFailed, Attempts: 1, Answer: o.poster.answer,
		}},
	}
	must(o.store.SettleWebhook(ctx, settled))(t)
	o.poster.answer.Status = 200
	again := must(o.key.Redeliver(ctx, made.ID, "dlv_1"))(t)
	if again.Status != crm.Delivered || again.Attempts != 2 || again.Last.Status != 200 {
		t.Errorf("redelivered: %+v", again)
	}
	if posted := o.poster.bodies[1]; !strings.Contains(posted, `"message":{"subject":"Hello"`) || !strings.Contains(posted, string(last.ID)) {
		t.Errorf("posted %s", posted)
	}
	if list := must(o.key.Deliveries(ctx, made.ID))(t); len(list) != 1 || fmt.Sprint(list[0]) != fmt.Sprint(again) {
		t.Errorf("deliveries %+v, want %+v", list, again)
	}

	// Its content is not posted once it was deleted.
	must(o.store.DeleteMessage(ctx, o.account, ids[0], o.clock.Now()))(t)
	must(o.key.Redeliver(ctx, made.ID, "dlv_1"))(t)
	if posted := o.poster.bodies[2]; strings.Contains(posted, "Hello") || !strings.Contains(posted, string(last.ID)) {
		t.Errorf("posted %s", posted)
	}

	// Who may not see webhooks hears nothing of them either.
	heard := func(of string) bool {
		return slices.ContainsFunc(must(o.as[of].Events(ctx, 0))(t), func(e wire.Event) bool { return e.Type == crm.WebhookFailed })
	}
	if !heard("mona") || heard("uwe") {
		t.Error("webhook.failed is for manager and up")
	}
}
