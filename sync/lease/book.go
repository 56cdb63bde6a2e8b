package lease

import (
	"sync"
	"time"

	"mailsyncd.example/crm"
)

// book is what a member knows of its leases. Everything that Fence answers
// comes from here, so that it costs no round trip.
type book struct {
	mu      sync.Mutex
	slots   [Shards]slot
	until   time.Time // when the leases are over, by the monotonic clock
	over    bool      // the end was noticed, and told
	highest crm.Fence // that this member ever held
	changed chan struct{}
	vacant  chan struct{} // holds a value when a shard can be given back
}

// slot is a shard as its member sees it.
type slot struct {
	fence   crm.Fence // 0 where it is not held
	leaving bool      // held, and to be given back once nobody is inside
	since   time.Time // when the leaving began
	inside  int       // who stand at its mailboxes
}

// patience is how long to wait for those who stand at the mailboxes of a shard
// that is to be given back. The database refuses what they write later on.
const patience = 10 * time.Second

func (sl *slot) depart(leaving bool) {
	sl.leaving, sl.since = leaving, time.Now()
}

func newBook() *book {
	return &book{over: true, changed: make(chan struct{}, 1), vacant: make(chan struct{}, 1)}
}

// fence returns the token of a shard that is ours to work at this moment. The
// clock decides: a process that was stopped for a while learns of nothing
// else before it goes on.
func (b *book) fence(s shard) (crm.Fence, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.valid(s)
}

func (b *book) valid(s shard) (crm.Fence, bool) {
	if sl := &b.slots[s]; sl.fence != 0 && !sl.leaving && b.believes() {
		return sl.fence, true
	}
	return 0, false
}

func (b *book) believes() bool { return time.Now().Before(b.until) }

func (b *book) enter(s shard) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.valid(s)
	if ok {
		b.slots[s].inside++
	}
	return ok
}

func (b *book) leave(s shard) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sl := &b.slots[s]
	sl.inside--
	if sl.inside == 0 && sl.leaving {
		signal(b.vacant)
	}
}

// claims returns the leases that are to be renewed and whether this member
// believes in them. Shards that wait to be given back and are empty are not
// held from here on.
func (b *book) claims() (held map[shard]crm.Fence, believes bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	held = make(map[shard]crm.Fence)
	for s := range b.slots {
		sl := &b.slots[s]
		if sl.leaving && (sl.inside == 0 || time.Since(sl.since) > patience) {
			sl.fence, sl.leaving = 0, false
		}
		if sl.fence != 0 {
			held[shard(s)] = sl.fence
		}
	}
	return held, b.believes()
}

// renew notes that the leases stand until so long, but for those that were
// lost. This member ought to have the shards in ours; others are to be left.
func (b *book) renew(until time.Time, lost, ours []shard) {
	b.mu.Lock()
	defer b.mu.Unlock()
	changed := b.over
	var keep [Shards]bool
	for _, s := range ours {
		keep[s] = true
	}
	b.until, b.over = until, false
	for _, s := range lost {
		b.slots[s].fence, b.slots[s].leaving = 0, false
		changed = true
	}
	for s := range b.slots {
		sl := &b.slots[s]
		if leaving := sl.fence != 0 && !keep[s]; leaving != sl.leaving {
			sl.depart(leaving)
			changed = true
			if leaving && sl.inside == 0 {
				signal(b.vacant)
			}
		}
	}
	if changed {
		signal(b.changed)
	}
}

// retire begins to leave all shards.
func (b *book) retire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.slots {
		if sl := &b.slots[s]; sl.fence != 0 && !sl.leaving {
			sl.depart(true)
		}
	}
	signal(b.changed)
}

// close notes that nothing is held any more.
func (b *book) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.slots {
		b.slots[s].fence, b.slots[s].leaving = 0, false
	}
	b.until, b.over = time.Time{}, true
	signal(b.changed)
}

// take notes shards that were taken. They stand as long as the others.
func (b *book) take(taken map[shard]crm.Fence) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s, f := range taken {
		b.slots[s].fence, b.slots[s].leaving = f, false
		b.highest = max(b.highest, f)
	}
	if len(taken) > 0 {
		signal(b.changed)
	}
}

// expire notices, once only, that the leases are over, and how many they were.
func (b *book) expire() (n int, over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over || b.believes() {
		return 0, false
	}
	b.over = true
	signal(b.changed)
	return b.count(), true
}

// missing returns those of the shards that are not held.
func (b *book) missing(wanted []shard) []shard {
	b.mu.Lock()
	defer b.mu.Unlock()
	var missing []shard
	for _, s := range wanted {
		if b.slots[s].fence == 0 {
			missing = append(missing, s)
		}
	}
	return missing
}

// held tells how many shards are held.
func (b *book) held() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count()
}

func (b *book) count() int {
	n := 0
	for s := range b.slots {
		if b.slots[s].fence != 0 {
			n++
		}
	}
	return n
}

// stands tells whether the leases are not over.
func (b *book) stands() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.believes()
}

// highestHeld returns the highest token that this member ever held.
func (b *book) highestHeld() crm.Fence {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.highest
}

// signal puts a value into a channel that holds one, if it holds none.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
