package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/zap"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/outbox"
	"mailsyncd.example/crm/webhook"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/guard"
)

// latencySizes are how much is measured from mail to webhook.
type latencySizes struct {
	mailboxes, offices int // linked, and how many accounts share them
	singles            int // messages to mailboxes at random
	bursts, burst      int // to one mailbox, and messages in each
	interval           time.Duration
}

var fullLatency = latencySizes{
	mailboxes: 300, offices: 30, singles: 200, bursts: 10, burst: 20, interval: 10 * time.Second,
}

var quickLatency = latencySizes{mailboxes: 3, offices: 2, singles: 4, bursts: 1, burst: 5, interval: time.Second}

// lag is what one kind of delivery took: until the mail server told it to a
// bare socket that idles beside us, and until the webhook had it.
type lag struct {
	work           string
	notice, posted delays
	interval       time.Duration // of looks, where nothing is noticed; 0 otherwise
}

// allowed is by how much a webhook may be later than the server's own notice.
const allowed = 200 * time.Millisecond

// latency measures from LMTP to a signed webhook: with IDLE, and where the
// server has none.
func (b *bench) latency(ctx context.Context, s latencySizes) ([]lag, error) {
	if err := raiseLimits(2 * s.mailboxes); err != nil {
		fmt.Fprintln(b.progress, "bench:", err)
	}
	clean, err := workFolder()
	if err != nil {
		return nil, err
	}
	defer clean()
	idle, err := b.latencyOf(ctx, s, usualInterval, true)
	if err != nil {
		return nil, fmt.Errorf("with IDLE: %w", err)
	}
	poll, err := b.latencyOf(ctx, s, s.interval, false, dovecottest.Without("IDLE"))
	if err != nil {
		return nil, fmt.Errorf("without IDLE: %w", err)
	}
	return append(idle, poll...), nil
}

// latencyOf measures against a Dovecot of its own.
func (b *bench) latencyOf(ctx context.Context, s latencySizes, interval time.Duration, idle bool, more ...dovecottest.Option) (_ []lag, err error) {
	fmt.Fprintln(b.progress, "latency with IDLE:", idle)
	if b.server, err = dovecottest.Open(append(dovecot(fewFolders), more...)...); err != nil {
		return nil, err
	}
	defer b.server.Kill()
	users, err := b.addUsers("box", s.mailboxes)
	if err != nil {
		return nil, err
	}
	noticed, posted := newArrivals(), newArrivals()
	j := b.complete(job{Work: "latency", Side: sideOurs, TLS: true, Users: users, Interval: interval})
	if j.trusted, err = trust(j.CAFile); err != nil {
		return nil, err
	}
	stop, err := postOurs(ctx, j, s.offices, posted)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if idle {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		for _, user := range users {
			if err := announceBare(ctx, j, user, func(n int) { noticed.reached(user, n, time.Now()) }); err != nil {
				return nil, err
			}
		}
	}
	c := &couriers{server: b.server, users: users, sent: map[string]int{}, patience: max(patience, 3*interval)}
	single, err := c.scatter(ctx, s.singles)
	if err != nil {
		return nil, err
	}
	lags := []lag{{work: fmt.Sprintf("%d messages to %d mailboxes", s.singles, s.mailboxes)}}
	if !idle {
		lags[0].work += fmt.Sprintf(", looks every %v", interval)
		lags[0].interval = interval
		lags[0].posted, err = c.took(ctx, single, posted)
		return lags, err
	}
	var bursts []sending
	for range s.bursts {
		burst, err := c.burst(ctx, users[0], s.burst)
		if err != nil {
			return nil, err
		}
		if _, err := c.took(ctx, burst, posted); err != nil { // one after the other
			return nil, err
		}
		bursts = append(bursts, burst...)
	}
	lags = append(lags, lag{work: fmt.Sprintf("%d bursts of %d to one mailbox", s.bursts, s.burst)}, lag{work: "all of these"})
	for i, of := range [][]sending{single, bursts, slices.Concat(single, bursts)} {
		if lags[i].notice, err = c.took(ctx, of, noticed); err != nil {
			return nil, err
		}
		if lags[i].posted, err = c.took(ctx, of, posted); err != nil {
			return nil, err
		}
	}
	return lags, nil
}

// sending is one message on its way: the n-th to its user, from 1.
type sending struct {
	user string
	n    int
	at   time.Time
}

// couriers hand messages to Dovecot.
type couriers struct {
	server   *dovecottest.Server
	users    []string
	sent     map[string]int
	all      int
	patience time.Duration
}

func (c *couriers) send(lmtp *dovecottest.LMTP, user string) (sending, error) {
	bag := mailbag{seed: 7, owner: user, share: 1, start: beginning}
	mail := bag.letter(c.all, 0)
	c.all++
	c.sent[user]++
	s := sending{user: user, n: c.sent[user], at: time.Now()}
	return s, lmtp.Deliver(user, mail)
}

// scatter delivers to mailboxes at random and at no particular moments, ten in
// a second on average.
func (c *couriers) scatter(ctx context.Context, count int) ([]sending, error) {
	r := rand.New(rand.NewPCG(7, 7))
	lmtp, err := c.server.LMTP()
	if err != nil {
		return nil, err
	}
	defer lmtp.Close()
	var all []sending
	for range count {
		select {
		case <-time.After(time.Duration(r.IntN(200)) * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		s, err := c.send(lmtp, c.users[r.IntN(len(c.users))])
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// burst delivers to one user as fast as Dovecot takes it.
func (c *couriers) burst(ctx context.Context, user string, count int) ([]sending, error) {
	lmtp, err := c.server.LMTP()
	if err != nil {
		return nil, err
	}
	defer lmtp.Close()
	var all []sending
	for range count {
		s, err := c.send(lmtp, user)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, ctx.Err()
}

// took waits until all have arrived, and says how long each took.
func (c *couriers) took(ctx context.Context, all []sending, came *arrivals) (delays, error) {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	d := make(delays, len(all))
	for i, s := range all {
		at, ok := came.await(ctx, s.user, s.n)
		if !ok {
			return nil, fmt.Errorf("message %d to %s has not arrived: %w", s.n, s.user, context.Cause(ctx))
		}
		d[i] = at.Sub(s.at)
	}
	return d, nil
}

// postOurs links the users' mailboxes, so many accounts sharing them, each with
// a webhook that leads to one receiver. It notes when the receiver has verified
// a post, and returns when all mailboxes were read.
func postOurs(ctx context.Context, j job, offices int, came *arrivals) (stop func() error, err error) {
	r, err := openRig(ctx, j)
	if err != nil {
		return nil, err
	}
	rcv := &receiver{users: map[crm.MailboxID]string{}, counts: map[string]int{}, came: came}
	server := httptest.NewServer(rcv)
	tls, plain := guard.NewForWebhooks([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	poster := webhook.New(webhook.Options{TLS: tls, Plain: plain, UserAgent: "bench", Now: time.Now})
	posting := outbox.NewDispatcher(outbox.Options{
		Store: r.store, Poster: poster, Bell: &r.bell, Now: time.Now, Log: zap.NewNop(), Metrics: outbox.NewMetrics(),
	})
	ctx, cancel := context.WithCancel(ctx)
	posted := make(chan error, 1)
	go func() { posted <- posting.Run(ctx) }()
	stop = func() error {
		cancel()
		err := errors.Join(<-posted, r.close())
		poster.Close()
		server.Close()
		return errors.Join(err, rcv.fault())
	}
	r.run(ctx)
	if err := r.offices(ctx, j.Users, offices, server.URL, rcv); err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
}

// offices makes accounts with a webhook each, and links the users.
func (r *rig) offices(ctx context.Context, users []string, offices int, url string, rcv *receiver) error {
	accounts := make([]crm.AccountID, offices)
	for i := range accounts {
		var err error
		if accounts[i], err = r.account(ctx, i); err != nil {
			return err
		}
		w := crm.Webhook{
			Account: accounts[i], ID: crm.WebhookID("whk_" + strconv.Itoa(i)), URL: url, Types: []crm.EventType{crm.MessageImported},
			Status: crm.WebhookActive, CreatedAt: beginning, UpdatedAt: beginning,
		}
		if err := r.store.CreateWebhook(ctx, w, hookSecret); err != nil {
			return err
		}
	}
	for i, user := range users {
		l, err := r.link(ctx, accounts[i%offices], user)
		if err != nil {
			return err
		}
		rcv.expect(l.Mailbox, user)
	}
	return r.looks.await(ctx, len(users))
}

// hookSecret is what all posts are signed with.
const hookSecret = crm.Secret("whsec_YmVuY2ggYmVuY2ggYmVuY2ggYmVuY2g=")

// receiver is the endpoint. It verifies what it gets.
type receiver struct {
	mu     sync.Mutex
	users  map[crm.MailboxID]string
	counts map[string]int
	came   *arrivals
	err    error
}

func (r *receiver) expect(m crm.MailboxID, user string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.users[m] = user
}

func (r *receiver) fault() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	mailbox, err := verified(req)
	at := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.err = err
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	user := r.users[mailbox]
	r.counts[user]++
	r.came.reached(user, r.counts[user], at)
}

func verified(req *http.Request) (crm.MailboxID, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return "", err
	}
	verifier, err := standardwebhooks.NewWebhook(string(hookSecret))
	if err != nil {
		return "", err
	}
	if err := verifier.Verify(body, req.Header); err != nil {
		return "", err
	}
	var said struct {
		Data struct {
			Mailbox crm.MailboxID `json:"mailbox_id"`
		} `json:"data"`
	}
	err = json.Unmarshal(body, &said)
	return said.Data.Mailbox, err
}
