package watch

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"mailsyncd.example/crm"
)

// knockEvery is how often somebody knocks at a mail host that is away, once for
// all the mailboxes there. That is 17,280 connections in a day and no login.
const (
	knockEvery = 5 * time.Second
	knockTime  = 4 * time.Second
)

// knocks ends the waits of mailboxes whose host is back. How long a keeper
// waits by itself grows with the outage, up to the interval of the looks.
type knocks struct {
	// at opens a connection to a mail server and closes it; nil: nobody knocks.
	at    func(context.Context, crm.Server) error
	every time.Duration

	mu   sync.Mutex
	away map[crm.Server]*absence
}

// absence is a host to which no connection can be made, for as long as somebody
// waits for it.
type absence struct {
	back    chan struct{} // closed when a connection could be made
	waiting int
	stop    context.CancelFunc
}

func newKnocks(at func(context.Context, crm.Server) error) *knocks {
	return &knocks{at: at, every: knockEvery, away: map[crm.Server]*absence{}}
}

// awayError says that no connection to a server could be made; so one that can
// be is news.
type awayError struct {
	server crm.Server
	err    error
}

func (e *awayError) Error() string { return e.err.Error() }
func (e *awayError) Unwrap() error { return e.err }

// markAway makes an awayError of what went wrong with a connection, where that
// was its very beginning.
func markAway(s crm.Server, err error) error {
	dial, isOp := errors.AsType[*net.OpError](err)
	_, isName := errors.AsType[*net.DNSError](err)
	if isName || isOp && dial.Op == "dial" {
		return &awayError{s, err}
	}
	return err
}

// await returns a channel that is closed when a connection to the server could
// be made, and a function that ends the waiting.
func (n *knocks) await(s crm.Server) (back <-chan struct{}, leave func()) {
	if n.at == nil {
		return nil, func() {}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.away[s]
	if a == nil {
		ctx, stop := context.WithCancel(context.Background())
		a = &absence{back: make(chan struct{}), stop: stop}
		n.away[s] = a
		go n.knock(ctx, s, a)
	}
	a.waiting++
	return a.back, func() { n.leave(s, a) }
}

func (n *knocks) leave(s crm.Server, a *absence) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a.waiting--; a.waiting == 0 {
		a.stop()
		n.forget(s, a)
	}
}

// forget lets whoever waits from now on begin anew.
func (n *knocks) forget(s crm.Server, a *absence) {
	if n.away[s] == a {
		delete(n.away, s)
	}
}

// knock knocks until a connection could be made, or nobody waits any more.
func (n *knocks) knock(ctx context.Context, s crm.Server, a *absence) {
	tick := time.NewTicker(n.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		limit, cancel := context.WithTimeout(ctx, knockTime)
		err := n.at(limit, s)
		cancel()
		if err == nil {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.forget(s, a)
			close(a.back)
			return
		}
	}
}
