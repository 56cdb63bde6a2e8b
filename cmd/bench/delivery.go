package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// arrivals are when mail arrived in mailboxes that were empty: the n-th time
// is that of the n-th message.
type arrivals struct {
	mu     sync.Mutex
	change *sync.Cond
	times  map[string][]time.Time
}

func newArrivals() *arrivals {
	a := &arrivals{times: map[string][]time.Time{}}
	a.change = sync.NewCond(&a.mu)
	return a
}

// reached notes that a user has n messages at a time.
func (a *arrivals) reached(user string, n int, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.times[user]) < n {
		a.times[user] = append(a.times[user], at)
	}
	a.change.Broadcast()
}

// await returns once the user has n messages: when the n-th came, and false if
// ctx ended before that.
func (a *arrivals) await(ctx context.Context, user string, n int) (time.Time, bool) {
	stop := context.AfterFunc(ctx, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.change.Broadcast()
	})
	defer stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.times[user]) < n {
		if ctx.Err() != nil {
			return time.Time{}, false
		}
		a.change.Wait()
	}
	return a.times[user][n-1], true
}

// delays are from when a message is handed to Dovecot until it has arrived.
type delays []time.Duration

// percentile is the delay in seconds that so many in a hundred do not exceed.
func (d delays) percentile(p int) float64 {
	if len(d) == 0 {
		return none
	}
	slices.Sort(d)
	return d[min(len(d)*p/100, len(d)-1)].Seconds()
}

// patience is how long one message may take before the run is given up.
const patience = time.Minute

// delivery is row 6: from the mail server's hands into the store.
func (b *bench) delivery(ctx context.Context) error {
	single, burst := trio{}, trio{}
	single50, burst50 := trio{}, trio{}
	for _, who := range everybody {
		users, err := b.addUsers(string(who), b.sizes.singles+1)
		if err != nil {
			return err
		}
		came := newArrivals()
		stop, err := b.listen(ctx, who, users, came)
		if err != nil {
			return err
		}
		alone, err := b.deliverSingly(ctx, users[1:], came)
		if err == nil {
			var together delays
			together, err = b.deliverBursts(ctx, users[0], came)
			burst50[who], burst[who] = together.percentile(50), together.percentile(99)
		}
		single50[who], single[who] = alone.percentile(50), alone.percentile(99)
		if err := errors.Join(err, stop()); err != nil {
			return err
		}
	}
	one := fmt.Sprintf("delivery by LMTP, %d one by one", b.sizes.singles*b.sizes.rounds)
	many := fmt.Sprintf("delivery by LMTP, %d bursts of %d", b.sizes.bursts, b.sizes.burst)
	b.add(
		single50.line(6, one, "median", seconds, none), single.line(6, one, "99th percentile", seconds, 0.6),
		burst50.line(6, many, "median", seconds, none), burst.line(6, many, "99th percentile", seconds, 0.6),
	)
	return nil
}

// addUsers adds n users whose names begin with prefix.
func (b *bench) addUsers(prefix string, n int) ([]string, error) {
	users := make([]string, n)
	for i := range users {
		users[i] = fmt.Sprintf("%s%04d@office.example", prefix, i)
		if err := b.server.AddUser(users[i], password); err != nil {
			return nil, err
		}
	}
	return users, nil
}

// listen stands at the users' mailboxes and notes what arrives, until stop is
// called.
func (b *bench) listen(ctx context.Context, who side, users []string, came *arrivals) (stop func() error, err error) {
	j := b.complete(job{Work: "delivery", Side: who, Users: users})
	if who == sideOurs {
		return announceOurs(ctx, j, func(user string, n int) { came.reached(user, n, time.Now()) })
	}
	announce := announceLib
	if who == sideBare {
		announce = announceBare
	}
	ctx, cancel := context.WithCancel(ctx)
	stop = func() error { cancel(); return nil }
	for _, user := range users {
		if err := announce(ctx, j, user, func(n int) { came.reached(user, n, time.Now()) }); err != nil {
			cancel()
			return nil, err
		}
	}
	return stop, nil
}

// announceBare hears how many messages there are, as Dovecot tells it.
func announceBare(ctx context.Context, j job, user string, heard func(messages int)) error {
	c, err := openBare(j, user)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = c.conn.Close() })
	if err := c.do("EXAMINE INBOX"); err != nil {
		return err
	}
	if err := c.idle(); err != nil {
		return err
	}
	go func() {
		for {
			line, err := c.line()
			if err != nil {
				return // closed
			}
			var n int
			var word string
			if _, err := fmt.Sscanf(string(line), "* %d %s", &n, &word); err == nil && word == "EXISTS" {
				heard(n)
			}
		}
	}()
	return nil
}

// deliverSingly delivers to every user again and again, each time when the
// message before has arrived and at no particular moment.
func (b *bench) deliverSingly(ctx context.Context, users []string, came *arrivals) (delays, error) {
	all := make([]delays, len(users))
	g, ctx := errgroup.WithContext(ctx)
	for i, user := range users {
		g.Go(func() error {
			var err error
			r := rand.New(rand.NewPCG(6, uint64(i)))
			for n := range b.sizes.rounds {
				time.Sleep(time.Duration(r.IntN(500)) * time.Millisecond)
				var took delays
				if took, err = b.deliver(ctx, user, n, 1, came); err != nil {
					break
				}
				all[i] = append(all[i], took...)
			}
			return err
		})
	}
	err := g.Wait()
	return slices.Concat(all...), err
}

// deliverBursts delivers to one user as fast as Dovecot takes it.
func (b *bench) deliverBursts(ctx context.Context, user string, came *arrivals) (delays, error) {
	var all delays
	for n := range b.sizes.bursts {
		took, err := b.deliver(ctx, user, n*b.sizes.burst, b.sizes.burst, came)
		if err != nil {
			return nil, err
		}
		all = append(all, took...)
	}
	return all, nil
}

// deliver hands so many messages to Dovecot for a user who had before, and
// waits until all have arrived.
func (b *bench) deliver(ctx context.Context, user string, before, count int, came *arrivals) (delays, error) {
	bag := mailbag{seed: 6, owner: user, share: 1, start: beginning}
	lmtp, err := b.server.LMTP()
	if err != nil {
		return nil, err
	}
	defer lmtp.Close()
	sent := make([]time.Time, count)
	for n := range count {
		mail := bag.letter(before+n, 0)
		sent[n] = time.Now()
		if err := lmtp.Deliver(user, mail); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	took := make(delays, count)
	for n := range count {
		at, ok := came.await(ctx, user, before+n+1)
		if !ok {
			return nil, fmt.Errorf("message %d to %s has not arrived: %w", before+n+1, user, context.Cause(ctx))
		}
		took[n] = at.Sub(sent[n])
	}
	return took, nil
}
