package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
	"mailsyncd.example/crm/redistest"
	"mailsyncd.example/crm/servertest"
)

// server is for all tests of this package.
var server redistest.Server

func TestMain(m *testing.M) { servertest.Main(m, &server) }

const account = crm.AccountID("acc_1")

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func value[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// open returns the streams of an empty Redis, and a client beside them.
func open(t *testing.T) (*Streams, *redis.Client) {
	t.Helper()
	options, err := redis.ParseURL(server.URL(t))
	must(t, err)
	options.ContextTimeoutEnabled, options.MaxRetries = true, -1
	c := redis.NewClient(options)
	t.Cleanup(func() { c.Close() })
	return New(c, "me"), c
}

// events makes those with these numbers, the first and the last.
func events(from, to int64) []crm.Event {
	var list []crm.Event
	for seq := from; seq <= to; seq++ {
		list = append(list, crm.Event{
			Account: account, ID: crm.EventID(fmt.Sprint("evt_", seq)), Seq: seq, Type: crm.MessageImported,
			At: time.UnixMilli(1795302909120 + seq), Data: json.RawMessage(`{"message_id":"msg_1","from":["太郎 <a&b@kyaku.example>"]}`),
		})
	}
	return list
}

// ids are those of the entries in the account's stream.
func ids(t *testing.T, c *redis.Client) string {
	t.Helper()
	var all []string
	for _, entry := range value(c.XRange(t.Context(), Key(account), "-", "+").Result())(t) {
		all = append(all, entry.ID)
	}
	return strings.Join(all, " ")
}

// Events stand in the stream once and in order, whatever is tried.
func TestAppend(t *testing.T) {
	s, c := open(t)
	for _, step := range []struct {
		name            string
		after, from, to int64
		position        int64
		ids             string
	}{
		{"the first", 0, 1, 2, 2, "1-0 2-0"},
		{"the first again", 0, 1, 2, 2, "1-0 2-0"},
		{"more, too early", 3, 4, 5, 2, "1-0 2-0"},
		{"overlapping", 1, 2, 4, 2, "1-0 2-0"},
		{"what follows", 2, 3, 3, 3, "1-0 2-0 3-0"},
		{"nothing", 3, 4, 3, 3, "1-0 2-0 3-0"},
	} {
		position, err := s.Append(t.Context(), account, step.after, events(step.from, step.to), 100)
		if got := ids(t, c); err != nil || position != step.position || got != step.ids {
			t.Errorf("%s: position %d, entries %s, %v", step.name, position, got, err)
		}
	}
	all := value(s.Positions(t.Context(), []crm.AccountID{"acc_none", account}))(t)
	if !slices.Equal(all, []int64{0, 3}) {
		t.Errorf("positions %v", all)
	}
	if all := value(s.Positions(t.Context(), nil))(t); len(all) != 0 {
		t.Errorf("positions of nobody: %v", all)
	}
}

// A consumer gets of an event what the API tells of it.
func TestEntryIsTheEventOfTheAPI(t *testing.T) {
	s, c := open(t)
	e := events(7, 7)[0]
	value(s.Append(t.Context(), account, 0, []crm.Event{e}, 100))(t)
	got := value(c.XRange(t.Context(), Key(account), "-", "+").Result())(t)[0].Values
	var want map[string]json.RawMessage
	must(t, json.Unmarshal(value(json.Marshal(wire.EventOf(e)))(t), &want))
	if len(got) != len(want) {
		t.Errorf("fields %v, want those of %v", got, want)
	}
	for name, raw := range want {
		text := string(raw)
		if raw[0] == '"' {
			must(t, json.Unmarshal(raw, &text))
		}
		if name == "data" {
			var one, other map[string]any
			must(t, json.Unmarshal(raw, &one))
			must(t, json.Unmarshal([]byte(got[name].(string)), &other))
			if fmt.Sprint(one) != fmt.Sprint(other) {
				t.Errorf("data: %v, want %v", other, one)
			}
		} else if got[name] != text {
			t.Errorf("%s: %q, want %q", name, got[name], text)
		}
	}
}

// What is trimmed, or deleted by a consumer, is not added again.
func TestPositionOutlivesEntries(t *testing.T) {
	s, c := open(t)
	position := value(s.Append(t.Context(), account, 0, events(1, 1000), 300))(t)
	if n := value(c.XLen(t.Context(), Key(account)).Result())(t); position != 1000 || n < 300 || n > 400 {
		t.Errorf("position %d, %d entries are kept", position, n)
	}
	must(t, c.XTrimMaxLen(t.Context(), Key(account), 0).Err())
	if all := value(s.Positions(t.Context(), []crm.AccountID{account}))(t); all[0] != 1000 {
		t.Errorf("position of the empty stream: %v", all)
	}
	must(t, s.Delete(t.Context(), account))
	if all := value(s.Positions(t.Context(), []crm.AccountID{account}))(t); all[0] != 0 {
		t.Errorf("position of no stream: %v", all)
	}
	must(t, s.Delete(t.Context(), account))
}

func TestManyWritersAtOnce(t *testing.T) {
	s, c := open(t)
	const last, writers = 100, 8
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			var position int64
			for position < last {
				var err error
				if position, err = s.Append(t.Context(), account, position, events(position+1, min(position+7, last)), 1000); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	var want []string
	for seq := range last {
		want = append(want, fmt.Sprintf("%d-0", seq+1))
	}
	if got := ids(t, c); got != strings.Join(want, " ") {
		t.Errorf("entries %s", got)
	}
}

func TestList(t *testing.T) {
	s, c := open(t)
	var want []crm.AccountID
	for i := range 50 {
		a := crm.AccountID(fmt.Sprintf("acc_%02d", i))
		want = append(want, a)
		value(s.Append(t.Context(), a, 0, events(1, 1), 10))(t)
	}
	must(t, c.Set(t.Context(), "mailsync:acc_no_stream:events", "x", 0).Err())
	must(t, c.Set(t.Context(), "mailsync:lease:x", "x", 0).Err())
	var got []crm.AccountID
	for cursor, again := uint64(0), true; again; again = cursor != 0 {
		some, next, err := s.List(t.Context(), cursor)
		must(t, err)
		got, cursor = append(got, some...), next
	}
	slices.Sort(got)
	if !slices.Equal(slices.Compact(got), want) {
		t.Errorf("streams of %v", got)
	}
}

// One process at a time has a duty; it keeps it, and loses it with its lease.
func TestHold(t *testing.T) {
	s, c := open(t)
	other := New(c, "other")
	for i, step := range []struct {
		who        *Streams
		duty       string
		held, kept bool
	}{
		{s, "x", true, false}, {other, "x", false, false}, {s, "x", true, true}, {other, "y", true, false},
		{nil, "x", false, false}, // the lease ends
		{other, "x", true, false}, {s, "x", false, false},
	} {
		if step.who == nil {
			must(t, c.Del(t.Context(), "mailsync:duty:"+step.duty).Err())
			continue
		}
		held, kept, err := step.who.Hold(t.Context(), step.duty, time.Minute)
		if err != nil || held != step.held || kept != step.kept {
			t.Errorf("step %d: held %v, kept %v, %v", i, held, kept, err)
		}
	}
	left := value(c.PTTL(t.Context(), "mailsync:duty:x").Result())(t)
	if left <= 0 || left > time.Minute {
		t.Errorf("the duty is held for %v", left)
	}
}

// What concerns one account is told from what concerns all of them.
func TestErrors(t *testing.T) {
	s, c := open(t)
	fails := func(name string, kind crm.Kind, code string) {
		t.Helper()
		_, err := s.Append(t.Context(), account, 0, events(1, 1), 10)
		if crm.KindOf(err) != kind || crm.CodeOf(err) != code {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, c.Set(t.Context(), Key(account), "a string", 0).Err())
	fails("a key that is no stream", crm.Internal, "redis_refused")
	value(s.Append(t.Context(), "acc_2", 0, events(1, 2), 10))(t)
	if all := value(s.Positions(t.Context(), []crm.AccountID{account, "acc_2"}))(t); !slices.Equal(all, []int64{-1, 2}) {
		t.Errorf("positions beside a key that is no stream: %v", all)
	}
	if !s.Tends(t.Context(), "x") || New(c, "other").Tends(t.Context(), "x") {
		t.Error("not one of two tends")
	}
	server.Kill()
	if !New(c, "other").Tends(t.Context(), "x") {
		t.Error("nobody tends while Redis is away")
	}
	fails("no server", crm.Unavailable, "redis_unavailable")
	must(t, server.Start())
	resume, err := server.Pause()
	must(t, err)
	defer resume()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := s.Hold(ctx, "x", time.Minute); crm.KindOf(err) != crm.Unavailable {
		t.Errorf("a silent server: %v", err)
	}
}

// The commands of the manual work as they stand there.
func TestConsumerOfTheManual(t *testing.T) {
	s, c := open(t)
	value(s.Append(t.Context(), account, 0, events(1041, 1042), 100))(t)
	manual := value(os.ReadFile("../../docs/automation.md"))(t)
	var answers []any
	for line := range strings.Lines(string(manual)) {
		command, ok := strings.CutPrefix(line, "redis-cli ")
		if !ok {
			continue
		}
		var args []any
		for _, word := range strings.Fields(strings.ReplaceAll(command, "$ACCOUNT", string(account))) {
			args = append(args, strings.Trim(word, "'"))
		}
		answers = append(answers, value(c.Do(t.Context(), args...).Result())(t))
	}
	if len(answers) != 3 || answers[0] != "OK" || !strings.Contains(fmt.Sprint(answers[1]), "evt_1042") || answers[2] != int64(1) {
		t.Fatalf("Redis answers %v", answers)
	}
	server.Flush(t)
	value(s.Append(t.Context(), account, 0, events(1041, 1042), 100))(t)
	read := &redis.XReadGroupArgs{Group: "crm", Consumer: "worker-1", Streams: []string{Key(account), ">"}, Block: -1}
	if err := c.XReadGroup(t.Context(), read).Err(); !redis.HasErrorPrefix(err, "NOGROUP") {
		t.Errorf("after the data were lost: %v", err)
	}
	must(t, c.XGroupCreate(t.Context(), Key(account), "crm", "1041").Err())
	again := value(c.XReadGroup(t.Context(), read).Result())(t)
	if len(again) != 1 || len(again[0].Messages) != 1 || again[0].Messages[0].ID != "1042-0" {
		t.Errorf("after the group was made again: %v", again)
	}
}

// How much memory an event takes; docs/operating.md says it.
func TestMemoryOfAStream(t *testing.T) {
	s, c := open(t)
	const n = 5000
	data := `{"message_id":"msg_06h00qjcj2qxy3e67s7xtsc0ac","thread_id":"thr_06h00qjcj2qxy3e67s7xtsc0ac","contact_ids":["12345"],` +
		`"direction":"inbound","kind":"personal","from":["taro.yamada@kyaku.example"],"to":["hanako.suzuki@acme.example"],` +
		`"received_at":"2026-11-21T23:15:09Z","mailbox_id":"mbx_06h00qjcj2qxy3e67s7xtsc0ac"}`
	var position int64
	for position < n {
		some := events(position+1, position+200)
		for i := range some {
			some[i].ID, some[i].Data = crm.EventID(crm.NewID("evt", some[i].At)), json.RawMessage(data)
		}
		position = value(s.Append(t.Context(), account, position, some, n))(t)
	}
	size := value(c.MemoryUsage(t.Context(), Key(account), 0).Result())(t)
	t.Logf("%d events take %d bytes of Redis' memory, %d each", n, size, size/n)
	if each := size / n; each < 100 || each > 1000 {
		t.Errorf("%d bytes each", each)
	}
}
