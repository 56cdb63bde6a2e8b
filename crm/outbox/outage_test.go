package outbox_test

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/outbox"
	"mailsyncd.example/crm/servertest"
)

// patient lets an endpoint that fails wait for an hour, and the dispatcher do
// quickly what it does again and again.
func (h *hub) patient() {
	h.options = func(o *outbox.Options) {
		o.Every = 5 * time.Millisecond
		o.Patience = func(time.Duration) time.Duration { return time.Hour }
	}
}

// A receiver is killed, and comes back on the same port after an outage so long
// that nobody would try soon: it hears everything at once.
func TestReceiverKilledAndBack(t *testing.T) {
	h := newHub(t)
	h.patient()
	ports, err := servertest.FreePorts(1)
	h.must(err)
	defer ports.Release()
	listen := func() net.Listener {
		l, err := net.Listen("tcp", servertest.Address(ports.Numbers[0]))
		h.must(err)
		return l
	}
	r := h.receiveAt(listen(), nil)
	k, other := h.register(r.URL+"/one"), h.register(r.URL+"/two")
	h.run()
	h.tell(1)
	if got := r.takes(2); !slices.Equal(got, []int64{1, 1}) {
		t.Fatalf("before: %v", got)
	}
	for _, k := range []crm.WebhookKey{k, other} { // what is not written down would come again
		h.settled(k, func(_ crm.Webhook, d []crm.Delivery) bool { return len(d) == 1 && d[0].Status == crm.Delivered })
	}
	r.CloseClientConnections()
	r.Close()
	h.tell(2)
	h.settled(k, func(w crm.Webhook, _ []crm.Delivery) bool { return !w.FailingAt.IsZero() })

	back := h.receiveAt(listen(), nil)
	got := back.takes(4)
	slices.Sort(got)
	if !slices.Equal(got, []int64{2, 2, 3, 3}) {
		t.Errorf("after: %v", got)
	}
	h.settled(k, func(w crm.Webhook, d []crm.Delivery) bool { return len(d) == 3 && w.FailingAt.IsZero() })
}

// knocker notes where somebody knocked.
type knocker struct {
	outbox.Poster
	mu   sync.Mutex
	urls []string
	news chan struct{}
}

func (k *knocker) Knock(ctx context.Context, url string) error {
	err := k.Poster.Knock(ctx, url)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.urls = append(k.urls, url)
	select {
	case k.news <- struct{}{}:
	default:
	}
	return err
}

// Somebody knocks once at a dead host, however many webhooks lead there, and
// not at one that answers with refusals: the latter is left to its wait.
func TestOneKnockForAHost(t *testing.T) {
	h := newHub(t)
	h.patient()
	knocks := &knocker{news: make(chan struct{}, 1)}
	patient := h.options
	h.options = func(o *outbox.Options) {
		patient(o)
		knocks.Poster, o.Poster = o.Poster, knocks
	}
	dead, refusing := h.receive(nil), h.receive(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	dead.Close()
	var keys []crm.WebhookKey
	for _, url := range []string{dead.URL + "/one", dead.URL + "/two", refusing.URL} {
		keys = append(keys, h.register(url))
	}
	h.tell(1)
	h.run()
	for _, k := range keys {
		h.settled(k, func(w crm.Webhook, d []crm.Delivery) bool { return len(d) == 1 && !w.FailingAt.IsZero() })
	}
	again := func() {
		for range 3 { // the first may be of long ago, the second of one that was under way
			<-knocks.news
		}
	}
	again()
	knocks.mu.Lock()
	knocks.urls = nil // before, some were not known to be away yet
	knocks.mu.Unlock()
	again()
	knocks.mu.Lock()
	defer knocks.mu.Unlock()
	for _, url := range slices.Compact(knocks.urls)[1:] {
		t.Errorf("knocked at %s beside %s", url, knocks.urls[0])
	}
	if !strings.HasPrefix(knocks.urls[0], dead.URL) {
		t.Errorf("knocked at %s, which answers", knocks.urls[0])
	}
}

// A process that was killed in the middle of a post leaves its claim behind;
// events that it had written and told nobody of are found too.
func TestKilledInTheMiddleOfAPost(t *testing.T) {
	h := newHub(t)
	h.patient()
	h.deaf.Store(true)
	r := h.receive(nil)
	claimed := h.register(r.URL + "/claimed")
	h.register(r.URL + "/untold")
	h.tell(1)
	_, ok, err := h.ClaimWebhook(t.Context(), claimed, time.Now(), time.Now().Add(100*time.Millisecond), 1)
	if h.must(err); !ok {
		t.Fatal("nothing to claim")
	}
	h.run()
	if got := r.takes(2); !slices.Equal(got, []int64{1, 1}) {
		t.Errorf("posted: %v", got)
	}
}

// RenewWebhook tells the test of a renewal.
func (r *renewals) RenewWebhook(ctx context.Context, k crm.WebhookKey, from, to time.Time) (bool, error) {
	held, err := r.hub.RenewWebhook(ctx, k, from, to)
	r.seen <- held
	return held, err
}

type renewals struct {
	*hub
	seen chan bool
}

func (h *hub) renewals() *renewals {
	r := &renewals{hub: h, seen: make(chan bool, 10)}
	h.options = func(o *outbox.Options) { o.Store = r }
	return r
}

// While a slow endpoint takes its time the claim is renewed, and what it has
// taken is written down.
func TestClaimOfASlowPostIsRenewed(t *testing.T) {
	h := newHub(t)
	renewed := h.renewals()
	r := h.receive(func(w http.ResponseWriter, _ *http.Request) {
		if !<-renewed.seen {
			t.Error("the claim was lost")
		}
		w.WriteHeader(http.StatusOK)
	})
	k := h.register(r.URL)
	h.tell(1)
	h.run()
	_, list := h.settled(k, func(_ crm.Webhook, d []crm.Delivery) bool { return len(d) == 1 })
	if list[0].Status != crm.Delivered || list[0].Attempts != 1 {
		t.Errorf("delivery %+v", list[0])
	}
}

// Who loses the claim in the middle of a post breaks it off and writes nothing.
func TestClaimThatIsLost(t *testing.T) {
	h := newHub(t)
	lost := h.renewals()
	arrived := make(chan struct{}, 1)
	r := h.receive(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/new") {
			w.WriteHeader(http.StatusOK)
			return
		}
		arrived <- struct{}{}
		<-req.Context().Done()
	})
	k := h.register(r.URL + "/old")
	h.tell(1)
	h.run()
	<-arrived
	w, _ := h.standing(k)
	w.URL = r.URL + "/new"
	h.must(h.UpdateWebhook(t.Context(), w)) // takes the claim away
	for <-lost.seen {                       // those of before
	}
	if got := r.takes(1); got[0] != 1 {
		t.Errorf("posted %v", got)
	}
	_, list := h.settled(k, func(_ crm.Webhook, d []crm.Delivery) bool { return len(d) == 1 })
	if list[0].Attempts != 1 {
		t.Errorf("delivery %+v", list[0])
	}
}

// PostgreSQL is killed while an endpoint takes an event, and comes back: the
// event is not posted again, and what follows is.
func TestDatabaseKilledAndBack(t *testing.T) {
	h := newHubOn(t, onPostgres)
	h.patient()
	killed := make(chan struct{}, 1)
	r := h.receive(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case killed <- struct{}{}:
			postgresql.Kill()
		default:
		}
		w.WriteHeader(http.StatusOK)
	})
	k := h.register(r.URL)
	h.tell(1)
	h.run()
	r.takes(1)
	h.must(postgresql.Start())
	h.settled(k, func(_ crm.Webhook, d []crm.Delivery) bool { return len(d) == 1 && d[0].Attempts == 1 })
	h.tell(1)
	if got := r.takes(1); got[0] != 2 {
		t.Errorf("after: %v", got)
	}
}
