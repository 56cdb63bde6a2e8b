// Package lease divides the mailboxes among the processes that share a Redis,
// so that each is worked by one at a time.
//
// The mailboxes fall into a fixed number of shards. Who ought to have a shard
// follows from the members that are there (rendezvous hashing), so that nobody
// decides it and everybody comes to the same answer. Who has it stands in
// Redis, with a token (crm.Fence) that grows with every taking. A member says
// every few seconds that it is there, and with that renews all its leases at
// once; who has not been heard of for the time of a lease has lost all of them.
//
// # When Redis forgets
//
// A Redis that was restarted, flushed, or followed by a replica may not know
// of leases in which somebody still believes. The database holds the highest
// token that was ever written under; from it the counter is set anew, with a
// distance that covers those that were never written under. Members tell what
// they hold and keep it under the token that they have. Nothing else is taken
// before each member that one of them knew of has reported, and a tenth of the
// time of a lease has passed, for whom none of them had heard of yet; or before
// the time of a lease is over.
//
// # What is promised, and what is not
//
// As long as clocks run at the same speed, no two members believe at one time
// that a shard is theirs: each judges its leases by its own monotonic clock,
// counted from before it asked for them. A machine that is frozen together
// with its clock can believe for too long. So can one that sends a write and
// is stopped before it arrives, and one that took leases just before Redis
// forgot them, unknown to all others, and can't report in that tenth. Against
// all three there is the token: the database refuses what comes under a lower
// one than it has seen.
package lease

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

// DefaultTTL is how long a lease stands without being renewed. A process that
// is killed is followed by the others after that time.
const DefaultTTL = 15 * time.Second

// Options are what a Member is made of. Redis and Highest are needed.
type Options struct {
	// Redis must heed the deadlines of contexts (ContextTimeoutEnabled).
	Redis *redis.Client
	// Highest returns the highest token that the database has seen.
	Highest func(ctx context.Context) (crm.Fence, error)
	TTL     time.Duration // DefaultTTL where 0; the same for all members
	Log     *zap.Logger   // silent where nil
	Metrics *Metrics      // counted nowhere where nil
}

// Member is this process among those that share the mailboxes.
type Member struct {
	o        Options
	id       string
	register *register
	book     *book
	alarm    *time.Timer // goes off when the leases are over
	seen     seen        // used by Run alone

	mu    sync.Mutex
	fault error // why the last round failed
}

// New makes a Member that has nothing until Run is called.
func New(o Options) *Member {
	if o.TTL == 0 {
		o.TTL = DefaultTTL
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics()
	}
	id := rand.Text()
	return &Member{
		o: o, id: id, register: newRegister(id, o), book: newBook(),
		fault: crm.E(crm.Unavailable, "redis_unreachable", "This process has not joined the others yet; wait a moment."),
	}
}

// Fence returns the token under which this process works the mailbox; false
// where another one does, or nobody at the moment. It costs no round trip.
func (m *Member) Fence(a crm.AccountID, id crm.MailboxID) (crm.Fence, bool) {
	return m.book.fence(shardOf(a, id))
}

// Enter says that somebody is about to stand at the mailbox; false where Fence
// would say false. Where it is true, the mailbox is not given to another
// process before Leave was called, unless that takes longer than ten seconds.
func (m *Member) Enter(a crm.AccountID, id crm.MailboxID) bool {
	return m.book.enter(shardOf(a, id))
}

// Leave ends what Enter began.
func (m *Member) Leave(a crm.AccountID, id crm.MailboxID) {
	m.book.leave(shardOf(a, id))
}

// Changed returns the channel that holds a value when answers of Fence may
// have changed. It is always the same, for one listener.
func (m *Member) Changed() <-chan struct{} { return m.book.changed }

// Chore tells whether a chore that one process is enough for is this one's at
// the moment.
func (m *Member) Chore(name string) bool {
	_, ours := m.book.fence(shard(hash("chore", name) % Shards))
	return ours
}

// Ready tells why this process can't work, from what it knows already:
// crm.Unavailable while Redis can't be reached and before Run has joined.
func (m *Member) Ready(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault == nil && !m.book.stands() {
		return crm.E(crm.Unavailable, "redis_unreachable", "The leases of this process are over; they are being renewed.")
	}
	return m.fault
}
