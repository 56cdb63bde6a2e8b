package outbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/outbox"
	"mailsyncd.example/crm/stream"
)

// brook is a hub whose events go to a real Redis.
type brook struct {
	*hub
	redis *redis.Client
}

// overBrooks runs a test on either database.
func overBrooks(t *testing.T, test func(b *brook)) {
	for name, open := range map[string]database{"sqlite": onSQLite, "postgres": onPostgres} {
		t.Run(name, func(t *testing.T) {
			b := &brook{hub: newHubOn(t, open)}
			options, err := redis.ParseURL(redisd.URL(t))
			b.must(err)
			options.ContextTimeoutEnabled, options.MaxRetries = true, -1
			options.DialerRetries = 1
			b.redis = redis.NewClient(options)
			t.Cleanup(func() { b.redis.Close() })
			test(b)
		})
	}
}

// flow runs a Streamer until the test ends or stop is called. It hears the bell.
func (b *brook) flow(me string, bell *outbox.Bell) (stop func()) {
	b.t.Helper()
	s := outbox.NewStreamer(outbox.StreamerOptions{
		Store: b.Store, Streams: stream.New(b.redis, me), Bell: bell, Now: time.Now, Log: zap.NewNop(),
		Metrics: outbox.NewStreamMetrics(), Pace: 5 * time.Millisecond,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil {
			b.t.Error(err)
		}
	}()
	stop = func() { cancel(); <-done }
	b.t.Cleanup(stop)
	return stop
}

// reads waits until the stream holds so many entries after one, and returns
// the numbers of them all.
func (b *brook) reads(a crm.AccountID, after int64, n int) string {
	b.t.Helper()
	// On a client of its own: one that has met an outage believes in it for a
	// moment longer.
	reader := redis.NewClient(&redis.Options{Addr: redisd.Address()})
	defer reader.Close()
	var got []string
	for len(got) < n {
		found, err := reader.XRead(b.t.Context(), &redis.XReadArgs{
			Streams: []string{stream.Key(a), strconv.FormatInt(after, 10)}, Block: time.Minute,
		}).Result()
		b.must(err)
		for _, entry := range found[0].Messages {
			id, _, _ := strings.Cut(entry.ID, "-")
			if after, err = strconv.ParseInt(id, 10, 64); err != nil || entry.Values["seq"] != id {
				b.t.Errorf("entry %s: %v", entry.ID, entry.Values)
			}
			got = append(got, id)
		}
	}
	return strings.Join(got, " ")
}

// numbers are those from one to another.
func numbers(from, to int) string {
	var all []string
	for n := from; n <= to; n++ {
		all = append(all, strconv.Itoa(n))
	}
	return strings.Join(all, " ")
}

func (b *brook) streams(what string, got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// What was written before, while and after it runs is in the stream, in order.
func TestEventsAreStreamed(t *testing.T) {
	overBrooks(t, func(b *brook) {
		b.tell(3)
		stop := b.flow("one", &b.bell)
		b.streams("before", b.reads(account, 0, 3), numbers(1, 3))
		for n := range 5 {
			b.tell(1)
			b.streams("while it runs", b.reads(account, int64(3+n), 1), fmt.Sprint(4+n))
		}
		stop()
		b.tell(250) // more than a page
		b.flow("two", &outbox.Bell{})
		b.streams("all", b.reads(account, 0, 258), numbers(1, 258))
	})
}

// Two processes that both hear of every event leave no gap and add none twice.
func TestTwoWritersAtTheSameTime(t *testing.T) {
	overBrooks(t, func(b *brook) {
		b.flow("one", &b.bell)
		b.flow("two", &b.bell)
		for range 60 {
			b.tell(1)
		}
		b.streams("from both", b.reads(account, 0, 60), numbers(1, 60))
	})
}

// A process that hears no bell (the writer was killed after its commit) finds
// what is missing by itself.
func TestKilledWriter(t *testing.T) {
	overBrooks(t, func(b *brook) {
		b.flow("survivor", &outbox.Bell{})
		for n := range 3 {
			b.tell(1)
			b.streams("found", b.reads(account, int64(n), 1), fmt.Sprint(n+1))
		}
	})
}

// Redis is killed while events come in, and comes back with nothing in it.
func TestRedisKilledAndBack(t *testing.T) {
	overBrooks(t, func(b *brook) {
		b.flow("one", &b.bell)
		b.tell(2)
		b.streams("before", b.reads(account, 0, 2), numbers(1, 2))
		redisd.Kill()
		b.tell(3)
		b.must(redisd.Start())
		b.streams("after", b.reads(account, 0, 5), numbers(1, 5))
		b.tell(1)
		b.streams("later", b.reads(account, 5, 1), "6")
	})
}

// Redis loses its data and nobody is told, and no event comes.
func TestDataGone(t *testing.T) {
	overBrooks(t, func(b *brook) {
		b.flow("one", &b.bell)
		b.tell(4)
		b.streams("before", b.reads(account, 0, 4), numbers(1, 4))
		redisd.Flush(b.t)
		b.streams("after", b.reads(account, 0, 4), numbers(1, 4))
	})
}

// Redis stands still: connections stand and nothing answers.
func TestRedisPaused(t *testing.T) {
	overBrooks(t, func(b *brook) {
		b.flow("one", &b.bell)
		b.tell(1)
		b.streams("before", b.reads(account, 0, 1), "1")
		resume, err := redisd.Pause()
		b.must(err)
		b.tell(2)
		resume()
		b.streams("after", b.reads(account, 1, 2), "2 3")
	})
}

// rush writes n events at once: a mail server that comes and goes.
func (b *brook) rush(n int) {
	b.t.Helper()
	b.tell(1)
	part, err := b.ListLinks(b.t.Context(), account, "", crm.Paging{Limit: 1})
	b.must(err)
	looks := make([]crm.Looked, n-1)
	for i := range looks {
		looks[i] = crm.Looked{Account: account, Mailbox: part.Items[0].Mailbox, At: time.Now(), Status: crm.LinkUnreachable, Err: "gone"}
		if i%2 == 1 {
			looks[i].Status, looks[i].Err = crm.LinkLive, ""
		}
	}
	for some := range slices.Chunk(looks, 100) {
		b.must(b.SaveLooks(b.t.Context(), some))
	}
}

// A stream that is made anew gets the last events only, and no gap in them.
func TestNewStreamHoldsTheLastEvents(t *testing.T) {
	overBrooks(t, func(b *brook) {
		const all, kept = 5300, 5000
		b.rush(all)
		b.flow("one", &b.bell)
		b.streams("made anew", b.reads(account, 0, kept), numbers(all-kept+1, all))
	})
}

// awaitGone returns once the account has no stream.
func (b *brook) awaitGone(a crm.AccountID) {
	b.t.Helper()
	for n := int64(1); n > 0; {
		var err error
		n, err = b.redis.Exists(b.t.Context(), stream.Key(a)).Result()
		b.must(err)
	}
}

// With an account goes its stream, also if nobody was there at that moment.
func TestStreamGoesWithItsAccount(t *testing.T) {
	overBrooks(t, func(b *brook) {
		stop := b.flow("one", &b.bell)
		b.tell(1)
		b.reads(account, 0, 1)
		b.must(b.DeleteAccount(b.t.Context(), account, time.Now()))
		b.awaitGone(account)
		stop()
		_, err := stream.New(b.redis, "dead").Append(b.t.Context(), account, 0, []crm.Event{{Seq: 1, Data: json.RawMessage("{}")}}, 10)
		b.must(err)
		b.flow("two", &b.bell)
		b.awaitGone(account)
	})
}

// A database that was put back to an earlier state gives numbers out again;
// the stream begins anew with it.
func TestStreamAheadOfItsAccountBeginsAnew(t *testing.T) {
	overBrooks(t, func(b *brook) {
		_, err := stream.New(b.redis, "x").Append(b.t.Context(), account, 0, []crm.Event{{Seq: 70, Data: json.RawMessage("{}")}}, 10)
		b.must(err)
		b.tell(2)
		b.flow("one", &b.bell)
		for n := int64(0); n != 2; {
			n, err = b.redis.XLen(b.t.Context(), stream.Key(account)).Result()
			b.must(err)
		}
		b.streams("begun anew", b.reads(account, 0, 2), "1 2")
	})
}

// What is wrong with one stream stands in no other's way.
func TestOneStreamThatIsRefused(t *testing.T) {
	overBrooks(t, func(b *brook) {
		b.must(b.CreateAccount(b.t.Context(), crm.Account{
			ID: "acc_0", Name: "Ume", Status: crm.AccountActive, MailEnabled: true, ContactVisibility: crm.VisibleAll, CreatedAt: time.Now(),
		}))
		b.must(b.redis.Set(b.t.Context(), stream.Key("acc_0"), "no stream", 0).Err())
		b.flow("one", &b.bell)
		for n := range 3 {
			b.bell.EventsWritten("acc_0")
			b.tell(1)
			b.streams("beside it", b.reads(account, int64(n), 1), fmt.Sprint(n+1))
		}
	})
}
