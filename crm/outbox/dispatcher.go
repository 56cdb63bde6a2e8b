package outbox

import (
	"cmp"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

// Options is what a Dispatcher is made of. Every, Parallel and Patience have
// defaults.
type Options struct {
	Store   Store
	Poster  Poster
	Bell    *Bell
	Now     func() time.Time
	Log     *zap.Logger
	Metrics *Metrics
	// Every is how often the database is asked without a ring: for endpoints
	// whose wait is over, and for rings that got lost. 1 s.
	Every time.Duration
	// Parallel is how many endpoints are posted to at the same time. 256.
	Parallel int
	// Patience is how long to wait after a failure, by how long the endpoint
	// has failed.
	Patience func(failingFor time.Duration) time.Duration
}

// A batch is posted one event after the other for so long; what is left then
// waits for its next turn. The lease covers that and one slow answer, so that
// nobody else posts to the endpoint meanwhile.
const (
	batchLimit  = 50
	batchTime   = 10 * time.Second
	leaseTime   = 30 * time.Second
	settleTime  = 10 * time.Second
	settleAgain = time.Second / 2
	maxAsked    = time.Hour // of an endpoint's own Retry-After
)

// Dispatcher brings committed events to webhooks: at least once, in the order
// of the account, one at a time for each endpoint. An endpoint that fails holds
// up its own events and nobody else's. All that it has to remember stands in
// the database, so it may be stopped or killed at any moment.
type Dispatcher struct {
	Options
	wake chan struct{}
	mu   sync.Mutex
	busy map[crm.WebhookKey]bool
	work sync.WaitGroup
}

// NewDispatcher makes a Dispatcher.
func NewDispatcher(o Options) *Dispatcher {
	o.Every = cmp.Or(o.Every, time.Second)
	o.Parallel = cmp.Or(o.Parallel, 256)
	if o.Patience == nil {
		o.Patience = func(failingFor time.Duration) time.Duration { return patience(failingFor, rand.Float64()) }
	}
	return &Dispatcher{Options: o, wake: make(chan struct{}, 1), busy: map[crm.WebhookKey]bool{}}
}

// Run dispatches until ctx ends, and returns when everything that it began has
// ended. What was being posted then is posted again after the next start.
func (d *Dispatcher) Run(ctx context.Context) error {
	defer d.work.Wait()
	news := d.Bell.ListenOwn()
	defer news.Leave()
	tick := time.NewTicker(d.Every)
	defer tick.Stop()
	var trouble bool
	for {
		err := d.start(ctx)
		if err != nil && ctx.Err() == nil && !trouble {
			d.Log.Error("could not look for webhooks; said once until it goes well again", zap.Error(err))
		}
		trouble = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-news.Ring():
			news.Take()
		case <-tick.C:
		case <-d.wake:
		}
	}
}

// start begins a turn for every webhook that is due, as far as there is room.
func (d *Dispatcher) start(ctx context.Context) error {
	d.mu.Lock()
	room := d.Parallel - len(d.busy)
	d.mu.Unlock()
	if room == 0 {
		return nil // the end of a turn wakes us
	}
	// Those that are busy here and have not claimed their events yet are
	// listed too; they take no room from others.
	due, err := d.Store.DueWebhooks(ctx, d.Now(), d.Parallel)
	if err != nil {
		return err
	}
	for _, k := range due {
		if room > 0 && d.enter(k) {
			room--
			d.work.Go(func() {
				settled := d.turn(ctx, k)
				d.leave(k)
				if settled {
					strike(d.wake)
				}
			})
		}
	}
	return nil
}

func (d *Dispatcher) enter(k crm.WebhookKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[k] {
		return false
	}
	d.busy[k] = true
	d.Metrics.Busy.Inc()
	return true
}

func (d *Dispatcher) leave(k crm.WebhookKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.busy, k)
	d.Metrics.Busy.Dec()
}

// turn posts a webhook's next events and writes down what became of them. It
// reports whether that went well, and there may be more.
func (d *Dispatcher) turn(ctx context.Context, k crm.WebhookKey) bool {
	now := d.Now()
	batch, ok, err := d.Store.ClaimWebhook(ctx, k, now, now.Add(leaseTime), batchLimit)
	if err != nil || !ok {
		d.complain(ctx, "could not claim the events of a webhook", k, err)
		return false
	}
	settled := d.deliver(ctx, batch)
	held, err := d.settle(ctx, settled)
	d.complain(ctx, "could not write down the deliveries of a webhook", k, err)
	if held && settled.Status != crm.WebhookActive {
		d.Metrics.GivenUp.Inc()
		d.Log.Warn("a webhook was given up", zap.String("account", string(k.Account)), zap.String("webhook", string(k.ID)), zap.String("detail", settled.Detail))
	}
	return err == nil
}

// settle writes down what was done: also while the daemon stops, and where the
// database is away for a moment, as soon as it is back. What the endpoint has
// taken would be posted again otherwise, and not before the lease is over.
func (d *Dispatcher) settle(ctx context.Context, s crm.Settled) (held bool, err error) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	again := time.NewTicker(settleAgain)
	defer again.Stop()
	for {
		if held, err = d.Store.SettleWebhook(last, s); err == nil || crm.KindOf(err) == crm.NotFound {
			return held, err
		}
		select {
		case <-last.Done():
			return false, err
		case <-again.C:
		}
	}
}

func (d *Dispatcher) complain(ctx context.Context, what string, k crm.WebhookKey, err error) {
	if err != nil && ctx.Err() == nil && crm.KindOf(err) != crm.NotFound {
		d.Log.Error(what, zap.String("account", string(k.Account)), zap.String("webhook", string(k.ID)), zap.Error(err))
	}
}

// deliver posts a batch up to the first event that the endpoint does not take.
func (d *Dispatcher) deliver(ctx context.Context, b crm.Batch) crm.Settled {
	w := b.Webhook
	s := crm.Settled{
		Account: w.Account, Webhook: w.ID, Lease: b.Lease, Position: b.Through,
		FailingAt: w.FailingAt, Detail: w.Detail, Status: crm.WebhookActive,
	}
	until := d.Now().Add(batchTime)
	for _, e := range b.Events {
		if s.At = d.Now(); ctx.Err() != nil || !s.At.Before(until) {
			s.Position = e.Seq - 1
			break
		}
		body, err := d.compose(ctx, w, e)
		if err != nil {
			d.complain(ctx, "could not compose what a webhook is to hear", crm.WebhookKey{Account: w.Account, ID: w.ID}, err)
			s.Position, s.NextAt = e.Seq-1, s.At.Add(shortestWait)
			break
		}
		answer := d.post(ctx, w.URL, e.ID, b.Secrets, body)
		if !answer.OK() && ctx.Err() != nil {
			s.Position = e.Seq - 1 // we broke it off, not the endpoint
			break
		}
		if d.note(&s, e, answer); s.Deliveries[len(s.Deliveries)-1].Status != crm.Delivered {
			break
		}
	}
	return s
}

// note adds an attempt to what is to be written down, and decides how the
// webhook goes on.
func (d *Dispatcher) note(s *crm.Settled, e crm.Event, a crm.Answer) {
	failing := s.FailingAt
	if failing.IsZero() {
		failing = a.At
	}
	delivery := newDelivery(s.Account, s.Webhook, e, a)
	delivery.Status, s.Status, s.Detail = outcome(a, a.At.Sub(failing))
	switch delivery.Status {
	case crm.Delivered:
		s.FailingAt = time.Time{}
	case crm.DeliveryFailed:
		s.Position, s.FailingAt = e.Seq, failing
	case crm.DeliveryPending:
		wait := max(d.Patience(a.At.Sub(failing)), min(a.After, maxAsked))
		s.Position, s.FailingAt, s.NextAt = e.Seq-1, failing, d.Now().Add(wait)
		delivery.NextAt = s.NextAt
	}
	s.Deliveries = append(s.Deliveries, delivery)
}

func newDelivery(a crm.AccountID, w crm.WebhookID, e crm.Event, answer crm.Answer) crm.Delivery {
	return crm.Delivery{
		Account: a, Webhook: w, ID: crm.DeliveryID(crm.NewID("dlv", answer.At)),
		Seq: e.Seq, Event: e.ID, Type: e.Type, Attempts: 1, Answer: answer,
	}
}

// post posts and counts.
func (d *Dispatcher) post(ctx context.Context, url string, id crm.EventID, secrets []crm.Secret, body []byte) crm.Answer {
	answer := d.Poster.Post(ctx, url, id, secrets, body)
	result := "refused"
	switch {
	case answer.OK():
		result = "delivered"
	case answer.Status == 0:
		result = "unanswered"
	}
	d.Metrics.Posts.WithLabelValues(result).Inc()
	d.Metrics.PostSeconds.Observe(answer.Took.Seconds())
	return answer
}
