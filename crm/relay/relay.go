// Package relay carries between processes what one of them has to tell the
// others: that events were written, that links have changed, and questions that
// only the process can answer that works a mailbox. It goes through Redis'
// publish and subscribe, which keeps nothing: who is not there does not hear.
// So a process that was cut off for a while is told that anything may have
// changed, and looks for itself.
//
// Redis does not tell apart its numbered databases here; the names of channels
// do: mailsync:0:news is heard by every process of database 0, and
// mailsync:0:to:ID by one, which gets the answers to its questions there.
package relay

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

// Here is the process at this end. Its methods but Look and Balance return at
// once.
type Here interface {
	// EventsWritten says that another process has written events of the account.
	EventsWritten(a crm.AccountID)
	// LinksChanged says that another process has changed links of the mailbox.
	LinksChanged(a crm.AccountID, m crm.MailboxID)
	// AnythingChanged says that some of the above may not have been heard.
	AnythingChanged()
	// Works tells whether this process works the mailbox.
	Works(a crm.AccountID, m crm.MailboxID) bool
	// Look and Balance do what the watcher's methods of these names do, in
	// this process and nowhere else.
	Look(ctx context.Context, a crm.AccountID, m crm.MailboxID) error
	Balance(ctx context.Context, a crm.AccountID, m crm.MailboxID) error
}

// Options are what a Relay is made of. All are needed.
type Options struct {
	// Redis must heed the deadlines of contexts (ContextTimeoutEnabled).
	Redis *redis.Client
	Here  Here
	Log   *zap.Logger
}

// How long things between here and Redis may take.
const (
	tellTime   = 2 * time.Second        // to publish
	quietTime  = 3 * time.Second        // without a word from Redis before it is asked whether it is there, and to answer
	againAfter = 500 * time.Millisecond // after a failure
)

// Relay is one process' end of the line.
type Relay struct {
	Options
	id        string
	channels  string // what the names of channels begin with
	news      news
	questions questions
	standing  atomic.Bool // both channels are heard
}

// New makes a Relay. What it is told before Run is told to the others then.
func New(o Options) *Relay {
	r := &Relay{Options: o, id: rand.Text(), channels: fmt.Sprintf("mailsync:%d:", o.Redis.Options().DB)}
	r.news.waiting = make(chan struct{}, 1)
	return r
}

// everybody is the channel that all processes hear.
func (r *Relay) everybody() string { return r.channels + "news" }

// only is the channel that one process hears.
func (r *Relay) only(id string) string { return r.channels + "to:" + id }

// message is what one process tells others.
type message struct {
	From     string    `json:"from"`
	News     *bulletin `json:"news,omitempty"`
	Question *question `json:"question,omitempty"`
	Answer   *answer   `json:"answer,omitempty"`
}

// Run tells and listens until ctx ends. What was to be told until then is told
// before it returns, if Redis is there.
func (r *Relay) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { r.announce(ctx) })
	for trouble := false; ; {
		err := r.listen(ctx, func() {
			if trouble {
				r.Log.Info("the other processes are heard again")
			}
			trouble = false
		})
		if ctx.Err() != nil {
			break
		}
		if !trouble {
			r.Log.Warn("Redis is away, and with it the other processes; trying again", zap.Error(err))
		}
		trouble = true
		pause(ctx, againAfter)
	}
	r.questions.work.Wait()
	return nil
}

// Ready tells whether the other processes can be heard.
func (r *Relay) Ready() error {
	if !r.standing.Load() {
		return away(nil)
	}
	return nil
}

// away is what to say while Redis can't be worked with.
func away(err error) error {
	return crm.Wrap(crm.Unavailable, "redis_unreachable", "Redis does not answer, and without it the processes can't work together; try again once it is back.", err)
}

// listen hears the others until Redis is lost or ctx ends. heard is called once
// nothing that is said escapes us any more.
func (r *Relay) listen(ctx context.Context, heard func()) error {
	on := r.Redis.Subscribe(ctx, r.everybody(), r.only(r.id))
	defer on.Close()
	defer context.AfterFunc(ctx, func() { _ = on.Close() })() // a read does not end with ctx
	defer r.standing.Store(false)
	for asked := false; ; {
		said, err := on.ReceiveTimeout(ctx, quietTime)
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() && !asked {
			asked = true
			err = on.Ping(ctx)
		} else {
			asked = false
		}
		if err != nil {
			return err
		}
		switch said := said.(type) {
		case *redis.Subscription:
			if said.Count == 2 {
				r.standing.Store(true)
				r.Here.AnythingChanged()
				heard()
			}
		case *redis.Message:
			r.heed(ctx, said.Payload)
		}
	}
}

// heed does what a message asks for. One that can't be read is of a version
// that is yet to come.
func (r *Relay) heed(ctx context.Context, payload string) {
	var m message
	if err := json.Unmarshal([]byte(payload), &m); err != nil {
		r.Log.Warn("another process says what this one can't read", zap.Error(err))
		return
	}
	if m.News != nil && m.From != r.id {
		m.News.tell(r.Here)
	}
	if m.Question != nil {
		r.consider(ctx, m.From, *m.Question)
	}
	if m.Answer != nil {
		r.questions.answered(*m.Answer)
	}
}

// tell publishes a message.
func (r *Relay) tell(ctx context.Context, channel string, m message) error {
	m.From = r.id
	payload, err := json.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	return r.Redis.Publish(ctx, channel, payload).Err()
}

// pause waits, at most until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
