package outbox

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

// Options is what a Dispatcher is made of. Duty may be nil; Every, Parallel and
// Patience have defaults.
type Options struct {
	Store   Store
	Poster  Poster
	Bell    *Bell
	Now     func() time.Time
	Log     *zap.Logger
	Metrics *Metrics
	// Duty tells whether this is the process that does what one of all need do:
	// find what killed processes have left, knock at endpoints that are away.
	// Where two do it, it's done twice and no harm. Nil: it is.
	Duty func(ctx context.Context) bool
	// Every is how often the database is asked for endpoints whose wait is
	// over. 1 s.
	Every time.Duration
	// Parallel is how many endpoints are posted to at the same time. 256.
	Parallel int
	// Patience is how long to wait after a failure, by how long the endpoint
	// has failed.
	Patience func(failingFor time.Duration) time.Duration
}

// A batch is posted one event after the other for so long; what is left then
// waits for its next turn.
const (
	batchLimit  = 50
	batchTime   = 10 * time.Second
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
	work sync.WaitGroup

	mu    sync.Mutex
	busy  map[crm.WebhookKey]bool
	look  map[crm.AccountID]bool // accounts that may have webhooks that are due
	queue queue
}

// NewDispatcher makes a Dispatcher.
func NewDispatcher(o Options) *Dispatcher {
	o.Every = cmp.Or(o.Every, time.Second)
	o.Parallel = cmp.Or(o.Parallel, 256)
	if o.Duty == nil {
		o.Duty = func(context.Context) bool { return true }
	}
	if o.Patience == nil {
		o.Patience = func(failingFor time.Duration) time.Duration { return patience(failingFor, rand.Float64()) }
	}
	return &Dispatcher{
		Options: o, wake: make(chan struct{}, 1),
		busy: map[crm.WebhookKey]bool{}, look: map[crm.AccountID]bool{}, queue: queue{has: map[crm.WebhookKey]bool{}},
	}
}

// Run dispatches until ctx ends, and returns when everything that it began has
// ended. What was being posted then is posted again after the next start.
func (d *Dispatcher) Run(ctx context.Context) error {
	defer d.work.Wait()
	news := d.Bell.ListenOwn()
	defer news.Leave()
	d.work.Go(func() { d.sweep(ctx) })
	d.work.Go(func() { d.knock(ctx) })
	tick := time.NewTicker(d.Every)
	defer tick.Stop()
	ripe := true // ask for those whose wait is over
	var trouble bool
	for {
		d.lookAt(news.Take()...)
		err := d.find(ctx, ripe)
		if err != nil && ctx.Err() == nil && !trouble {
			d.Log.Error("could not look for webhooks; said once until it goes well again", zap.Error(err))
		}
		trouble = err != nil
		d.start(ctx)
		ripe = false
		select {
		case <-ctx.Done():
			return nil
		case <-news.Ring():
		case <-tick.C:
			ripe = true
		case <-d.wake:
		}
	}
}

// lookAt notes accounts that may have webhooks that are due.
func (d *Dispatcher) lookAt(accounts ...crm.AccountID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range accounts {
		d.look[a] = true
	}
}

// find puts webhooks that are due into the queue: of the accounts that were
// noted, and those whose wait is over.
func (d *Dispatcher) find(ctx context.Context, ripe bool) error {
	d.mu.Lock()
	accounts := slices.Collect(maps.Keys(d.look))
	clear(d.look)
	d.mu.Unlock()
	due, err := d.Store.DueWebhooks(ctx, accounts, d.Now())
	if err != nil {
		d.lookAt(accounts...) // the next tick tries again
		return err
	}
	d.queue.add(due...)
	if !ripe {
		return nil
	}
	if due, err = d.Store.RipeWebhooks(ctx, d.Now(), ripeAtOnce); err != nil {
		return err
	}
	d.queue.add(due...)
	return nil
}

// ripeAtOnce bounds how many webhooks are found by one look.
const ripeAtOnce = 1000

// start begins a turn for every webhook in the queue, as far as there is room.
func (d *Dispatcher) start(ctx context.Context) {
	for ctx.Err() == nil {
		d.mu.Lock()
		room := d.Parallel - len(d.busy)
		d.mu.Unlock()
		if room <= 0 {
			return // the end of a turn wakes us
		}
		k, ok := d.queue.next()
		if !ok {
			return
		}
		if !d.enter(k) {
			continue // the end of its turn looks again
		}
		d.work.Go(func() {
			worked := d.turn(ctx, k)
			d.leave(k)
			d.lookAt(k.Account) // for what came meanwhile
			if worked {
				strike(d.wake)
			}
		})
	}
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
// reports false where there is no sense in another turn at once.
func (d *Dispatcher) turn(ctx context.Context, k crm.WebhookKey) bool {
	now := d.Now()
	batch, ok, err := d.Store.ClaimWebhook(ctx, k, now, now.Add(leaseTime), batchLimit)
	if err != nil || !ok {
		d.complain(ctx, "could not claim the events of a webhook", k, err)
		return false
	}
	posting, claim := d.hold(ctx, k, batch.Lease)
	settled := d.deliver(posting, batch, claim)
	settled.Lease = claim.end()
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
func (d *Dispatcher) deliver(ctx context.Context, b crm.Batch, c *claim) crm.Settled {
	w := b.Webhook
	s := crm.Settled{
		Account: w.Account, Webhook: w.ID, Position: b.Through,
		FailingAt: w.FailingAt, Detail: w.Detail, Status: crm.WebhookActive,
	}
	until := d.Now().Add(batchTime)
	for _, e := range b.Events {
		if s.At = d.Now(); ctx.Err() != nil || !s.At.Before(until) || !c.stands(s.At) {
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
		s.Position, s.FailingAt, s.NextAt, s.Unreachable = e.Seq-1, failing, d.Now().Add(wait), !a.Reached
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
