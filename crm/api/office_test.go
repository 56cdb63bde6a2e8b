package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api"
	"mailsyncd.example/crm/api/apitest"
	"mailsyncd.example/crm/api/wire"
	"mailsyncd.example/crm/outbox"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/sqlite"
	"mailsyncd.example/sync/oauthtest"
)

const operatorToken = "operator's token"

// office is the API on a real SQLite store, with an account whose users have
// one role each. Its names are their ids.
type office struct {
	client  apitest.Client // with the operator's token
	url     string
	store   *store.Store
	watcher *watcher
	finder  *finder
	blobs   *blobs
	letters *letters
	log     *observer.ObservedLogs
	clock   *clock
	bell    *bell
	poster  *poster
	signIn  *oauthtest.Server
	closing chan struct{}
	ready   error

	account crm.AccountID
	key     apitest.Client
	as      map[string]apitest.Client
}

// The users that every account has, and their roles. Ulla is one more of role
// user: somebody else.
var roles = map[string]crm.Role{
	"olga": crm.RoleOwner, "adam": crm.RoleAdmin, "mona": crm.RoleManager, "uwe": crm.RoleUser, "ulla": crm.RoleUser,
}

func newOffice(t *testing.T) *office {
	t.Helper()
	return newOfficeWith(t, api.New)
}

// newOfficeWith has the API put together in another way.
func newOfficeWith(t *testing.T, build func(api.Options) http.Handler) *office {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	o := &office{
		watcher: &watcher{}, finder: &finder{}, blobs: &blobs{kept: map[crm.AccountID]map[crm.BlobRef][]byte{}}, letters: &letters{}, log: logs,
		clock: &clock{now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}, closing: make(chan struct{}),
	}
	o.bell = &bell{left: make(chan struct{}, 16)}
	o.poster = &poster{}
	var err error
	o.store, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), store.Options{Sealer: openSealer{}, Signals: signals{&o.bell.Bell}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.store.Close(); err != nil {
			t.Error(err)
		}
	})
	endpoints := outbox.NewDispatcher(outbox.Options{
		Store: o.store, Poster: o.poster, Now: o.clock.Now, Log: zap.New(core), Metrics: outbox.NewMetrics(),
	})
	srv := httptest.NewUnstartedServer(nil)
	handler := build(api.Options{
		Endpoints: endpoints, Issuers: o.issuers(t, "http://"+srv.Listener.Addr().String()),
		Store: o.store, Blobs: o.blobs, Letters: o.letters, Watcher: o.watcher, Finder: o.finder, Bell: o.bell,
		OperatorToken: operatorToken, Now: o.clock.Now, Log: zap.New(core),
		Ready: func(context.Context) error { return o.ready }, Closing: o.closing,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "mailsync_up 1") }),
		Version: "1.2.3",
	})
	srv.Config.Handler = handler
	srv.Start()
	t.Cleanup(srv.Close)
	o.url = srv.URL
	o.client = apitest.Client{Base: srv.URL, Token: operatorToken, HTTP: srv.Client()}
	o.account, o.key, o.as = o.open(t, "Sakura")
	return o
}

// open makes an account with its key and users.
func (o *office) open(t *testing.T, name string) (crm.AccountID, apitest.Client, map[string]apitest.Client) {
	t.Helper()
	ctx := t.Context()
	a := must(o.client.CreateAccount(ctx, name))(t)
	key := o.client.As(must(o.client.CreateKey(ctx, a.ID))(t))
	as := map[string]apitest.Client{}
	for id, role := range roles {
		must(key.PutUser(ctx, id, wire.UserInput{Email: id + "@" + name + ".example", Name: wire.Name(id), Role: role}))(t)
		as[id] = key.As(must(key.UserToken(ctx, id))(t))
	}
	return a.ID, key, as
}

// link links the user to a mailbox of their own.
func (o *office) link(t *testing.T, user string) wire.Link {
	t.Helper()
	return must(o.as[user].CreateLink(t.Context(), linkInput(user+"@sakura.example")))(t)
}

func linkInput(address string) wire.LinkInput {
	return wire.LinkInput{IMAP: &wire.ServerInput{Host: "imap.sakura.example"}, Address: address, Password: "correct horse"}
}

// import records mail in the mailbox of a link, as intake would.
func (o *office) imports(t *testing.T, l wire.Link, mails ...crm.Message) []crm.MessageID {
	t.Helper()
	ctx := t.Context()
	at := o.clock.Now()
	folders := must(o.store.SyncFolders(ctx, o.account, l.MailboxID, []crm.Folder{{Name: "INBOX", Role: crm.RoleInbox, UIDValidity: 7}}, 0, at))(t)
	f := folders[0]
	page := crm.Page{
		Account: o.account, Mailbox: l.MailboxID, Folder: f.ID, UIDValidity: f.UIDValidity,
		From: f.Position, Through: f.Position + crm.UID(len(mails)),
		Receipt: crm.Receipt{Envelopes: int64(len(mails)), Bodies: int64(len(mails)), Bytes: 1000},
	}
	for i := range mails {
		m := mails[i]
		m.Account, m.ReceivedAt, m.ImportedAt = o.account, at, at
		m.ID = crm.MessageID(crm.NewID("msg", at))
		m.Identity = crm.Identity{byte(i + 1), byte(f.Position)}
		m.Raw, m.Size = o.blobs.put(o.account, "raw of "+m.Letter.Subject), 100
		page.Arrivals = append(page.Arrivals, crm.Arrival{UID: f.Position + crm.UID(i+1), Identity: m.Identity, Message: &m})
	}
	return must(o.store.Record(ctx, page, at))(t).Imported
}

// mailFrom is a mail from a contact with one attachment.
func mailFrom(contact crm.ContactID, address crm.Address, subject string) crm.Message {
	return crm.Message{
		Direction: crm.Inbound,
		Letter: crm.Letter{
			Head: crm.Head{
				HeaderID: crm.HeaderID(subject + "@kunde.example"), Subject: subject,
				From: []crm.Person{{Name: "Kunde", Address: address}}, To: []crm.Person{{Address: "uwe@sakura.example"}},
			},
			Text: "Text of " + subject, HasHTML: true, Snippet: "Text of", Kind: crm.KindPersonal, Evidence: []string{"nothing speaks against it"},
			Attachments: []crm.Attachment{
				{ID: "2", Filename: "見積書.pdf", ContentType: "application/pdf", Size: 4},
				{ID: "3", Filename: "logo.png", ContentType: "image/png", ContentID: "logo", Inline: true, Size: 3},
			},
		},
		Matches:        []crm.Match{{Contact: contact, Address: address, Sender: true}},
		Correspondents: []crm.Address{address},
	}
}

// known is a value that an answer may not have, the zero value then.
func known[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// must lets a call that may fail be written in one line.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wantCode fails unless err is the problem with this code; "" is success.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if got := apitest.CodeOf(err); got != code {
		t.Errorf("got %q, want the code %q", got, code)
	}
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// watcher stands in for mailboxes: it says what a test wants it to say.
type watcher struct {
	mu       sync.Mutex
	logins   []crm.Login
	probeErr error
	refuses  string // a host that refuses every credential
	workErr  error
	looked   []crm.MailboxID
	look     func(context.Context, crm.MailboxID) // what a look does, nothing where nil
	found    []crm.Explanation
	preview  crm.Preview
	previews []crm.PreviewQuery
}

func (w *watcher) Probe(_ context.Context, login crm.Login) crm.Probe {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logins = append(w.logins, login)
	return crm.Probe{
		Steps: []crm.Step{{Name: "connect", OK: true, Took: 3 * time.Millisecond}, {Name: "login", OK: w.probeErr == nil, Detail: "said the server"}},
		At:    time.Date(2026, 11, 2, 9, 0, 1, 0, time.UTC),
		Folders: []crm.Folder{
			{Name: "INBOX", Role: crm.RoleInbox, UIDValidity: 7},
		},
		Err: w.refusal(login),
	}
}

// refusal is what a probe says.
func (w *watcher) refusal(l crm.Login) error {
	if l.Server.Host == w.refuses {
		return crm.E(crm.Rejected, "credential_rejected", "Wrong password; type it again.")
	}
	return w.probeErr
}

func (w *watcher) Preview(_ context.Context, q crm.PreviewQuery) (crm.Preview, error) {
	w.previews = append(w.previews, q)
	return w.preview, w.workErr
}

func (w *watcher) Look(ctx context.Context, _ crm.AccountID, m crm.MailboxID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked = append(w.looked, m)
	if w.look != nil {
		w.mu.Unlock()
		w.look(ctx, m)
		w.mu.Lock()
	}
	return w.workErr
}

func (w *watcher) Balance(ctx context.Context, a crm.AccountID, m crm.MailboxID) error {
	return w.Look(ctx, a, m)
}

func (w *watcher) Explain(_ context.Context, _ crm.AccountID, _ crm.MailboxID, id crm.HeaderID) ([]crm.Explanation, error) {
	if id != "1@kunde.example" {
		return nil, nil
	}
	return w.found, w.workErr
}

// finder stands in for the internet.
type finder struct {
	found crm.Discovery
	asked []crm.Address
}

func (f *finder) Discover(_ context.Context, a crm.Address) crm.Discovery {
	f.asked = append(f.asked, a)
	return f.found
}

// blobs keeps raw messages in memory.
type blobs struct {
	mu   sync.Mutex
	kept map[crm.AccountID]map[crm.BlobRef][]byte
	err  error // of erasing
}

func (b *blobs) put(a crm.AccountID, content string) crm.BlobRef {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept[a] == nil {
		b.kept[a] = map[crm.BlobRef][]byte{}
	}
	ref := crm.BlobRef(fmt.Sprintf("%064d", len(b.kept[a])+1))
	b.kept[a][ref] = []byte(content)
	return ref
}

func (b *blobs) Open(_ context.Context, a crm.AccountID, ref crm.BlobRef) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, ok := b.kept[a][ref]
	if !ok {
		return nil, crm.E(crm.NotFound, "blob_not_found", "There is no such blob.")
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func (b *blobs) Delete(_ context.Context, a crm.AccountID, ref crm.BlobRef) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.kept[a], ref)
	return b.err
}

func (b *blobs) DeleteAccount(_ context.Context, a crm.AccountID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.kept, a)
	return b.err
}

// letters reads the same parts out of every message.
type letters struct {
	html string
	err  error // after what was written
}

func (l *letters) HTML(io.Reader) (string, error) { return l.html, l.err }

func (l *letters) Attachment(_ io.Reader, id string, w io.Writer) error {
	if id == "2" {
		if _, err := io.WriteString(w, "%PDF"); err != nil {
			return err
		}
	}
	return l.err
}

// openSealer seals nothing: encryption is not what these tests are about.
type openSealer struct{}

func (openSealer) Seal(plain, _ []byte) ([]byte, error)  { return plain, nil }
func (openSealer) Open(sealed, _ []byte) ([]byte, error) { return sealed, nil }

// poster stands in for endpoints: it notes what is posted, and says what a test
// wants it to say.
type poster struct {
	answer crm.Answer
	bodies []string
	check  error
}

func (p *poster) Check(context.Context, string) error { return p.check }

func (p *poster) Knock(context.Context, string) error { return p.check }

func (p *poster) Post(_ context.Context, _ string, _ crm.EventID, _ []crm.Secret, body []byte) crm.Answer {
	p.bodies = append(p.bodies, string(body))
	return p.answer
}

// bell tells when a listener has left.
type bell struct {
	outbox.Bell
	left chan struct{}
}

func (b *bell) Listen(a crm.AccountID) (<-chan struct{}, func()) {
	ring, end := b.Bell.Listen(a)
	return ring, func() { end(); b.left <- struct{}{} }
}

type signals struct{ *outbox.Bell }

func (signals) LinksChanged(crm.AccountID, crm.MailboxID) {}
