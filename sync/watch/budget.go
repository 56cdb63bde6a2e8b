package watch

import (
	"cmp"
	"context"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"mailsyncd.example/crm"
)

// Limits bound what is asked of mail servers. A zero field means the default.
type Limits struct {
	PerMailbox      int     // connections to one mailbox; 2: people's own mail programs need the rest
	PerHost         int     // connections to one mail host; 20,000
	Connecting      int     // connections being opened at the same time; 32
	LoginsPerSecond float64 // logins at one mail host; 50
}

// OrDefaults fills in what is left open.
func (l Limits) OrDefaults() Limits {
	if l.PerMailbox == 0 {
		l.PerMailbox = 2
	}
	if l.PerHost == 0 {
		l.PerHost = 20_000
	}
	if l.Connecting == 0 {
		l.Connecting = 32
	}
	if l.LoginsPerSecond == 0 {
		l.LoginsPerSecond = 50
	}
	return l
}

// Quota hands out what all who share it may ask of a mail host together:
// PerHost and LoginsPerSecond of their Limits.
type Quota interface {
	// Take waits until the host may have one connection and one login more,
	// and takes both. release gives the connection back, and is called once.
	// The error is ctx's.
	Take(ctx context.Context, host string) (release func(), err error)
}

// budget hands out the right to hold a connection.
type budget struct {
	limits     Limits
	connecting chan struct{}
	mailboxes  shelf[chan struct{}]
	hosts      Quota
}

func newBudget(l Limits, hosts Quota) *budget {
	l = l.OrDefaults()
	if hosts == nil {
		hosts = newOwnQuota(l)
	}
	return &budget{
		limits: l, hosts: hosts, connecting: make(chan struct{}, l.Connecting),
		mailboxes: shelf[chan struct{}]{fill: func() chan struct{} { return make(chan struct{}, l.PerMailbox) }},
	}
}

// take waits for the right to hold a connection to the login's mailbox, and
// returns the function that gives it back.
func (b *budget) take(ctx context.Context, l crm.Login) (release func(), err error) {
	host := strings.ToLower(l.Server.Host)
	mailbox, leave := b.mailboxes.enter(host + "\x00" + l.Username)
	if err := acquire(ctx, mailbox); err != nil {
		leave()
		return nil, err
	}
	giveBack := func() { <-mailbox; leave() }
	onHost, err := b.hosts.Take(ctx, host)
	if err != nil {
		giveBack()
		return nil, err
	}
	return func() { onHost(); giveBack() }, nil
}

// opening waits for the right to open a connection; the handshakes are what
// costs when thousands are opened at a start.
func (b *budget) opening(ctx context.Context) (release func(), err error) {
	if err := acquire(ctx, b.connecting); err != nil {
		return nil, err
	}
	return func() { <-b.connecting }, nil
}

func acquire(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ownQuota is the Quota of a process that shares it with nobody.
type ownQuota struct{ hosts shelf[host] }

// host is what is held and asked of one mail host.
type host struct {
	slots  chan struct{}
	logins *rate.Limiter
}

func newOwnQuota(l Limits) *ownQuota {
	return &ownQuota{shelf[host]{fill: func() host {
		return host{
			slots:  make(chan struct{}, l.PerHost),
			logins: rate.NewLimiter(rate.Limit(l.LoginsPerSecond), max(1, int(2*l.LoginsPerSecond))),
		}
	}}}
}

// Take is part of Quota.
func (q *ownQuota) Take(ctx context.Context, name string) (release func(), err error) {
	h, leave := q.hosts.enter(name)
	if err := acquire(ctx, h.slots); err != nil {
		leave()
		return nil, err
	}
	release = func() { <-h.slots; leave() }
	if h.logins.Wait(ctx) != nil { // it does not even begin where the time won't do
		release()
		return nil, cmp.Or(ctx.Err(), context.DeadlineExceeded)
	}
	return release, nil
}

// shelf keeps something under each name for as long as anybody uses it.
type shelf[T any] struct {
	fill func() T

	mu  sync.Mutex
	all map[string]*used[T]
}

type used[T any] struct {
	it    T
	users int
}

// enter returns what is kept under a name, and a function that ends its use.
func (s *shelf[T]) enter(name string) (T, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*used[T]{}
	}
	u := s.all[name]
	if u == nil {
		u = &used[T]{it: s.fill()}
		s.all[name] = u
	}
	u.users++
	return u.it, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if u.users--; u.users == 0 {
			delete(s.all, name)
		}
	}
}
