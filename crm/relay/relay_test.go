package relay_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/redistest"
	"mailsyncd.example/crm/relay"
	"mailsyncd.example/crm/servertest"
	"mailsyncd.example/crm/store"
)

var server redistest.Server

func TestMain(m *testing.M) { servertest.Main(m, &server) }

var _ store.Signals = (*relay.Relay)(nil)

// process is one of several, as far as the others see it.
type process struct {
	*relay.Relay
	heard chan string // what the others said
	works atomic.Bool // every mailbox there is
	look  func(ctx context.Context, what string) error
	stop  func()
}

func (p *process) EventsWritten(a crm.AccountID) { p.heard <- "events of " + string(a) }
func (p *process) LinksChanged(a crm.AccountID, m crm.MailboxID) {
	p.heard <- "links of " + string(a) + " " + string(m)
}
func (p *process) AnythingChanged() { p.heard <- "anything" }
func (p *process) Works(crm.AccountID, crm.MailboxID) bool {
	return p.works.Load()
}
func (p *process) Look(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return p.look(ctx, "look at "+string(a)+" "+string(m))
}
func (p *process) Balance(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return p.look(ctx, "balance "+string(a)+" "+string(m))
}

// newProcess makes a process that is not heard yet.
func newProcess(t *testing.T, url string) *process {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.ContextTimeoutEnabled = true
	o.MaxRetries = -1
	client := redis.NewClient(o)
	p := &process{heard: make(chan string, 100)}
	p.Relay = relay.New(relay.Options{Redis: client, Here: p, Log: zap.NewNop()})
	t.Cleanup(func() { _ = client.Close() })
	return p
}

// start starts a process and returns once it hears the others.
func start(t *testing.T, url string) *process {
	t.Helper()
	p := newProcess(t, url)
	p.run(t)
	p.expect(t, "anything")
	return p
}

func (p *process) run(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stopped := false
	p.stop = func() {
		if cancel(); !stopped {
			stopped = true
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(func() { p.stop() })
}

// expect waits for these words, in any order, and no others before them.
func (p *process) expect(t *testing.T, want ...string) {
	t.Helper()
	limit := time.After(time.Minute)
	for len(want) > 0 {
		select {
		case got := <-p.heard:
			i := slices.Index(want, got)
			if i < 0 {
				t.Fatalf("heard %q, waiting for %q", got, want)
			}
			want = slices.Delete(want, i, i+1)
		case <-limit:
			t.Fatalf("never heard %q", want)
		}
	}
}

func TestNewsReachTheOthers(t *testing.T) {
	url := server.URL(t)
	a, b, c := start(t, url), start(t, url), start(t, url)
	other := start(t, strings.TrimSuffix(url, "/0")+"/1") // of another installation
	a.Relay.EventsWritten("acc_1")
	a.Relay.EventsWritten("acc_1") // for most who hear it, once
	a.Relay.EventsWritten("acc_2")
	a.Relay.LinksChanged("acc_1", "mbx_1")
	a.stop() // what is said is told before the end
	b.Relay.EventsWritten("acc_3")
	c.Relay.EventsWritten("acc_4")
	for p, last := range map[*process]string{b: "events of acc_4", c: "events of acc_3"} {
		seen := map[string]bool{}
		for !seen[last] {
			seen[<-p.heard] = true
		}
		want := []string{"events of acc_1", "events of acc_2", last, "links of acc_1 mbx_1"}
		if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	for _, p := range []*process{a, other} {
		if len(p.heard) > 0 {
			t.Errorf("heard %q, which was said to others", <-p.heard)
		}
	}
}

// What is too much to be told in words is told at once, and nobody has to wait
// while it can't be told at all.
func TestMoreNewsThanWords(t *testing.T) {
	url := server.URL(t)
	b := start(t, url)
	a := newProcess(t, url)
	for i := range 100_000 {
		a.Relay.EventsWritten(crm.AccountID(fmt.Sprint("acc_", i)))
		a.Relay.LinksChanged("acc_1", crm.MailboxID(fmt.Sprint("mbx_", i)))
	}
	a.run(t)
	b.expect(t, "anything")
	a.Relay.EventsWritten("acc_1")
	b.expect(t, "events of acc_1")
}

// Whoever was cut off is told to look for itself, and what was said meanwhile
// is told as soon as Redis is back.
func TestRedisIsAwayForAWhile(t *testing.T) {
	var server redistest.Server
	t.Cleanup(func() { _ = server.Close() })
	url := server.URL(t)
	a, b := start(t, url), start(t, url)
	server.Kill()
	a.awaitSilence() // it finds out by itself
	a.Relay.EventsWritten("acc_1")
	if err := a.Ready(); crm.CodeOf(err) != "redis_unreachable" || crm.KindOf(err) != crm.Unavailable {
		t.Errorf("Ready: %v", err)
	}
	if err := a.Relay.Look(t.Context(), "acc_1", "mbx_1"); crm.CodeOf(err) != "redis_unreachable" {
		t.Errorf("Look: %v", err)
	}
	a.Relay.LinksChanged("acc_1", "mbx_1")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	a.expect(t, "anything")
	// Either what a had to say comes after b is back, or b looks for itself
	// after it was said.
	b.expect(t, "anything")
	a.Relay.LinksChanged("acc_1", "mbx_2")
	for got := ""; got != "links of acc_1 mbx_2"; got = <-b.heard {
		if got != "" && got != "events of acc_1" && got != "links of acc_1 mbx_1" {
			t.Fatalf("heard %q", got)
		}
	}
	if err := a.Ready(); err != nil {
		t.Errorf("Ready, with Redis back: %v", err)
	}
}

// A Redis that is there and says nothing is as good as none.
func TestRedisIsSilent(t *testing.T) {
	var server redistest.Server
	t.Cleanup(func() { _ = server.Close() })
	a := start(t, server.URL(t))
	resume, err := server.Pause()
	if err != nil {
		t.Fatal(err)
	}
	a.awaitSilence()
	resume()
	a.expect(t, "anything")
}

// awaitSilence waits until the process has noticed that it hears nobody.
func (p *process) awaitSilence() {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for p.Ready() == nil {
		<-again.C
	}
}
