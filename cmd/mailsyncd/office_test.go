package main

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

// firm is an account in a daemon, with mailboxes on a real Dovecot.
type firm struct {
	t       *testing.T
	daemon  *running
	dovecot *dovecottest.Server
	account string
	key     client
}

// openFirm makes the account. contacts are the addresses of its customers.
func openFirm(t *testing.T, daemon *running, dovecot *dovecottest.Server, contacts ...string) *firm {
	t.Helper()
	f := &firm{t: t, daemon: daemon, dovecot: dovecot}
	account := call[struct{ ID string }](t, daemon.client, http.MethodPost, "/v1/accounts", map[string]any{"name": "Acme"})
	f.account = account.ID
	key := call[struct{ Key string }](t, daemon.client, http.MethodPost, "/v1/accounts/"+f.account+"/keys", map[string]any{"name": "test"})
	f.key = daemon.as(key.Key)
	for i, address := range contacts {
		f.contact(fmt.Sprintf("c-%d", i+1), address)
	}
	return f
}

// call makes a request that must succeed.
func call[T any](t *testing.T, c client, method, path string, in any) T {
	t.Helper()
	var out T
	if err := c.call(t.Context(), method, path, in, &out); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return out
}

// do makes a request that must succeed and answers nothing.
func do(t *testing.T, c client, method, path string, in any) {
	t.Helper()
	if err := c.call(t.Context(), method, path, in, nil); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
}

// again is the same firm after the daemon was started anew.
func (f *firm) again(daemon *running) *firm {
	g := *f
	g.daemon, g.key = daemon, daemon.as(string(f.key.token))
	return &g
}

func (f *firm) contact(id, address string) {
	f.t.Helper()
	do(f.t, f.key, http.MethodPut, "/v1/contacts/"+id, map[string]any{"name": id, "addresses": []string{address}})
}

// user makes a user of the firm and returns a client with their token.
func (f *firm) user(id string, role crm.Role) client {
	f.t.Helper()
	user := map[string]any{"email": id + "@acme.example", "name": id, "role": role}
	do(f.t, f.key, http.MethodPut, "/v1/users/"+id, user)
	token := call[struct{ Token string }](f.t, f.key, http.MethodPost, "/v1/users/"+id+"/tokens", map[string]any{"ttl_seconds": 3600})
	return f.key.as(token.Token)
}

// mailbox makes a mailbox on the server.
func (f *firm) mailbox(address string) {
	f.dovecot.AddUser(address, passwordOf(address))
}

func passwordOf(address string) string { return "of " + address }

// link is a link as the API shows it.
type link struct {
	ID        string         `json:"id"`
	MailboxID string         `json:"mailbox_id"`
	Status    crm.LinkStatus `json:"status"`
	EndedBy   crm.EndReason  `json:"ended_by"`
	Imported  int64          `json:"imported"`
}

// link links the mailbox with this address to the user.
func (f *firm) link(user client, address string) link {
	f.t.Helper()
	return call[link](f.t, user, http.MethodPost, "/v1/links", linkInput(address, dovecottest.Host, f.dovecot.IMAPPort))
}

// linkInput asks for a link to a mailbox at a server in the clear.
func linkInput(address, host string, port int) map[string]any {
	return map[string]any{
		"address": address, "username": address, "password": passwordOf(address),
		"imap": map[string]any{"host": host, "port": port, "security": crm.SecurityNone},
	}
}

// look returns once everything that was in the mailbox when it was called has
// its outcome.
func (f *firm) look(user client, l link) {
	f.t.Helper()
	do(f.t, user, http.MethodPost, "/v1/links/"+l.ID+"/look", nil)
}

// message is a message as the API shows it.
type message struct {
	ID        string          `json:"id"`
	ThreadID  string          `json:"thread_id"`
	HeaderID  string          `json:"message_id"`
	Direction crm.Direction   `json:"direction"`
	Subject   string          `json:"subject"`
	Text      string          `json:"text"`
	Kind      crm.MessageKind `json:"kind"`
	Contacts  []crm.ContactID `json:"contacts"`
	Sightings []struct {
		MailboxID string `json:"mailbox_id"`
		Folder    string `json:"folder"`
		UID       int    `json:"uid"`
	} `json:"sightings"`
}

// all reads a list to its end.
func all[T any](t *testing.T, c client, path string, query url.Values) []T {
	t.Helper()
	var items []T
	for cursor := ""; ; {
		q := url.Values{"limit": {"200"}}
		for name, values := range query {
			q[name] = values
		}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		page := call[struct {
			Items []T
			Next  string
		}](t, c, http.MethodGet, path+"?"+q.Encode(), nil)
		items = append(items, page.Items...)
		if page.Next == "" {
			return items
		}
		cursor = page.Next
	}
}

func (f *firm) messages() []message {
	f.t.Helper()
	return all[message](f.t, f.key, "/v1/messages", nil)
}

// subjects are those of all messages, sorted.
func (f *firm) subjects() []string {
	f.t.Helper()
	var subjects []string
	for _, m := range f.messages() {
		subjects = append(subjects, m.Subject)
	}
	slices.Sort(subjects)
	return subjects
}

// health is a mailbox's health as the API shows it.
type health struct {
	ID        string                `json:"id"`
	Addresses []string              `json:"addresses"`
	Imported  int64                 `json:"imported"`
	Copied    int64                 `json:"copied"`
	Refused   map[crm.Outcome]int64 `json:"refused"`
	Problems  []any                 `json:"problems"`
	Receipt   struct {
		Envelopes     int64 `json:"envelopes"`
		Bodies        int64 `json:"bodies"`
		RefusedBodies int64 `json:"refused_bodies"`
	} `json:"receipt"`
	Balance struct {
		Unexplained int64 `json:"unexplained"`
		Folders     []struct {
			Name     string `json:"name"`
			Vanished int64  `json:"vanished"`
		} `json:"folders"`
	} `json:"balance"`
}

// balance has the ledger compared with the server, UID by UID.
func (f *firm) balance(mailbox string) health {
	f.t.Helper()
	manager := f.user("controller", crm.RoleManager)
	return call[health](f.t, manager, http.MethodPost, "/v1/mailboxes/"+mailbox+"/balance", nil)
}

// mailOf composes a message, the same from the same. Headers are "Name: value".
func mailOf(id, from, to, subject, body string, headers ...string) []byte {
	lines := []string{
		"From: " + from, "To: " + to, "Subject: " + subject, "Message-ID: <" + id + ">",
		"Date: Mon, 02 Nov 2026 10:00:00 +0900", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
		"Content-Transfer-Encoding: 8bit",
	}
	lines = append(lines, headers...)
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n" + body + "\r\n")
}

// following is somebody who listens to the firm's events.
type following struct {
	t      *testing.T
	events chan crm.EventType
}

// follow listens to the events from now on.
func (f *firm) follow() *following {
	f.t.Helper()
	request, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, f.daemon.url+"/v1/events/stream", nil)
	if err != nil {
		f.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+string(f.key.token))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		f.t.Fatalf("the stream answers %s", response.Status)
	}
	w := &following{f.t, make(chan crm.EventType, 1000)}
	go func() {
		defer response.Body.Close()
		defer close(w.events)
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				w.events <- crm.EventType(name)
			}
		}
	}()
	return w
}

// wait returns once an event of this type has come.
func (w *following) wait(want crm.EventType) {
	w.t.Helper()
	for got := range w.events {
		if got == want {
			return
		}
	}
	w.t.Fatalf("the stream of events ended without %s", want)
}
