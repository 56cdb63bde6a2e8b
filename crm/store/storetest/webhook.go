package storetest

import (
	"fmt"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
)

// webhook makes a webhook that hears of these types from now on.
func (h *house) webhook(id crm.WebhookID, types ...crm.EventType) crm.Webhook {
	h.t.Helper()
	w := crm.Webhook{
		Account: h.account, ID: id, URL: "https://hooks.example/" + string(id), Types: types,
		Status: crm.WebhookActive, CreatedAt: h.now, UpdatedAt: h.now,
	}
	h.must(h.CreateWebhook(h.t.Context(), w, crm.Secret("secret of "+id)))
	return w
}

// tell writes n events.
func (h *house) tell(n int) {
	h.t.Helper()
	for range n {
		h.letters++
		name := fmt.Sprint("told", h.letters)
		h.link(crm.UserID(name), name)
	}
}

func testWebhooks(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	w := h.webhook("whk_1", crm.ContactReplied, crm.LinkEnded)
	same(t, "webhook", value(h.Webhook(ctx, h.account, w.ID))(h), w)
	fails(t, h.CreateWebhook(ctx, w, "x"), crm.Conflict, "webhook_exists")
	h.webhook("whk_2")
	h.webhook("whk_3")
	list := pages(h, func(p crm.Paging) (crm.Part[crm.Webhook], error) { return h.ListWebhooks(ctx, h.account, p) })
	same(t, "webhooks, newest first", names(list, func(w crm.Webhook) crm.WebhookID { return w.ID }), []crm.WebhookID{"whk_3", "whk_2", "whk_1"})

	h.pass(time.Hour)
	w.URL, w.Types, w.Include, w.Status, w.UpdatedAt = "https://other.example", nil, []crm.Inclusion{crm.IncludeMessage}, crm.WebhookDisabled, h.now
	h.must(h.UpdateWebhook(ctx, w))
	same(t, "webhook after a change", value(h.Webhook(ctx, h.account, w.ID))(h), w)

	h.must(h.DeleteWebhook(ctx, h.account, w.ID))
	_, err := h.Webhook(ctx, h.account, w.ID)
	fails(t, err, crm.NotFound, "webhook_not_found")
	fails(t, h.DeleteWebhook(ctx, h.account, w.ID), crm.NotFound, "webhook_not_found")
	fails(t, h.UpdateWebhook(ctx, w), crm.NotFound, "webhook_not_found")
	fails(t, h.RotateWebhook(ctx, h.account, w.ID, "x", h.now, h.now), crm.NotFound, "webhook_not_found")
	_, err = h.WebhookSecrets(ctx, h.account, w.ID, h.now)
	fails(t, err, crm.NotFound, "webhook_not_found")

	for i := range 48 {
		h.webhook(crm.WebhookID(fmt.Sprint("whk_more", i)))
	}
	w.ID = "whk_too_many"
	fails(t, h.CreateWebhook(ctx, w, "x"), crm.Conflict, "webhook_limit")

	h.must(h.DeleteAccount(ctx, h.account, h.now))
	again := newHouseIn(t, h.Store, h.account)
	same(t, "webhooks of an account made anew", len(value(again.ListWebhooks(ctx, h.account, crm.Paging{Limit: 9}))(again).Items), 0)
}

// A webhook's secrets change places, and are encrypted like credentials.
func testWebhookSecrets(t *testing.T, open Opener) {
	keys := &box{key: 1}
	h := newHouseIn(t, open(t, store.Options{Sealer: keys}), "acc_1")
	ctx := t.Context()
	w := h.webhook("whk_1")
	secrets := func() []crm.Secret { return value(h.WebhookSecrets(ctx, h.account, w.ID, h.now))(h) }
	same(t, "secrets", secrets(), []crm.Secret{"secret of whk_1"})
	h.must(h.RotateWebhook(ctx, h.account, w.ID, "second", h.now.Add(time.Hour), h.now))
	same(t, "secrets during rotation", secrets(), []crm.Secret{"second", "secret of whk_1"})
	keys.key = 2
	same(t, "resealed", value(h.Reseal(ctx))(h), 1)
	same(t, "secrets after resealing", secrets(), []crm.Secret{"second", "secret of whk_1"})
	h.pass(time.Hour)
	same(t, "secrets after rotation", secrets(), []crm.Secret{"second"})
	keys.key = 0
	_, err := h.WebhookSecrets(ctx, h.account, w.ID, h.now)
	fails(t, err, crm.Internal, "credential_unreadable")
}

// claim takes a webhook's next events, at most three, for a minute.
func (h *house) claim(w crm.Webhook) (crm.Batch, bool) {
	h.t.Helper()
	b, ok, err := h.ClaimWebhook(h.t.Context(), crm.WebhookKey{Account: h.account, ID: w.ID}, h.now, h.now.Add(time.Minute), 3)
	h.must(err)
	return b, ok
}

func (h *house) due() []crm.WebhookID {
	h.t.Helper()
	return webhookIDs(value(h.DueWebhooks(h.t.Context(), []crm.AccountID{h.account, "acc_none"}, h.now))(h))
}

// ripe are those of all accounts whose wait is over.
func (h *house) ripe() []crm.WebhookID {
	h.t.Helper()
	return webhookIDs(value(h.RipeWebhooks(h.t.Context(), h.now, 10))(h))
}

func webhookIDs(keys []crm.WebhookKey) []crm.WebhookID {
	return names(keys, func(k crm.WebhookKey) crm.WebhookID { return k.ID })
}

func seqs(b crm.Batch) []int64 { return names(b.Events, func(e crm.Event) int64 { return e.Seq }) }

// settle ends a claim as if the endpoint had taken everything.
func (h *house) settle(b crm.Batch, change func(*crm.Settled)) bool {
	h.t.Helper()
	s := crm.Settled{
		Account: h.account, Webhook: b.Webhook.ID, Lease: b.Lease, Position: b.Through, Status: crm.WebhookActive, At: h.now,
	}
	for _, e := range b.Events {
		s.Deliveries = append(s.Deliveries, h.delivery(b.Webhook, e))
	}
	if change != nil {
		change(&s)
	}
	return value(h.SettleWebhook(h.t.Context(), s))(h)
}

func (h *house) delivery(w crm.Webhook, e crm.Event) crm.Delivery {
	return crm.Delivery{
		Account: h.account, Webhook: w.ID, ID: crm.DeliveryID(fmt.Sprint("dlv_", w.ID, e.Seq)), Seq: e.Seq, Event: e.ID, Type: e.Type,
		Status: crm.Delivered, Attempts: 1, Answer: crm.Answer{At: h.now, Took: 20 * time.Millisecond, Status: 200, Body: "了解"},
	}
}

// One at a time posts to an endpoint, for as long as its lease lasts.
func testWebhookClaims(t *testing.T, open Opener) {
	h := newHouse(t, open)
	h.tell(2)
	w, few := h.webhook("whk_1"), h.webhook("whk_2", crm.LinkEnded)
	same(t, "due before anything happened", h.due(), []crm.WebhookID{})
	h.tell(4)
	same(t, "due", h.due(), []crm.WebhookID{"whk_1", "whk_2"})
	b, ok := h.claim(w)
	same(t, "claimed", ok, true)
	same(t, "batch", seqs(b), []int64{3, 4, 5})
	same(t, "secrets", b.Secrets, []crm.Secret{"secret of whk_1"})
	same(t, "an event", b.Events[0], h.events()[2])
	_, ok = h.claim(w)
	same(t, "claimed by two", ok, false)
	none, ok := h.claim(few)
	same(t, "claimed, all unwanted", ok && len(none.Events) == 0 && none.Through == 6, true)
	same(t, "settled", h.settle(none, nil), true)
	same(t, "due while one is leased", h.due(), []crm.WebhookID{})
	same(t, "ripe while one is leased", h.ripe(), []crm.WebhookID{})

	// Who dies loses the lease, and can't settle any more.
	h.pass(time.Minute)
	same(t, "due after a death", h.due(), []crm.WebhookID{"whk_1"})
	same(t, "ripe after a death", h.ripe(), []crm.WebhookID{"whk_1"})
	again, ok := h.claim(w)
	same(t, "claimed after a death", ok, true)
	same(t, "the same batch", seqs(again), seqs(b))
	same(t, "settled by the dead", h.settle(b, nil), false)
	same(t, "settled", h.settle(again, nil), true)
	b, _ = h.claim(w)
	same(t, "the rest", seqs(b), []int64{6})

	// One that fails waits; a change lets it go on at once.
	same(t, "settled", h.settle(b, func(s *crm.Settled) {
		s.Position, s.FailingAt, s.NextAt, s.Detail = 5, h.now, h.now.Add(time.Hour), "no route"
	}), true)
	same(t, "due while it waits", h.due(), []crm.WebhookID{})
	failing := value(h.Webhook(t.Context(), h.account, w.ID))(h)
	same(t, "failing", failing.FailingAt.Equal(h.now) && failing.Detail == "no route", true)
	h.must(h.RetryWebhook(t.Context(), crm.WebhookKey{Account: h.account, ID: w.ID}))
	same(t, "due at once", h.due(), []crm.WebhookID{"whk_1"})
	b, _ = h.claim(w)
	same(t, "again", seqs(b), []int64{6})
	h.must(h.UpdateWebhook(t.Context(), w))
	same(t, "settled after a change", h.settle(b, nil), false)
	w.Status = crm.WebhookDisabled
	h.must(h.UpdateWebhook(t.Context(), w))
	same(t, "due while disabled", h.due(), []crm.WebhookID{})
}

// Who posts for long renews the lease, and notices when it is lost.
func testWebhookRenewals(t *testing.T, open Opener) {
	h := newHouse(t, open)
	w := h.webhook("whk_1")
	h.tell(1)
	k := crm.WebhookKey{Account: h.account, ID: w.ID}
	b, _ := h.claim(w)
	renew := func(from time.Time) bool {
		return value(h.RenewWebhook(t.Context(), k, from, from.Add(time.Minute)))(h)
	}
	same(t, "renewed", renew(b.Lease), true)
	same(t, "settled with the old lease", h.settle(b, nil), false)
	h.pass(90 * time.Second)
	same(t, "ripe while renewed", h.ripe(), []crm.WebhookID{})
	same(t, "settled", h.settle(b, func(s *crm.Settled) { s.Lease = b.Lease.Add(time.Minute) }), true)
	same(t, "renewed after the end", renew(b.Lease.Add(time.Minute)), false)
}

// All webhooks are looked at, page by page; those to which no connection could
// be made are found by themselves.
func testWebhookSweeps(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	other := newHouseIn(t, h.Store, "acc_2")
	late := other.webhook("whk_1")
	h.webhook("whk_1")
	away := h.webhook("whk_2")
	h.webhook("whk_3", crm.LinkEnded)
	h.tell(1)
	b, _ := h.claim(away)
	h.settle(b, func(s *crm.Settled) {
		s.Position, s.FailingAt, s.NextAt, s.Unreachable = 0, h.now, h.now.Add(time.Hour), true
	})
	var due []crm.WebhookKey
	var last crm.WebhookKey
	for looked := 0; looked == 0 || last != (crm.WebhookKey{}); looked++ {
		some, at, err := h.DueWebhooksAfter(ctx, last, h.now, 2)
		h.must(err)
		due, last = append(due, some...), at
	}
	same(t, "found", due, []crm.WebhookKey{{Account: "acc_1", ID: "whk_1"}, {Account: "acc_1", ID: "whk_3"}})
	other.tell(1)
	some, _, err := h.DueWebhooksAfter(ctx, crm.WebhookKey{Account: "acc_1", ID: "whk_2"}, h.now, 10)
	h.must(err)
	same(t, "found later", some, []crm.WebhookKey{{Account: "acc_1", ID: "whk_3"}, {Account: late.Account, ID: late.ID}})

	unreachable := func() []crm.Endpoint { return value(h.UnreachableWebhooks(ctx, h.now, 10))(h) }
	same(t, "unreachable", unreachable(), []crm.Endpoint{{WebhookKey: crm.WebhookKey{Account: h.account, ID: away.ID}, URL: away.URL}})
	h.must(h.RetryWebhook(ctx, crm.WebhookKey{Account: h.account, ID: away.ID}))
	same(t, "unreachable while it is tried", len(unreachable()), 0)
	b, _ = h.claim(away)
	h.settle(b, func(s *crm.Settled) { s.FailingAt, s.NextAt = h.now, h.now.Add(time.Hour) })
	same(t, "unreachable after an answer", len(unreachable()), 0)
}

func testWebhookGivenUp(t *testing.T, open Opener) {
	h := newHouse(t, open)
	w := h.webhook("whk_1")
	h.tell(2)
	b, _ := h.claim(w)
	h.settle(b, func(s *crm.Settled) {
		s.Deliveries = s.Deliveries[:1]
		s.Deliveries[0].Status, s.Position, s.Status, s.Detail = crm.DeliveryFailed, 1, crm.WebhookDown, "given up"
	})
	same(t, "status", value(h.Webhook(t.Context(), h.account, w.ID))(h).Status, crm.WebhookDown)
	same(t, "due", h.due(), []crm.WebhookID{})
	told := h.events(crm.WebhookFailed)
	same(t, "events", len(told), 1)
	same(t, "told", string(told[0].Data), fmt.Sprintf(`{"webhook_id":"whk_1","status":"failed","detail":"given up","event_id":"%s"}`, b.Events[0].ID))
	h.must(h.UpdateWebhook(t.Context(), w))
	b, _ = h.claim(w)
	same(t, "goes on", seqs(b), []int64{2, 3})
}

// The attempts at one event share a row; only the latest rows are kept.
func testDeliveries(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	w := h.webhook("whk_1")
	h.tell(3)
	b, _ := h.claim(w)
	h.settle(b, func(s *crm.Settled) {
		s.Deliveries, s.Position = s.Deliveries[:1], 0
		d := &s.Deliveries[0]
		d.Status, d.NextAt = crm.DeliveryPending, h.now
		d.Answer = crm.Answer{At: h.now, Fault: "no route"}
	})
	list := func() []crm.Delivery {
		return pages(h, func(p crm.Paging) (crm.Part[crm.Delivery], error) { return h.ListDeliveries(ctx, h.account, w.ID, p) })
	}
	first := list()[0]
	same(t, "a failure", first, value(h.Delivery(ctx, h.account, w.ID, first.ID))(h))
	same(t, "fault", first.Answer.Fault, "no route")
	same(t, "next", first.NextAt, h.now)
	b, _ = h.claim(w)
	h.settle(b, nil)
	all := list()
	same(t, "newest first", names(all, func(d crm.Delivery) int64 { return d.Seq }), []int64{3, 2, 1})
	same(t, "attempts", names(all, func(d crm.Delivery) int64 { return d.Attempts }), []int64{1, 1, 2})
	want := h.delivery(w, b.Events[0])
	want.Attempts = 2
	same(t, "delivered", all[2], want)
	want.Status, want.Answer.Status = crm.DeliveryFailed, 500
	h.must(h.SaveAttempt(ctx, want))
	want.Attempts = 3
	same(t, "one more attempt", value(h.Delivery(ctx, h.account, w.ID, want.ID))(h), want)
	_, err := h.Delivery(ctx, h.account, "whk_2", want.ID)
	fails(t, err, crm.NotFound, "delivery_not_found")

	h.tell(1)
	b, _ = h.claim(w)
	h.settle(b, func(s *crm.Settled) { s.Position = 10_002 })
	same(t, "kept", names(list(), func(d crm.Delivery) int64 { return d.Seq }), []int64{4, 3})
}
