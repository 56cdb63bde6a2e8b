package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mailsyncd.example/crm/servertest"
)

// A process that is killed after it has written an event and before it could
// add it to the stream leaves that to the next one.
func TestKilledBeforeTheStreamHadIt(t *testing.T) {
	m, server := newTeam(t)
	a, process := spawn(t, m.dir, m.args...)
	m.open(t, a)
	m.expectStream(server)
	resume, err := server.Pause()
	if err != nil {
		t.Fatal(err)
	}
	defer resume()
	do(t, m.staff[0], http.MethodDelete, "/v1/links/"+m.links[0].ID, nil)
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	a.log.waitEnd()
	resume()
	b, _ := spawn(t, m.dir, m.args...)
	m.firm = m.again(b)
	m.expectStream(server)
	b.stop()
}

// With an account goes what Redis has of it.
func TestStreamGoesWithItsAccount(t *testing.T) {
	m, server := newTeam(t)
	a := serve(t, m.dir, m.args...)
	m.open(t, a)
	m.expectStream(server)
	do(t, a.client, http.MethodDelete, "/v1/accounts/"+m.account, nil)
	client := redis.NewClient(&redis.Options{Addr: server.Address()})
	defer client.Close()
	eventually(t, "the stream is gone", func() bool {
		n, err := client.Exists(t.Context(), "mailsync:"+m.account+":events").Result()
		if err != nil {
			t.Fatal(err)
		}
		return n == 0
	})
}

// Each of the four that mail goes through is killed and comes back, and mail
// that came in meanwhile, or comes then, reaches the endpoint unaided.
func TestOutagesEndByThemselves(t *testing.T) {
	m, server := newTeam(t)
	posts := make(chan int, 1000)
	endpoint := newEndpoint(t, posts)
	a := serve(t, m.dir, m.args...)
	m.open(t, a)
	m.settled(a)
	call[struct{ ID string }](t, m.key, http.MethodPost, "/v1/webhooks", map[string]any{
		"url": endpoint.url, "types": []string{"message.imported"},
	})
	await := func(what string, since time.Time) {
		t.Helper()
		for range teamMailboxes {
			<-posts
		}
		t.Logf("%s: delivered %.1f s after the end of the outage", what, time.Since(since).Seconds())
	}
	began := time.Now()
	m.deliver("before")
	await("no outage", began)

	endpoint.stop()
	m.deliver("receiver")
	m.expectRounds(2)
	began = time.Now()
	endpoint.start()
	await("receiver", began)

	server.Kill()
	began = time.Now()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	m.deliver("Redis")
	await("Redis", began)

	postgresql.Kill()
	m.deliver("PostgreSQL")
	began = time.Now()
	if err := postgresql.Start(); err != nil {
		t.Fatal(err)
	}
	await("PostgreSQL", began)

	m.dovecot.Kill()
	began = time.Now()
	if err := m.dovecot.Start(); err != nil {
		t.Fatal(err)
	}
	m.deliver("Dovecot")
	await("Dovecot", began)
	m.expectRounds(5)
}

// endpoint is a receiver that can go and come back at the same place.
type endpoint struct {
	t       *testing.T
	handler http.Handler
	server  *httptest.Server
	address string
	url     string
}

func newEndpoint(t *testing.T, posts chan<- int) *endpoint {
	t.Helper()
	ports, err := servertest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Release)
	e := &endpoint{t: t, address: servertest.Address(ports.Numbers[0]), handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var said struct{ Seq int }
		if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
			t.Error(err)
		}
		posts <- said.Seq
	})}
	e.start()
	e.url = e.server.URL
	t.Cleanup(func() { e.stop() })
	return e
}

func (e *endpoint) start() {
	e.t.Helper()
	listener, err := net.Listen("tcp", e.address)
	if err != nil {
		e.t.Fatal(err)
	}
	e.server = httptest.NewUnstartedServer(e.handler)
	_ = e.server.Listener.Close() // the one that it made itself
	e.server.Listener = listener
	e.server.Start()
}

func (e *endpoint) stop() {
	e.server.CloseClientConnections()
	e.server.Close()
}
