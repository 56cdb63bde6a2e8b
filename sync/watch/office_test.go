package watch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/blob"
	"mailsyncd.example/crm/seal"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/sqlite"
	"mailsyncd.example/dedupe"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/imapbox"
	"mailsyncd.example/sync/intake"
	"mailsyncd.example/sync/watch"
)

// patience is how long a test waits for a signal before it gives up. It says
// nothing about how fast anything is.
const patience = 3 * time.Minute

// office is an account with users, contacts, a real Dovecot with their
// mailboxes, and a watcher at work: everything but the HTTP API.
type office struct {
	t       *testing.T
	dovecot *dovecottest.Server
	dir     string
	open    func() *store.Store
	store   *store.Store
	options watch.Options
	watcher *watch.Watcher
	second  *watch.Watcher // of another process, where there is one
	account crm.Account
	seen    *seen
	deaf    bool // the watchers don't hear of changes

	mu   sync.Mutex
	bell chan struct{} // closed and made anew with every signal
	stop func()
}

// engine makes a database, and returns how a process opens it.
type engine func(*testing.T, store.Options) func() *store.Store

// onSQLite is a file, which all share as one process.
func onSQLite(t *testing.T, o store.Options) func() *store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "mailsync.db"), o)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return func() *store.Store { return s }
}

// seen gathers what the observer hears.
type seen struct {
	mu  sync.Mutex
	all []intake.Seen
}

func (s *seen) add(x intake.Seen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, x)
}

// count counts the messages with this outcome.
func (s *seen) count(o crm.Outcome) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, x := range s.all {
		if x.Outcome == o {
			n++
		}
	}
	return n
}

// EventsWritten implements store.Signals.
func (o *office) EventsWritten(crm.AccountID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.bell)
	o.bell = make(chan struct{})
}

// LinksChanged implements store.Signals.
func (o *office) LinksChanged(a crm.AccountID, m crm.MailboxID) {
	for _, w := range []*watch.Watcher{o.watcher, o.second} {
		if w != nil && !o.deaf {
			w.LinksChanged(a, m)
		}
	}
}

// newOffice opens an office on a Dovecot, with one contact, Ken.
func newOffice(t *testing.T, d *dovecottest.Server, change func(*watch.Options)) *office {
	t.Helper()
	return newOfficeOn(t, onSQLite, d, change)
}

func newOfficeOn(t *testing.T, on engine, d *dovecottest.Server, change func(*watch.Options)) *office {
	t.Helper()
	o := &office{t: t, dovecot: d, dir: t.TempDir(), bell: make(chan struct{}), seen: &seen{}, stop: func() {}}
	keys, err := seal.Open(filepath.Join(o.dir, "keyset"))
	must(t, err)
	o.open = on(t, store.Options{Sealer: keys, Signals: o})
	o.store = o.open()
	now := time.Now()
	o.account = crm.Account{
		ID: crm.AccountID(crm.NewID("acc", now)), Name: "Acme", Status: crm.AccountActive,
		MailEnabled: true, ContactVisibility: crm.VisibleAll, CreatedAt: now,
	}
	must(t, o.store.CreateAccount(t.Context(), o.account))
	o.contact("ken", "ken@customer.example")
	o.options = o.process(o.store)
	if change != nil {
		change(&o.options)
	}
	o.watcher = watch.New(o.options)
	o.start()
	return o
}

// process is what a process works with that has opened the database.
func (o *office) process(s *store.Store) watch.Options {
	o.t.Helper()
	blobs, err := blob.Open(filepath.Join(o.dir, "blobs"))
	must(o.t, err)
	dialer := &imapbox.Dialer{DialContext: (&net.Dialer{}).DialContext, Resolve: resolve, RootCAs: o.dovecot.CAPool}
	return watch.Options{
		Store: s,
		Journey: intake.New(intake.Options{
			Store: s, Blobs: blobs, Claims: dedupe.NewClaims(), Observe: o.seen.add,
		}),
		Connect: func(ctx context.Context, l crm.Login, trace func(crm.Step)) (watch.Box, error) {
			with := *dialer
			with.Trace = trace
			b, err := with.Connect(ctx, l)
			if err != nil {
				return nil, err
			}
			return b, nil
		},
		Log: zaptest.NewLogger(o.t),
	}
}

// resolve knows of a host that is not there what the DNS would say if it could
// be asked.
func resolve(ctx context.Context, host string) ([]string, error) {
	if strings.HasSuffix(host, ".invalid") {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return net.DefaultResolver.LookupHost(ctx, host)
}

// start sets the watcher to work until the test ends or o.stop is called.
func (o *office) start() { o.stop = o.run(o.watcher) }

// run sets a watcher to work until the test ends or stop is called.
func (o *office) run(w *watch.Watcher) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			o.t.Error(err)
		}
	})
	o.t.Cleanup(stop)
	return stop
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// contact puts a contact on record since long ago.
func (o *office) contact(id crm.ContactID, addresses ...crm.Address) {
	o.t.Helper()
	c := crm.Contact{Account: o.account.ID, ID: id, Name: string(id), CreatedAt: time.Now(), UpdatedAt: time.Now()}
	for _, a := range addresses {
		c.Addresses = append(c.Addresses, crm.ContactAddress{Address: a, Since: time.Now().Add(-24 * time.Hour)})
	}
	_, err := o.store.PutContacts(o.t.Context(), []crm.Contact{c})
	must(o.t, err)
}

// user adds a user with a mailbox on the Dovecot.
func (o *office) user(name string) {
	o.t.Helper()
	must(o.t, o.dovecot.AddUser(name+"@acme.example", "secret-"+name))
	_, err := o.store.PutUser(o.t.Context(), crm.User{
		Account: o.account.ID, ID: crm.UserID(name), Email: crm.Address(name + "@acme.example"), Name: name,
		Role: crm.RoleUser, Active: true, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}, time.Now())
	must(o.t, err)
}

// link links a user to a mailbox of the Dovecot, as the API does.
func (o *office) link(user crm.UserID, login crm.Login) crm.Link {
	o.t.Helper()
	probe := o.watcher.Probe(o.t.Context(), login)
	must(o.t, probe.Err)
	l, err := o.store.CreateLink(o.t.Context(), crm.Link{
		Account: o.account.ID, User: user, Address: crm.Address(login.Username), Server: login.Server,
		Username: login.Username, Auth: login.Auth, LinkedAt: probe.At,
	}, login.Secret, probe.Folders)
	must(o.t, err)
	return l
}

// linkOwn adds a user and links the user's own mailbox.
func (o *office) linkOwn(name string) crm.Link {
	o.t.Helper()
	o.user(name)
	return o.link(crm.UserID(name), o.dovecot.Login(name+"@acme.example", crm.SecurityTLS))
}

// mail is a message as it is written.
type mail struct {
	id, from, to, cc, subject, inReplyTo, body string
	date                                       time.Time
}

var mailCount int

// raw writes the message out; what is left empty is filled in.
func (m mail) raw() []byte {
	mailCount++
	if m.id == "" {
		m.id = fmt.Sprintf("<%d.%d@customer.example>", time.Now().UnixNano(), mailCount)
	}
	if m.from == "" {
		m.from = "Ken <ken@customer.example>"
	}
	if m.to == "" {
		m.to = "aoi@acme.example"
	}
	if m.date.IsZero() {
		m.date = time.Now()
	}
	if m.body == "" {
		m.body = "Please send the estimate.\r\n"
	}
	var b bytes.Buffer
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	line("Message-ID", m.id)
	line("Date", m.date.Format(time.RFC1123Z))
	line("From", m.from)
	line("To", m.to)
	line("Cc", m.cc)
	line("Subject", m.subject)
	line("In-Reply-To", m.inReplyTo)
	b.WriteString("\r\n" + m.body)
	return b.Bytes()
}

// look makes the keeper look now and waits until it has.
func (o *office) look(l crm.Link) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), patience)
	defer cancel()
	must(o.t, o.watcher.Look(ctx, l.Account, l.Mailbox))
}

// balanced checks that every UID of the mailbox has its outcome.
func (o *office) balanced(l crm.Link) crm.Health {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), patience)
	defer cancel()
	must(o.t, o.watcher.Balance(ctx, l.Account, l.Mailbox))
	h, err := o.store.Health(o.t.Context(), l.Account, l.Mailbox)
	must(o.t, err)
	for _, f := range h.Folders {
		if f.Unexplained != 0 {
			o.t.Errorf("folder %s: %d messages unexplained", f.Name, f.Unexplained)
		}
	}
	return h
}

// messages are all messages of the account, newest first, by subject.
func (o *office) messages() []crm.Message {
	o.t.Helper()
	part, err := o.store.ListMessages(o.t.Context(), o.account.ID, crm.MessageQuery{Paging: crm.Paging{Limit: 1000}})
	must(o.t, err)
	return part.Items
}

// subjects are the subjects of all messages, oldest first.
func (o *office) subjects() string {
	var all []string
	for _, m := range o.messages() {
		all = append([]string{m.Letter.Subject}, all...)
	}
	return strings.Join(all, ", ")
}

// events are the account's events of a type.
func (o *office) events(kind crm.EventType) []crm.Event {
	o.t.Helper()
	all, err := o.store.ListEvents(o.t.Context(), o.account.ID, 0, 10000)
	must(o.t, err)
	var some []crm.Event
	for _, e := range all {
		if e.Type == kind {
			some = append(some, e)
		}
	}
	return some
}

// until waits, from signal to signal, until done holds.
func (o *office) until(what string, done func() bool) {
	o.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		o.mu.Lock()
		bell := o.bell
		o.mu.Unlock()
		if done() {
			return
		}
		select {
		case <-bell:
		case <-timeout.C:
			o.t.Fatalf("waited in vain until %s; log of the server:\n%s", what, o.dovecot.Log())
		}
	}
}

// field reads a field of an event's data.
func field(t *testing.T, e crm.Event, name string) string {
	t.Helper()
	var data map[string]any
	must(t, json.Unmarshal(e.Data, &data))
	return fmt.Sprint(data[name])
}
