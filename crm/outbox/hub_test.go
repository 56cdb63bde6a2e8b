package outbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/zap"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/outbox"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/postgres"
	"mailsyncd.example/crm/store/sqlite"
	"mailsyncd.example/crm/webhook"
	"mailsyncd.example/sync/guard"
)

// hub is an account on a real store, with a Dispatcher that posts for real. A
// failing endpoint is tried again at once.
type hub struct {
	*store.Store
	t       *testing.T
	bell    outbox.Bell
	ahead   atomic.Int64 // by how much the hub's clock is ahead
	told    int
	timeout time.Duration // of a post; 0: the usual
	away    atomic.Int64  // how many times more the database is away when deliveries are written down
	client  *http.Client  // that trusts the receivers
	deaf    atomic.Bool   // the bell does not ring
	options func(*outbox.Options)
}

const account = crm.AccountID("acc_1")

// secret is the one that all webhooks of the hub sign with.
const secret = crm.Secret("whsec_c2VjcmV0IG9mIHRoZSB3ZWJob29rcyBvZiB0ZXN0cw==")

func newHub(t *testing.T) *hub {
	t.Helper()
	return newHubOn(t, onSQLite)
}

// database opens a store on a database of its own.
type database func(t *testing.T, o store.Options) (*store.Store, error)

func onSQLite(t *testing.T, o store.Options) (*store.Store, error) {
	return sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), o)
}

func onPostgres(t *testing.T, o store.Options) (*store.Store, error) {
	return postgres.Open(t.Context(), postgresql.Database(t), o)
}

func newHubOn(t *testing.T, open database) *hub {
	t.Helper()
	h := &hub{t: t}
	var err error
	h.Store, err = open(t, store.Options{Sealer: openSealer{}, Signals: h})
	h.must(err)
	t.Cleanup(func() { h.must(h.Store.Close()) })
	h.must(h.CreateAccount(t.Context(), crm.Account{
		ID: account, Name: "Sakura", Status: crm.AccountActive, MailEnabled: true, ContactVisibility: crm.VisibleAll, CreatedAt: time.Now(),
	}))
	return h
}

func (h *hub) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// EventsWritten is part of store.Signals.
func (h *hub) EventsWritten(a crm.AccountID) {
	if !h.deaf.Load() {
		h.bell.EventsWritten(a)
	}
}

// LinksChanged is part of store.Signals.
func (h *hub) LinksChanged(crm.AccountID, crm.MailboxID) {}

func (h *hub) now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }

// tell writes n events, link.created all.
func (h *hub) tell(n int) {
	h.t.Helper()
	for range n {
		h.told++
		id := crm.UserID(fmt.Sprint("u", h.told))
		_, err := h.PutUser(h.t.Context(), crm.User{
			Account: account, ID: id, Email: crm.Address(id + "@sakura.example"), Role: crm.RoleUser, Active: true,
		}, time.Now())
		h.must(err)
		_, err = h.CreateLink(h.t.Context(), crm.Link{
			Account: account, User: id, Address: crm.Address(id + "@sakura.example"), Username: string(id), Auth: crm.AuthPassword,
			Server: crm.Server{Host: "imap.sakura.example", Port: 993, Security: crm.SecurityTLS}, LinkedAt: time.Now(),
		}, "x", nil)
		h.must(err)
	}
}

// register makes a webhook that hears of everything from now on.
func (h *hub) register(url string, types ...crm.EventType) crm.WebhookKey {
	h.t.Helper()
	w := crm.Webhook{
		Account: account, ID: crm.WebhookID(crm.NewID("whk", time.Now())), URL: url, Types: types,
		Status: crm.WebhookActive, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	h.must(h.CreateWebhook(h.t.Context(), w, secret))
	return crm.WebhookKey{Account: account, ID: w.ID}
}

// dispatcher makes one that is not running yet. It posts to this machine.
func (h *hub) dispatcher() *outbox.Dispatcher {
	tls, plain := guard.NewForWebhooks([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	o := webhook.Options{TLS: tls, Plain: plain, UserAgent: "mailsyncd/test", Now: h.now, Timeout: h.timeout}
	if h.client != nil {
		o.RootCAs = h.client.Transport.(*http.Transport).TLSClientConfig.RootCAs
	}
	poster := webhook.New(o)
	h.t.Cleanup(poster.Close)
	options := outbox.Options{
		Store: h, Poster: poster, Bell: &h.bell, Now: h.now, Log: zap.NewNop(), Metrics: outbox.NewMetrics(),
		Every: time.Hour, Patience: func(time.Duration) time.Duration { return 0 },
	}
	if h.options != nil {
		h.options(&options)
	}
	return outbox.NewDispatcher(options)
}

// SettleWebhook stands before the store's own.
func (h *hub) SettleWebhook(ctx context.Context, s crm.Settled) (bool, error) {
	if h.away.Add(-1) >= 0 {
		return false, crm.E(crm.Unavailable, "database_busy", "The database is away.")
	}
	return h.Store.SettleWebhook(ctx, s)
}

// run runs a dispatcher until the test ends or stop is called, which returns
// when it has ended.
func (h *hub) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := h.dispatcher().Run(ctx); err != nil {
			h.t.Error(err)
		}
	}()
	stop = func() { cancel(); <-done }
	h.t.Cleanup(stop)
	return stop
}

// post is what a receiver got.
type post struct {
	header http.Header
	body   []byte
	payload
}

type payload struct {
	Type      crm.EventType  `json:"type"`
	Timestamp time.Time      `json:"timestamp"`
	Data      map[string]any `json:"data"`
	ID        string         `json:"id"`
	Seq       int64          `json:"seq"`
	At        time.Time      `json:"at"`
	Account   crm.AccountID  `json:"account_id"`
}

// receiver is an endpoint over TLS. It hands over every post that it has
// answered with 2xx.
type receiver struct {
	*httptest.Server
	taken chan post
}

// receive starts a receiver. answer, where not nil, answers in place of 204.
func (h *hub) receive(answer http.HandlerFunc) *receiver {
	h.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	return h.receiveAt(listener, answer)
}

// receiveAt starts a receiver that listens there.
func (h *hub) receiveAt(listener net.Listener, answer http.HandlerFunc) *receiver {
	h.t.Helper()
	r := &receiver{taken: make(chan post, 1000)}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		p := post{header: req.Header}
		var err error
		if p.body, err = io.ReadAll(req.Body); err != nil {
			return // the other side has stopped
		}
		verifier, err := standardwebhooks.NewWebhook(string(secret))
		if err == nil {
			err = verifier.VerifyIgnoringTimestamp(p.body, req.Header)
		}
		if err == nil {
			err = json.Unmarshal(p.body, &p.payload)
		}
		if err != nil {
			h.t.Error(err)
		}
		noted := &noting{ResponseWriter: w}
		if answer == nil {
			noted.WriteHeader(http.StatusNoContent)
		} else {
			answer(noted, req)
		}
		if noted.status/100 == 2 {
			r.taken <- p
		}
	}))
	h.must(r.Listener.Close()) // the one that it made itself
	r.Listener = listener
	r.StartTLS()
	h.t.Cleanup(r.Close)
	h.client = r.Client()
	return r
}

// noting remembers the status.
type noting struct {
	http.ResponseWriter
	status int
}

func (n *noting) WriteHeader(status int) {
	n.status = status
	n.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (n *noting) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// takes waits for n posts and returns their numbers.
func (r *receiver) takes(n int) []int64 {
	var seqs []int64
	for range n {
		p := <-r.taken
		seqs = append(seqs, p.Seq)
	}
	return seqs
}

// settled waits until the webhook is as a test wants it. Posts are written down
// after the receiver got them; the bell does not ring for that.
func (h *hub) settled(k crm.WebhookKey, done func(crm.Webhook, []crm.Delivery) bool) (crm.Webhook, []crm.Delivery) {
	h.t.Helper()
	for {
		if done(h.standing(k)) {
			return h.standing(k) // once more: the two were not read in one moment
		}
	}
}

func (h *hub) standing(k crm.WebhookKey) (crm.Webhook, []crm.Delivery) {
	h.t.Helper()
	w, err := h.Webhook(h.t.Context(), k.Account, k.ID)
	h.must(err)
	part, err := h.ListDeliveries(h.t.Context(), k.Account, k.ID, crm.Paging{Limit: 100})
	h.must(err)
	return w, part.Items
}

type openSealer struct{}

func (openSealer) Seal(plain, _ []byte) ([]byte, error)  { return plain, nil }
func (openSealer) Open(sealed, _ []byte) ([]byte, error) { return sealed, nil }
