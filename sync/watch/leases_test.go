package watch_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/redistest"
	"mailsyncd.example/crm/servertest"
	"mailsyncd.example/crm/store/postgrestest"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/lease"
)

// Servers for all tests of this package, started by the first that needs them.
var (
	postgresql postgrestest.Server
	redisd     redistest.Server
)

func TestMain(m *testing.M) { servertest.Main(m, &postgresql, &redisd) }

// member joins those who share the mailboxes, through a Redis at the address.
func member(t *testing.T, address string, highest func(context.Context) (crm.Fence, error)) (m *lease.Member, leave func()) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address, ContextTimeoutEnabled: true, MaxRetries: -1})
	m = lease.New(lease.Options{Redis: client, Highest: highest, TTL: 3 * time.Second})
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = m.Run(ctx) // the others find out by the clock
	}()
	leave = func() { cancel(); <-gone }
	t.Cleanup(func() { leave(); _ = client.Close() })
	return m, leave
}

// Two processes divide the mailboxes by real leases. One leaves, comes back,
// and loses its Redis: every mailbox is worked all the time, or soon again.
func TestLeases(t *testing.T) {
	d := dovecottest.Start(t)
	redisd.URL(t) // started, and empty
	proxy := dovecottest.NewProxy(t, redisd.Address())
	var p *pair
	highest := func(ctx context.Context) (crm.Fence, error) { return p.store.HighestFence(ctx) }
	// Nobody has written under a fence yet.
	first, _ := member(t, redisd.Address(), func(context.Context) (crm.Fence, error) { return 0, nil })
	p = pairOf(t, onPostgreSQL, d, first)
	second, leave := member(t, proxy.Addr(), highest)
	p.join(second)

	const n = 12
	var links []crm.Link
	for i := range n {
		links = append(links, p.linkOwn(fmt.Sprint("user", i)))
	}
	mails := 0
	round := func(what string) {
		t.Helper()
		for _, l := range links {
			d.Deliver(t, string(l.Address), mail{subject: what, to: string(l.Address)}.raw())
			mails++
		}
		for _, l := range links {
			p.look(l)
		}
		if got := len(p.messages()); got != mails {
			t.Errorf("%s: %d messages of %d", what, got, mails)
		}
	}
	divided := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		// Of so many, though not of these few, each has some.
		const mailboxes = 200
		for theirs := 0; theirs == 0 || theirs == mailboxes; {
			must(t, p.watcher.Look(ctx, links[0].Account, links[0].Mailbox))
			theirs = 0
			for i := range mailboxes {
				if _, ok := second.Fence(p.account.ID, crm.MailboxID(fmt.Sprint("mbx_", i))); ok {
					theirs++
				}
			}
		}
	}
	divided()
	round("together")
	leave()
	p.stopSecond()
	round("alone")
	second, _ = member(t, proxy.Addr(), highest)
	p.join(second)
	divided()
	round("together again")
	proxy.Stall()
	round("when one has lost its Redis")
	for _, l := range links {
		p.balanced(l)
	}
	if failing := p.events(crm.LinkFailing); len(failing) != 0 {
		t.Errorf("users were told of failures: %s", failing[0].Data)
	}
	if events := len(p.events(crm.MessageImported)); events != mails {
		t.Errorf("%d events for %d mails", events, mails)
	}
}
