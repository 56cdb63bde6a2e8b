package watch

import (
	"context"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"mailsyncd.example/crm"
)

// Limits bound what the watcher asks of mail servers. A zero field means the
// default.
type Limits struct {
	PerMailbox      int     // connections to one mailbox; 2: people's own mail programs need the rest
	PerHost         int     // connections to one mail host; 2,000
	Connecting      int     // connections being opened at the same time; 32
	LoginsPerSecond float64 // logins at one mail host; 20
}

func (l Limits) orDefaults() Limits {
	if l.PerMailbox == 0 {
		l.PerMailbox = 2
	}
	if l.PerHost == 0 {
		l.PerHost = 2000
	}
	if l.Connecting == 0 {
		l.Connecting = 32
	}
	if l.LoginsPerSecond == 0 {
		l.LoginsPerSecond = 20
	}
	return l
}

// budget hands out the right to hold a connection.
type budget struct {
	limits     Limits
	connecting chan struct{}

	mu     sync.Mutex
	counts map[string]*count
}

// count is what is held under one name; it exists while somebody holds or
// waits.
type count struct {
	slots  chan struct{}
	logins *rate.Limiter
	users  int
}

func newBudget(l Limits) *budget {
	l = l.orDefaults()
	return &budget{limits: l, connecting: make(chan struct{}, l.Connecting), counts: map[string]*count{}}
}

// take waits for the right to hold a connection to the login's mailbox, and
// returns the function that gives it back.
func (b *budget) take(ctx context.Context, l crm.Login) (release func(), err error) {
	host := strings.ToLower(l.Server.Host)
	mailbox, leaveMailbox := b.enter(host+"\x00"+l.Username, b.limits.PerMailbox)
	onHost, leaveHost := b.enter(host, b.limits.PerHost)
	leave := func() { leaveMailbox(); leaveHost() }
	if err := acquire(ctx, mailbox.slots); err != nil {
		leave()
		return nil, err
	}
	if err := acquire(ctx, onHost.slots); err != nil {
		<-mailbox.slots
		leave()
		return nil, err
	}
	release = func() { <-mailbox.slots; <-onHost.slots; leave() }
	if err := onHost.logins.Wait(ctx); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// opening waits for the right to open a connection; the handshakes are what
// costs when thousands are opened at a start.
func (b *budget) opening(ctx context.Context) (release func(), err error) {
	if err := acquire(ctx, b.connecting); err != nil {
		return nil, err
	}
	return func() { <-b.connecting }, nil
}

func (b *budget) enter(name string, slots int) (*count, func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.counts[name]
	if c == nil {
		c = &count{
			slots:  make(chan struct{}, slots),
			logins: rate.NewLimiter(rate.Limit(b.limits.LoginsPerSecond), max(1, int(2*b.limits.LoginsPerSecond))),
		}
		b.counts[name] = c
	}
	c.users++
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if c.users--; c.users == 0 {
			delete(b.counts, name)
		}
	}
}

func acquire(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
