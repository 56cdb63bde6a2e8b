package lease

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mailsyncd.example/crm"
)

// talk is what some members say to Redis, one after the other.
type talk struct {
	*testing.T
	client *redis.Client
	epoch  string
}

func newTalk(t *testing.T) *talk {
	server.URL(t)
	client := redis.NewClient(&redis.Options{Addr: server.Address(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { client.Close() })
	return &talk{T: t, client: client}
}

func (k *talk) member(id string) *register {
	return newRegister(id, Options{Redis: k.client, TTL: time.Minute})
}

func (k *talk) seed(r *register, highest crm.Fence) {
	k.Helper()
	if err := r.seed(k.Context(), highest); err != nil {
		k.Fatal(err)
	}
}

func (k *talk) beat(r *register, s sign) view {
	k.Helper()
	if s.does == "" {
		s.does = willing
	}
	v, err := r.beat(k.Context(), s)
	if err != nil {
		k.Fatal(err)
	}
	k.epoch = v.epoch
	return v
}

func (k *talk) take(r *register, want map[shard]crm.Fence, shards ...shard) {
	k.Helper()
	got, err := r.take(k.Context(), shards)
	if err != nil {
		k.Fatal(err)
	}
	if len(got) != len(want) {
		k.Errorf("took %v, want %v", got, want)
	}
	for s, f := range want {
		if got[s] != f {
			k.Errorf("shard %d under %d, want %d", s, got[s], f)
		}
	}
}

func (k *talk) lost(v view, want ...shard) {
	k.Helper()
	if !slices.Equal(v.lost, want) {
		k.Errorf("lost %v, want %v", v.lost, want)
	}
}

func (k *talk) free(v view, n int) {
	k.Helper()
	if len(v.free) != n {
		k.Errorf("%d shards are free, want %d", len(v.free), n)
	}
}

type fences = map[shard]crm.Fence

func TestShardIsTakenOnce(t *testing.T) {
	k := newTalk(t)
	a, b := k.member("a"), k.member("b")
	k.seed(a, 0)
	k.free(k.beat(a, sign{}), Shards)
	k.beat(b, sign{})
	k.take(a, fences{7: 1, 8: 2}, 7, 8)
	k.take(b, fences{9: 3}, 7, 8, 9)
	k.lost(k.beat(a, sign{held: fences{7: 1, 8: 2}}))
	k.lost(k.beat(b, sign{until: always, held: fences{8: 2, 9: 3}}), 8)
	// What is not named is given back.
	k.free(k.beat(a, sign{held: fences{7: 1}}), Shards-2)
	k.take(b, fences{8: 4}, 8)
	k.lost(k.beat(a, sign{held: fences{7: 1, 8: 2}}), 8)
	// The answer to a taking was lost: it is taken once more.
	k.take(a, fences{7: 5}, 7)
}

// A beat that was held up on its way names too little.
func TestRequestsThatComeLate(t *testing.T) {
	k := newTalk(t)
	a := k.member("a")
	k.seed(a, 0)
	k.beat(a, sign{})
	k.take(a, fences{1: 1}, 1)
	late := *a
	late.number -= 2
	if _, err := late.beat(t.Context(), sign{does: willing}); !errors.Is(err, errLate) {
		t.Errorf("a beat from before the taking: %v", err)
	}
	if _, err := late.take(t.Context(), []shard{2}); err != nil {
		t.Errorf("what is asked twice is answered twice: %v", err)
	}
	k.lost(k.beat(a, sign{held: fences{1: 1}}))
}

// Those who have their share need not look when somebody gives something back.
func TestNewsSayWhomTheyConcern(t *testing.T) {
	k := newTalk(t)
	a := k.member("a")
	k.seed(a, 0)
	listening := k.client.Subscribe(t.Context(), a.channel())
	defer listening.Close()
	if _, err := listening.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect := func(want string) {
		t.Helper()
		if m, err := listening.ReceiveMessage(t.Context()); err != nil || m.Payload != want {
			t.Errorf("heard %v, %v; want %s", m, err, want)
		}
	}
	k.beat(a, sign{})
	expect("members a")
	k.take(a, fences{1: 1, 2: 2}, 1, 2)
	k.beat(a, sign{held: fences{1: 1, 2: 2}}) // no news
	k.beat(a, sign{held: fences{1: 1}})
	expect("free a")
	k.beat(a, sign{does: leaving})
	expect("members a")

	m := New(Options{Redis: k.client})
	m.seen.ours = []shard{1}
	for news, concerns := range map[string]bool{
		"members b": true, "free b": true, "members " + m.id: false, "free " + m.id: false,
	} {
		if m.concerns(&redis.Message{Payload: news}) != concerns {
			t.Errorf("%q concerns who wants a shard: %v", news, !concerns)
		}
	}
	m.book.take(fences{1: 1})
	if m.concerns(&redis.Message{Payload: "free b"}) || !m.concerns(&redis.Message{Payload: "members b"}) {
		t.Error("who has its share looks for more, or does not look who is there")
	}
	if !m.concerns(&redis.Subscription{}) {
		t.Error("who could not hear the news for a while does not look")
	}
}

func TestMembers(t *testing.T) {
	k := newTalk(t)
	a, b := k.member("a"), k.member("b")
	k.seed(a, 0)
	if _, err := a.take(t.Context(), []shard{1}); !errors.Is(err, errAbsent) {
		t.Errorf("somebody who has not said that it is there takes a shard: %v", err)
	}
	k.beat(a, sign{})
	if v := k.beat(b, sign{}); len(v.members) != 2 {
		t.Errorf("members %q, want two", v.members)
	}
	k.take(a, fences{1: 1, 2: 2}, 1, 2)
	// Who is leaving keeps what it has, and is no member for the others.
	k.lost(k.beat(a, sign{does: leaving, held: fences{1: 1}}))
	v := k.beat(b, sign{})
	if !slices.Equal(v.members, []string{"b"}) || !slices.Equal(v.others, []string{"a"}) {
		t.Errorf("members %q and %q, want b and a", v.members, v.others)
	}
	k.free(v, Shards-1)
	k.beat(a, sign{does: gone})
	k.free(k.beat(b, sign{}), Shards)
	// Who was silent for too long has lost what it has, but for what nobody took.
	k.take(b, fences{1: 3, 2: 4}, 1, 2)
	k.silence("b")
	v = k.beat(a, sign{})
	k.free(v, Shards)
	k.take(a, fences{1: 5}, 1)
	k.lost(k.beat(b, sign{held: fences{1: 3, 2: 4}}), 1)
}

// passTime lets the time be over before which nothing is taken in any case.
func (k *talk) passTime() {
	k.Helper()
	until := k.client.HMGet(k.Context(), key, "until", "early").Val()
	if until[0] != until[1] {
		k.Errorf("shards are to be taken from %v on, not %v, though all have reported", until[0], until[1])
	}
	if err := k.client.HSet(k.Context(), key, "until", "0").Err(); err != nil {
		k.Fatal(err)
	}
}

// silence makes a member one that was heard of too long ago.
func (k *talk) silence(id string) {
	k.Helper()
	if err := k.client.HSet(k.Context(), key, "m:"+id, "1000 1 1").Err(); err != nil {
		k.Fatal(err)
	}
}

const (
	distance = 1 << 20 // that a counter is moved on when data went
	always   = 1 << 52 // by any clock
)

// Each way in which what Redis has acknowledged can be gone.
func TestDataAreGone(t *testing.T) {
	for name, lose := range map[string]func(*talk){
		"flushed": func(k *talk) { server.Flush(k) },
		"restarted": func(k *talk) {
			if err := server.Restart(); err != nil {
				k.Fatal(err)
			}
		},
		"an older state, in another process": func(k *talk) { k.client.HSet(k.Context(), key, "run", "0123") },
	} {
		t.Run(name, func(t *testing.T) {
			k := newTalk(t)
			a, b, c := k.member("a"), k.member("b"), k.member("c")
			k.seed(a, 0)
			k.beat(a, sign{})
			k.beat(b, sign{})
			all := k.beat(c, sign{})
			k.take(a, fences{1: 1, 2: 2, 3: 3}, 1, 2, 3)
			k.take(b, fences{4: 4}, 4)
			lose(k)
			if _, err := a.beat(t.Context(), sign{does: willing}); !errors.Is(err, errUnseeded) {
				t.Fatalf("not noticed: %v", err)
			}
			k.seed(a, 4)
			k.seed(b, 9) // once is enough
			k.lost(k.beat(a, sign{until: always, held: fences{1: 1, 2: 2}}))
			// A newcomer does not know whom to wait for, and gets nothing.
			k.free(k.beat(k.member("d"), sign{}), 0)
			k.take(k.member("d"), nil, 3, 4, 5)
			// What one believes in and another has is the other's.
			k.lost(k.beat(b, sign{until: always, held: fences{2: 9, 4: 4}, epoch: all.epoch, known: all.members}), 2)
			v := k.beat(a, sign{held: fences{1: 1, 2: 2}})
			k.free(v, 0)
			if !slices.Equal(v.others, []string{"c"}) {
				t.Errorf("awaited: %q, want c", v.others)
			}
			// Who believes in nothing any more gets nothing back; once it has
			// reported, everybody has.
			v = k.beat(c, sign{held: fences{6: 3}, epoch: all.epoch, known: all.members})
			k.lost(v, 6)
			k.free(v, 0) // too early: somebody may have come whom none of them heard of
			k.passTime()
			k.free(k.beat(c, sign{}), Shards-3)
			k.take(c, fences{3: 4 + distance + 1}, 1, 2, 3, 4)
		})
	}
}

func TestTokensAboveAllThatAreHeld(t *testing.T) {
	k := newTalk(t)
	a := k.member("a")
	k.seed(a, 0) // the database knew of none
	k.lost(k.beat(a, sign{until: always, held: fences{1: 77}}))
	k.take(a, fences{2: 78}, 2)
}

// Who came when the data had gone and has heard of nobody is no witness when
// they go once more.
func TestNewcomerIsNoWitness(t *testing.T) {
	k := newTalk(t)
	a, d := k.member("a"), k.member("d")
	k.seed(d, 9)
	v := k.beat(d, sign{})
	if v.whole {
		t.Error("it takes itself for the only one")
	}
	if v = k.beat(a, sign{until: always, epoch: "before", known: []string{"a", "c"}}); !v.whole {
		t.Error("who was there before the data went knows whom to wait for")
	}
	if v = k.beat(d, sign{}); !v.whole || !slices.Equal(v.others, []string{"c"}) {
		t.Errorf("now it knows too, and waits for %q", v.others)
	}
}

// A beat that lay on its way for longer than its leases stood names what is
// others' by now.
func TestBeatThatWasHeldUp(t *testing.T) {
	k := newTalk(t)
	a, b := k.member("a"), k.member("b")
	k.seed(a, 0)
	v := k.beat(a, sign{})
	server.Flush(t)
	k.seed(b, 9)
	k.lost(k.beat(a, sign{until: v.now, held: fences{1: 1}}), 1)
	k.lost(k.beat(b, sign{until: always, held: fences{1: 2}}))
}
