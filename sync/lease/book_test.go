package lease

import (
	"testing"
	"testing/synctest"
	"time"

	"mailsyncd.example/crm"
)

// told tells whether the channel holds a value, and takes it.
func told(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func expectFence(t *testing.T, b *book, s shard, want crm.Fence) {
	t.Helper()
	if got, ok := b.fence(s); got != want || ok != (want != 0) {
		t.Errorf("shard %d: token %d (%v), want %d", s, got, ok, want)
	}
}

func TestLeasesEndByTheClockAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.renew(time.Now().Add(time.Second), nil, []shard{5})
		b.take(map[shard]crm.Fence{5: 9})
		expectFence(t, b, 5, 9)
		if !told(b.changed) {
			t.Error("a taking was not told")
		}
		<-time.After(time.Second) // of the bubble's clock
		expectFence(t, b, 5, 0)
		if b.enter(5) {
			t.Error("somebody was let in")
		}
		if n, over := b.expire(); n != 1 || !over || !told(b.changed) {
			t.Errorf("%d leases ended (%v)", n, over)
		}
		if _, over := b.expire(); over {
			t.Error("the same end was noticed twice")
		}
		// An answer that came too late is none.
		b.renew(time.Now().Add(-time.Millisecond), nil, []shard{5})
		expectFence(t, b, 5, 0)
		b.renew(time.Now().Add(time.Second), nil, []shard{5})
		expectFence(t, b, 5, 9)
	})
}

func TestShardIsKeptUntilItIsVacant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		renew := func(ours ...shard) { b.renew(time.Now().Add(time.Hour), nil, ours) }
		holds := func(want bool) {
			t.Helper()
			if held, _ := b.claims(); (held[5] != 0) != want {
				t.Errorf("held: %v", held)
			}
		}
		renew(5)
		b.take(map[shard]crm.Fence{5: 9})
		b.enter(5)
		b.enter(5)
		told(b.changed)
		renew()
		expectFence(t, b, 5, 0)
		if !told(b.changed) || told(b.vacant) {
			t.Error("who stands there was not told, or the shard is vacant already")
		}
		holds(true)
		renew(5) // after all
		expectFence(t, b, 5, 9)
		renew()
		b.leave(5)
		holds(true)
		b.leave(5)
		if !told(b.vacant) {
			t.Error("nobody hears that the shard is vacant")
		}
		holds(false)

		renew(5)
		b.take(map[shard]crm.Fence{5: 10})
		b.enter(5)
		b.retire()
		expectFence(t, b, 5, 0)
		holds(true)
		<-time.After(patience + 1) // of the bubble's clock
		holds(false)
	})
}
