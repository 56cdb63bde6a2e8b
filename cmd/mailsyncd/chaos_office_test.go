package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

// branch is one of many firms: it has a mail host of its own, mail that
// arrives there, and two who listen to its events.
type branch struct {
	*firm
	proxy   *dovecottest.Proxy // is the mail host
	mail    *generator
	staff   []client
	links   []link // of the staff
	manager client
	heard   []event // by somebody who asks for what is new, again and again
	posts   *postbox
}

// openBranch makes a firm with so many mailboxes. Every tenth is a group's, and
// linked by two.
func openBranch(t *testing.T, d *running, dovecot *dovecottest.Server, random *rand.Rand, n, mailboxes int) *branch {
	t.Helper()
	boxes := make([]string, mailboxes)
	for i := range boxes {
		boxes[i] = fmt.Sprintf("box%d@branch%d.example", i, n)
	}
	host := fmt.Sprintf("127.0.0.%d", 2+n)
	b := &branch{proxy: dovecot.ProxyAt(t, host, dovecot.IMAPPort), mail: newGenerator(random, boxes...), posts: newPostbox(t)}
	b.firm = openFirm(t, d, dovecot, b.mail.contacts...)
	b.manager = b.user("manager", crm.RoleManager)
	do(t, b.key, http.MethodPost, "/v1/webhooks", map[string]any{"url": b.posts.url})
	var of []string // the mailbox of each of the staff
	for i, box := range boxes {
		b.mailbox(box)
		of = append(of, box)
		if i%10 == 0 {
			of = append(of, box)
		}
	}
	for i := range of {
		b.staff = append(b.staff, b.user(fmt.Sprint("user", i), crm.RoleUser))
	}
	b.links = make([]link, len(of))
	together(t, len(of), func(i int) error {
		return b.staff[i].call(t.Context(), http.MethodPost, "/v1/links", linkInput(of[i], host, b.proxy.Port()), &b.links[i])
	})
	return b
}

// together does something for each number below n, some at a time.
func together(t *testing.T, n int, do func(i int) error) {
	t.Helper()
	var all errgroup.Group
	all.SetLimit(8)
	for i := range n {
		all.Go(func() error { return do(i) })
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
}

// listen asks a daemon for the events since those that were heard. It tells how
// many messages were imported so far, and false where the daemon can't say.
func (b *branch) listen(d *running) (imported int, ok bool) {
	for {
		after := 0
		if n := len(b.heard); n > 0 {
			after = b.heard[n-1].Seq
		}
		var page struct{ Items []event }
		err := d.as(string(b.key.token)).call(b.t.Context(), http.MethodGet, fmt.Sprintf("/v1/events?limit=200&after=%d", after), nil, &page)
		if err != nil {
			return 0, false
		}
		if len(page.Items) == 0 {
			break
		}
		b.heard = append(b.heard, page.Items...)
	}
	for _, e := range b.heard {
		if e.Type == crm.MessageImported {
			imported++
		}
	}
	return imported, true
}

// expectAll compares everything in the CRM with the mail that came.
func (b *branch) expectAll(d *running) {
	b.t.Helper()
	b.firm = b.again(d)
	together(b.t, len(b.links), func(i int) error {
		return d.as(string(b.staff[i].token)).call(b.t.Context(), http.MethodPost, "/v1/links/"+b.links[i].ID+"/look", nil, nil)
	})
	b.expectExactly(b.mail.expected)
	b.expectReplies()
	state := make([]health, len(b.links))
	together(b.t, len(b.links), func(i int) error {
		return d.as(string(b.manager.token)).call(b.t.Context(), http.MethodPost, "/v1/mailboxes/"+b.links[i].MailboxID+"/balance", nil, &state[i])
	})
	for _, h := range state {
		b.mail.expectHealth(b.t, h)
	}
	b.expectToldInOrder()
}

// expectReplies makes sure that each mail of a customer was told as a reply.
func (b *branch) expectReplies() {
	b.t.Helper()
	told := map[string]int{}
	for _, e := range b.events() {
		if e.Type == crm.ContactReplied {
			told[e.Data.MessageID]++
		}
	}
	for _, m := range b.messages() {
		want := 0
		if m.Direction == crm.Inbound {
			want = 1
		}
		if told[m.ID] != want {
			b.t.Errorf("%s was told as a reply by %d events, want %d", m.HeaderID, told[m.ID], want)
		}
	}
}

// expectToldInOrder makes sure that those who listened heard of every event, in
// the order of their numbers.
func (b *branch) expectToldInOrder() {
	b.t.Helper()
	events := b.events()
	if _, ok := b.listen(b.daemon); !ok || len(b.heard) != len(events) {
		b.t.Errorf("who asks for what is new has heard of %d events of %d", len(b.heard), len(events))
	}
	for i, e := range events {
		if e.Seq != i+1 {
			b.t.Fatalf("event %d has the number %d", i+1, e.Seq)
		}
	}
	posted := b.posts.wait(len(events))
	for i, seq := range posted {
		if seq != i+1 {
			b.t.Fatalf("the event that was posted as number %d of those that are new is %d", i+1, seq)
		}
	}
}

// postbox is an endpoint for webhooks that notes which events come in.
type postbox struct {
	url string

	mu    sync.Mutex
	news  *sync.Cond
	first []int // their numbers, in the order in which each came for the first time
	known map[int]bool
	posts int
}

func newPostbox(t *testing.T) *postbox {
	p := &postbox{known: map[int]bool{}}
	p.news = sync.NewCond(&p.mu)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e event
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			return // a process that was killed while it posted
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.posts++
		if !p.known[e.Seq] {
			p.known[e.Seq] = true
			p.first = append(p.first, e.Seq)
			p.news.Broadcast()
		}
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// wait returns the numbers of the events once there are so many.
func (p *postbox) wait(n int) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.first) < n {
		p.news.Wait()
	}
	return p.first
}
