package lease

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

const (
	// pace is the least time between two rounds. What happens in between is
	// looked after together.
	pace = 50 * time.Millisecond
	// retry is how long to wait where Redis could not be reached.
	retry = 500 * time.Millisecond
	// hungry is how long to wait where this member has not got all that it
	// ought to have: the word that something is free may have been lost.
	hungry = time.Second
	// regroup is how long a member that was out of reach expects the others
	// that it knew to come back too. Without it the first would take all.
	regroup = 2 * time.Second
	// attempt is how long a round may take.
	attempt = 2 * time.Second
)

// seen is what a member has seen of the others.
type seen struct {
	until    int64     // when the leases are over, by Redis' clock, in ms
	epoch    string    // the last of which it was known who may hold something
	members  []string  // who that is
	expected []string  // of whom it is not known yet whether they come back
	regroup  time.Time // until then they are counted
	counted  []string  // for whom ours was made
	ours     []shard   // that this member ought to have
}

// Run joins the others, renews the leases, takes and hands over, until ctx
// ends. Then Fence is false everywhere; Run returns once nobody of this
// process stands at a mailbox any more and the others were told. The error is
// crm.Unavailable where they could not be told: they find out by the clock.
func (m *Member) Run(ctx context.Context) error {
	listening := m.listen(ctx)
	defer listening.Close()
	news := listening.ChannelWithSubscriptions()
	m.alarm = time.AfterFunc(time.Hour, m.expire)
	defer m.alarm.Stop()
	for ctx.Err() == nil {
		began := time.Now()
		next, err := m.round(ctx, willing)
		if err != nil {
			next = retry
		}
		if ctx.Err() == nil {
			m.report(err)
		}
		m.rest(ctx, news, began, next)
	}
	defer m.book.close()
	return m.retire(context.WithoutCancel(ctx), news)
}

// listen subscribes to the news. Where that fails it is tried again behind the
// scenes.
func (m *Member) listen(ctx context.Context) *redis.PubSub {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	return m.o.Redis.Subscribe(ctx, m.register.channel())
}

// retire leaves. Shards are given back as they become vacant.
func (m *Member) retire(ctx context.Context, news <-chan any) error {
	ctx, cancel := context.WithTimeout(ctx, patience+2*attempt)
	defer cancel()
	m.book.retire()
	for {
		began := time.Now()
		_, err := m.round(ctx, leaving)
		if err != nil {
			return err
		}
		if m.book.held() == 0 {
			break
		}
		m.rest(ctx, news, began, hungry)
	}
	_, err := m.register.beat(ctx, sign{does: gone})
	return err
}

// rest waits for so long, or until there is something to do.
func (m *Member) rest(ctx context.Context, news <-chan any, began time.Time, next time.Duration) {
	timer := time.NewTimer(next)
	defer timer.Stop()
	for waiting := true; waiting; {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-m.book.vacant:
			waiting = false
		case n, open := <-news:
			if !open { // somebody closes the client too early
				news = nil
				continue
			}
			waiting = !m.concerns(n)
		}
	}
	timer.Reset(time.Until(began.Add(pace)))
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	for len(news) > 0 {
		<-news
	}
}

// concerns tells whether news are a reason to act: what others give back is
// nothing to who has its share. That the news can be heard (again) is one: what
// was said before was missed, and Redis may have forgotten everything.
func (m *Member) concerns(news any) bool {
	message, ok := news.(*redis.Message)
	if !ok {
		return true
	}
	what, by, _ := strings.Cut(message.Payload, " ")
	return by != m.id && (what == "members" || m.wants())
}

// wants tells whether this member has not got all that it ought to have.
func (m *Member) wants() bool { return len(m.book.missing(m.seen.ours)) > 0 }

// round renews what is held, gives back what is vacant and takes what is
// missing. It returns when the next one is due.
func (m *Member) round(ctx context.Context, does string) (next time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	asked := time.Now() // the answer is counted from here, however late it comes
	held, believes := m.book.claims()
	if !believes {
		m.seen.until = 0
		m.seen.expected, m.seen.regroup = m.seen.members, asked.Add(regroup)
	}
	v, err := m.beat(ctx, sign{does: does, until: m.seen.until, epoch: m.seen.epoch, known: m.seen.members, held: held})
	if err != nil {
		return 0, err
	}
	if v.whole { // or, were the data to go again, nobody would wait for those who have not reported
		m.seen.epoch, m.seen.members = v.epoch, slices.Concat(v.members, v.others)
	}
	m.share(v.members)
	ours := m.seen.ours
	if does != willing {
		ours = nil
	}
	stands := m.o.TTL - m.o.TTL/10 // clocks don't run at quite the same speed
	until := asked.Add(stands)
	m.seen.until = v.now + stands.Milliseconds()
	m.book.renew(until, v.lost, ours)
	m.alarm.Reset(time.Until(until))
	m.count(len(v.lost))
	wanted := slices.DeleteFunc(m.book.missing(ours), func(s shard) bool { return !v.free[s] })
	if len(wanted) > 0 {
		taken, err := m.register.take(ctx, wanted)
		if errors.Is(err, errUnseeded) || errors.Is(err, errAbsent) {
			return 0, nil // a beat puts it right
		}
		if err != nil {
			return 0, err
		}
		m.book.take(taken)
	}
	m.o.Metrics.Shards.Set(float64(m.book.held()))
	return m.due(v), nil
}

// beat is the register's, and begins an epoch where there is none.
func (m *Member) beat(ctx context.Context, s sign) (view, error) {
	v, err := m.register.beat(ctx, s)
	if !errors.Is(err, errUnseeded) {
		return v, err
	}
	highest, err := m.o.Highest(ctx)
	if err == nil {
		err = m.register.seed(ctx, max(highest, m.book.highestHeld()))
	}
	if err != nil {
		return view{}, err
	}
	return m.register.beat(ctx, s)
}

// share finds out who ought to have which shard.
func (m *Member) share(members []string) {
	if time.Now().Before(m.seen.regroup) {
		members = slices.Concat(members, m.seen.expected)
	}
	members = slices.Compact(slices.Sorted(slices.Values(members)))
	if !slices.Equal(members, m.seen.counted) {
		m.seen.counted, m.seen.ours = members, share(m.id, members)
		m.o.Metrics.Members.Set(float64(len(members)))
		if len(members) > 0 { // none: this one was the last, and stops
			m.o.Log.Info("the processes that share the mailboxes have changed", zap.Int("processes", len(members)))
		}
	}
}

// due tells when the next round is.
func (m *Member) due(v view) time.Duration {
	next := m.o.TTL / 3
	next = min(next, m.o.TTL-v.oldest+time.Millisecond) // somebody's leases are over then
	if left := time.Until(m.seen.regroup); left > 0 {
		next = min(next, left)
	}
	if m.wants() {
		next = min(next, hungry)
	}
	return next
}

// expire is called when the leases may be over.
func (m *Member) expire() {
	if n, over := m.book.expire(); over {
		m.o.Metrics.Lost.Add(float64(n))
		m.o.Metrics.Shards.Set(0)
		m.o.Log.Warn("the leases could not be renewed in time; this process works no mailbox until they are", zap.Int("shards", n))
	}
}

func (m *Member) count(lost int) {
	m.o.Metrics.Renewed.SetToCurrentTime()
	if lost > 0 {
		m.o.Metrics.Lost.Add(float64(lost))
		m.o.Log.Warn("shards were lost to other processes", zap.Int("shards", lost))
	}
}

// report notes how a round went, and says so where it is news.
func (m *Member) report(err error) {
	m.mu.Lock()
	before := m.fault
	m.fault = err
	m.mu.Unlock()
	switch {
	case err != nil && (before == nil || crm.CodeOf(before) != crm.CodeOf(err)):
		m.o.Log.Error("the leases can't be renewed; trying again", zap.Error(err))
	case err == nil && before != nil:
		m.o.Log.Info("the leases are renewed")
	}
}
