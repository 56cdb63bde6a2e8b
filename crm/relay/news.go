package relay

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

const (
	// newsLimit is how much news may wait to be told. What is more becomes
	// "anything may have changed".
	newsLimit = 1024
	// newsGap is the time between two messages with news: at full speed an
	// import writes events a thousand times a second, and every process hears
	// each message.
	newsGap = 25 * time.Millisecond
)

// place names a mailbox.
type place struct {
	Account crm.AccountID `json:"account"`
	Mailbox crm.MailboxID `json:"mailbox"`
}

// bulletin is news as it is told.
type bulletin struct {
	Events   []crm.AccountID `json:"events,omitempty"` // these have new ones
	Links    []place         `json:"links,omitempty"`  // of these mailboxes have changed
	Anything bool            `json:"anything,omitempty"`
}

func (b bulletin) tell(to Here) {
	if b.Anything {
		to.AnythingChanged()
		return
	}
	for _, l := range b.Links {
		to.LinksChanged(l.Account, l.Mailbox)
	}
	for _, a := range b.Events {
		to.EventsWritten(a)
	}
}

// news is what waits to be told. What is said twice waits once.
type news struct {
	mu       sync.Mutex
	events   map[crm.AccountID]bool
	links    map[place]bool
	anything bool
	waiting  chan struct{} // holds a value when there is any
}

// add adds what a bulletin says.
func (n *news) add(b bulletin) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.events == nil {
		n.events, n.links = map[crm.AccountID]bool{}, map[place]bool{}
	}
	for _, a := range b.Events {
		n.events[a] = true
	}
	for _, l := range b.Links {
		n.links[l] = true
	}
	n.anything = n.anything || b.Anything || len(n.events)+len(n.links) > newsLimit
	if n.anything {
		n.events, n.links = nil, nil // said with it
	}
	select {
	case n.waiting <- struct{}{}:
	default:
	}
}

// take takes what waits.
func (n *news) take() bulletin {
	n.mu.Lock()
	defer n.mu.Unlock()
	b := bulletin{Anything: n.anything}
	for a := range n.events {
		b.Events = append(b.Events, a)
	}
	for l := range n.links {
		b.Links = append(b.Links, l)
	}
	n.events, n.links, n.anything = nil, nil, false
	return b
}

// EventsWritten is part of store.Signals: it tells the other processes, and
// does not wait for that.
func (r *Relay) EventsWritten(a crm.AccountID) { r.news.add(bulletin{Events: []crm.AccountID{a}}) }

// LinksChanged is part of store.Signals: it tells the other processes, and does
// not wait for that.
func (r *Relay) LinksChanged(a crm.AccountID, m crm.MailboxID) {
	r.news.add(bulletin{Links: []place{{a, m}}})
}

// announce tells what there is to tell, until ctx ends and once more.
func (r *Relay) announce(ctx context.Context) {
	for trouble := false; ; {
		select {
		case <-ctx.Done():
			select {
			case <-r.news.waiting:
				_ = r.announceOnce(context.WithoutCancel(ctx)) // the others hear it, or look for themselves each minute
			default:
			}
			return
		case <-r.news.waiting:
		}
		gap := newsGap
		err := r.announceOnce(ctx)
		if err != nil {
			gap = againAfter
			if !trouble && ctx.Err() == nil {
				r.Log.Warn("the other processes can't be told of what has changed; trying again", zap.Error(err))
			}
		}
		trouble = err != nil
		pause(ctx, gap)
	}
}

func (r *Relay) announceOnce(ctx context.Context) error {
	b := r.news.take()
	err := r.tell(ctx, r.everybody(), message{News: &b})
	if err != nil {
		r.news.add(b)
	}
	return err
}
