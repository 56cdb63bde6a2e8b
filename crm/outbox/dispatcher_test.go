package outbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"mailsyncd.example/crm"
)

func TestEventIsPostedAndSigned(t *testing.T) {
	h := newHub(t)
	r := h.receive(nil)
	h.tell(1) // before there was a webhook
	k := h.register(r.URL)
	h.run()
	h.tell(1)
	p := <-r.taken
	if p.Type != crm.LinkCreated || p.Seq != 2 || p.Account != account || p.Data["user_id"] != "u2" || p.At.IsZero() || !p.Timestamp.Equal(p.At) {
		t.Errorf("posted %s", p.body)
	}
	if id := p.header.Get("webhook-id"); id != p.ID || !strings.HasPrefix(id, "evt_") {
		t.Errorf("webhook-id is %q, the event's id %q", id, p.ID)
	}
	if p.header.Get("Content-Type") != "application/json" || p.header.Get("User-Agent") != "mailsyncd/test" {
		t.Errorf("headers %v", p.header)
	}
	_, list := h.settled(k, func(_ crm.Webhook, d []crm.Delivery) bool { return len(d) == 1 })
	if d := list[0]; d.Status != crm.Delivered || d.Answer.Status != 204 || d.Attempts != 1 || d.Event != crm.EventID(p.ID) {
		t.Errorf("delivery %+v", d)
	}
}

// While the secret is changed, a receiver that knows either is content.
func TestBothSecretsSignDuringRotation(t *testing.T) {
	h := newHub(t)
	r := h.receive(nil) // verifies with the old one
	k := h.register(r.URL)
	const next = crm.Secret("whsec_bmV4dCBzZWNyZXQ=")
	h.must(h.RotateWebhook(t.Context(), k.Account, k.ID, next, time.Now().Add(time.Hour), time.Now()))
	h.run()
	h.tell(1)
	p := <-r.taken
	verifier, err := standardwebhooks.NewWebhook(string(next))
	h.must(err)
	h.must(verifier.Verify(p.body, p.header))
	h.ahead.Store(int64(2 * time.Hour))
	secrets, err := h.WebhookSecrets(t.Context(), k.Account, k.ID, h.now())
	h.must(err)
	if !slices.Equal(secrets, []crm.Secret{next}) {
		t.Errorf("%d secrets sign after the rotation", len(secrets))
	}
}

// An endpoint that fails in every way there is gets every event, in order.
func TestFailingEndpointGetsEverythingInOrder(t *testing.T) {
	h := newHub(t)
	var n atomic.Int64
	r := h.receive(func(w http.ResponseWriter, _ *http.Request) {
		switch n.Add(1) % 4 {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			panic(http.ErrAbortHandler) // hangs up
		case 3:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			w.WriteHeader(http.StatusOK)
		}
	})
	k := h.register(r.URL)
	h.tell(3)
	h.run()
	h.tell(2)
	if got := r.takes(5); !slices.Equal(got, []int64{1, 2, 3, 4, 5}) {
		t.Errorf("the endpoint got %v", got)
	}
	w, list := h.settled(k, func(w crm.Webhook, d []crm.Delivery) bool { return len(d) == 5 && w.FailingAt.IsZero() })
	for _, d := range list {
		if d.Status != crm.Delivered || d.Attempts != 4 || !d.NextAt.IsZero() {
			t.Errorf("delivery %+v", d)
		}
	}
	if w.Detail != "" {
		t.Errorf("the webhook is well and says %q", w.Detail)
	}
}

// One endpoint never answers and another is gone from the network; a third
// hears everything all the same.
func TestDeadEndpointsHoldUpNobodyElse(t *testing.T) {
	h := newHub(t)
	hung, release := make(chan struct{}, 100), make(chan struct{})
	silent := h.receive(func(http.ResponseWriter, *http.Request) { hung <- struct{}{}; <-release })
	t.Cleanup(func() { close(release) })
	refusing := httptest.NewServer(nil)
	refusing.Close()
	alive := h.receive(nil)
	h.register(silent.URL)
	dead := h.register(refusing.URL)
	h.register(alive.URL)
	h.tell(1)
	h.run()
	<-hung
	h.tell(20)
	if got := alive.takes(21); !slices.IsSorted(got) {
		t.Errorf("the living endpoint got %v", got)
	}
	_, list := h.settled(dead, func(_ crm.Webhook, d []crm.Delivery) bool { return len(d) == 1 && d[0].Attempts > 1 })
	if d := list[0]; d.Status != crm.DeliveryPending || !strings.Contains(d.Answer.Fault, "could not be reached") {
		t.Errorf("delivery to nobody: %+v", d)
	}
}

func TestSilentEndpointIsCutOff(t *testing.T) {
	h := newHub(t)
	h.timeout = 50 * time.Millisecond
	release := make(chan struct{})
	r := h.receive(func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	k := h.register(r.URL)
	h.tell(1)
	h.run()
	_, list := h.settled(k, func(_ crm.Webhook, d []crm.Delivery) bool { return len(d) == 1 })
	if !strings.Contains(list[0].Answer.Fault, "in time") {
		t.Errorf("delivery %+v", list[0])
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	h := newHub(t)
	elsewhere := h.receive(nil)
	r := h.receive(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	k := h.register(r.URL)
	h.tell(1)
	h.run()
	w, list := h.settled(k, func(_ crm.Webhook, d []crm.Delivery) bool { return len(d) == 1 && d[0].Attempts > 1 })
	if list[0].Answer.Status != http.StatusTemporaryRedirect || !strings.Contains(w.Detail, "redirect") {
		t.Errorf("delivery %+v of %+v", list[0], w)
	}
	if len(elsewhere.taken) > 0 {
		t.Error("the redirect was followed")
	}
}

// An answer of gigabytes is read as far as it is kept.
func TestEndlessAnswerIsCut(t *testing.T) {
	h := newHub(t)
	r := h.receive(func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(http.StatusOK)
		chunk := []byte(strings.Repeat("あ\x00\xff", 1<<14))
		for sent := 0; sent < 3<<30 && req.Context().Err() == nil; sent += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	k := h.register(r.URL)
	h.tell(1)
	h.run()
	<-r.taken
	_, list := h.settled(k, func(_ crm.Webhook, d []crm.Delivery) bool { return len(d) == 1 })
	if body := list[0].Answer.Body; len(body) > 1024 || strings.Trim(body, "あ") != "" || body == "" {
		t.Errorf("kept %d bytes of the answer", len(body))
	}
}

// lastEvent is the newest event of the account.
func (h *hub) lastEvent() crm.Event {
	h.t.Helper()
	list, err := h.ListEvents(h.t.Context(), account, 0, 100)
	h.must(err)
	return list[len(list)-1]
}

func TestGoneEndpointIsDisabled(t *testing.T) {
	h := newHub(t)
	r := h.receive(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	k := h.register(r.URL)
	h.tell(2)
	h.run()
	_, list := h.settled(k, func(w crm.Webhook, d []crm.Delivery) bool { return w.Status == crm.WebhookDisabled })
	if len(list) != 1 || list[0].Status != crm.DeliveryFailed {
		t.Errorf("deliveries %+v", list)
	}
	if e := h.lastEvent(); e.Type != crm.WebhookFailed || !strings.Contains(string(e.Data), string(k.ID)) {
		t.Errorf("the last event is %s %s", e.Type, e.Data)
	}
}

// After three days the webhook is given up, and told of; made active again it
// goes on with the next event.
func TestEndpointIsGivenUpAfterThreeDays(t *testing.T) {
	h := newHub(t)
	var well atomic.Bool
	r := h.receive(func(w http.ResponseWriter, _ *http.Request) {
		if well.Load() {
			w.WriteHeader(http.StatusOK)
			return
		}
		w.WriteHeader(http.StatusBadGateway)
		h.ahead.Add(int64(25 * time.Hour))
	})
	k := h.register(r.URL)
	h.tell(2)
	h.run()
	w, list := h.settled(k, func(w crm.Webhook, _ []crm.Delivery) bool { return w.Status == crm.WebhookDown })
	if len(list) != 1 || list[0].Status != crm.DeliveryFailed || list[0].Attempts != 4 || w.FailingAt.IsZero() {
		t.Errorf("deliveries %+v of %+v", list, w)
	}
	if e := h.lastEvent(); e.Type != crm.WebhookFailed || e.Seq != 3 {
		t.Errorf("the last event is %d %s", e.Seq, e.Type)
	}

	well.Store(true)
	w.Status = crm.WebhookActive
	h.must(h.UpdateWebhook(t.Context(), w))
	h.tell(1)
	if got := r.takes(3); !slices.Equal(got, []int64{2, 3, 4}) {
		t.Errorf("after it was made active again the endpoint got %v", got)
	}
	again, err := h.dispatcher().Redeliver(t.Context(), k, list[0].ID)
	h.must(err)
	if again.Status != crm.Delivered || again.Attempts != 5 || r.takes(1)[0] != 1 {
		t.Errorf("redelivered %+v", again)
	}
}

// What was on its way when the daemon stopped is posted again; what happened
// while it was down is posted too.
func TestRestartInTheMiddle(t *testing.T) {
	h := newHub(t)
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	var stuck atomic.Bool
	stuck.Store(true)
	r := h.receive(func(w http.ResponseWriter, _ *http.Request) {
		if stuck.Load() {
			arrived <- struct{}{}
			<-release
		}
		w.WriteHeader(http.StatusOK)
	})
	h.register(r.URL)
	h.tell(2)
	stop := h.run()
	<-arrived
	stop()
	stuck.Store(false)
	close(release)
	h.tell(2)
	h.run()
	seen := map[int64]bool{}
	for p := range r.taken {
		if seen[p.Seq] = true; p.Seq == 4 {
			break
		}
	}
	if len(seen) != 4 {
		t.Errorf("the endpoint got %v", seen)
	}
}

// A database that is away for a moment makes nobody hear an event twice.
func TestDeliveriesAreWrittenDownAfterAnOutage(t *testing.T) {
	h := newHub(t)
	r := h.receive(nil)
	k := h.register(r.URL)
	h.away.Store(2)
	h.tell(1)
	h.run()
	_, list := h.settled(k, func(_ crm.Webhook, d []crm.Delivery) bool { return len(d) == 1 })
	if list[0].Attempts != 1 || len(r.taken) != 1 {
		t.Errorf("%d attempts, %d posts", list[0].Attempts, len(r.taken))
	}
}

// Events that it does not want cost a webhook nothing, however many they are.
func TestWebhookHearsItsTypesOnly(t *testing.T) {
	h := newHub(t)
	r := h.receive(nil)
	h.register(r.URL, crm.LinkEnded)
	h.tell(3)
	h.must(h.DeleteUser(t.Context(), account, "u2", time.Now()))
	h.run()
	if p := <-r.taken; p.Type != crm.LinkEnded || p.Seq != 4 {
		t.Errorf("posted %s", p.body)
	}
}

func TestManyEndpointsAtOnce(t *testing.T) {
	h := newHub(t)
	const endpoints, events = 20, 60 // more events than a batch
	r := h.receive(nil)
	for i := range endpoints {
		h.register(fmt.Sprintf("%s/%d", r.URL, i))
	}
	h.tell(events)
	h.run()
	seen := map[int64]int{}
	for range endpoints * events {
		p := <-r.taken
		seen[p.Seq]++
	}
	for seq, n := range seen {
		if n != endpoints {
			t.Errorf("event %d went to %d endpoints", seq, n)
		}
	}
}
