package grant_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap/zaptest"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/seal"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/sqlite"
	"mailsyncd.example/sync/grant"
	"mailsyncd.example/sync/issuer"
	"mailsyncd.example/sync/oauthtest"
	"mailsyncd.example/sync/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a database with an account, the test's authorization server, and
// mail servers that are told what to make of a token.
type house struct {
	t       *testing.T
	store   *store.Store
	server  *oauthtest.Server
	issuers *issuer.Issuers
	clock   *clock

	mu     sync.Mutex
	shown  []crm.Secret                   // the tokens that the mail server was shown
	refuse func(n int, s crm.Secret) bool // whether it refuses the n-th, from 1
}

const account = crm.AccountID("acc_1")

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, server: oauthtest.Start(t), clock: &clock{now: time.Now()}, refuse: func(int, crm.Secret) bool { return false }}
	dir := t.TempDir()
	keys, err := seal.Open(filepath.Join(dir, "keyset"))
	h.must(err)
	h.store, err = sqlite.Open(t.Context(), filepath.Join(dir, "test.db"), store.Options{Sealer: keys})
	h.must(err)
	t.Cleanup(func() { h.must(h.store.Close()) })
	h.must(h.store.CreateAccount(t.Context(), crm.Account{
		ID: account, Status: crm.AccountActive, MailEnabled: true, ContactVisibility: crm.VisibleAll, CreatedAt: h.clock.Now(),
	}))
	h.issuers = issuer.New(issuer.Options{
		Providers: []issuer.Provider{{
			Name: "acme", ClientID: oauthtest.ClientID, ClientSecret: oauthtest.ClientSecret, TokenURL: h.server.URL + "/token",
		}},
		DialContext: new(net.Dialer).DialContext, Now: h.clock.Now,
	})
	t.Cleanup(h.issuers.Close)
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// clock goes like any other, and can be set forward.
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

// process is what keeps grants fresh in one process. The test ends it.
func (h *house) process(change func(*grant.Options)) *grant.Refresher {
	o := grant.Options{Store: h.store, Issuers: h.issuers, Now: h.clock.Now, Log: zaptest.NewLogger(h.t)}
	if change != nil {
		change(&o)
	}
	r := grant.New(o)
	h.t.Cleanup(func() { h.must(r.Close(context.Background())) })
	return r
}

// link links a mailbox with a grant whose access token is to be replaced in
// renew and good for a quarter of an hour more.
func (h *house) link(user crm.UserID, renew time.Duration) crm.Login {
	h.t.Helper()
	now := h.clock.Now()
	_, err := h.store.PutUser(h.t.Context(), crm.User{Account: account, ID: user, Role: crm.RoleUser, Active: true, CreatedAt: now, UpdatedAt: now}, now)
	h.must(err)
	access, refresh := h.server.Grant(string(user))
	l, err := h.store.LinkByGrant(h.t.Context(), crm.Link{
		Account: account, User: user, Username: string(user), Server: crm.Server{Host: "imap.acme.example", Port: 993}, LinkedAt: now,
	}, crm.Grant{
		ID: crm.GrantID("grt_" + user), Provider: "acme", Access: crm.Secret(access), Refresh: crm.Secret(refresh),
		RenewAt: now.Add(renew), Expires: now.Add(renew + 15*time.Minute),
	}, nil)
	h.must(err)
	standing, err := h.store.Standing(h.t.Context(), account, l.Mailbox)
	h.must(err)
	return standing.Logins[0]
}

func (h *house) grant(l crm.Login) crm.Grant {
	h.t.Helper()
	g, err := h.store.Grant(h.t.Context(), l.Account, l.Link)
	h.must(err)
	return g
}

// open stands in for a mail server.
func (h *house) open(_ context.Context, l crm.Login, _ func(crm.Step)) (watch.Box, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shown = append(h.shown, l.Secret)
	if h.refuse(len(h.shown), l.Secret) {
		return nil, crm.E(crm.Rejected, "credential_rejected", "Refused; sign in again.")
	}
	return &mailbox{}, nil
}

// connect opens a mailbox by way of a process, and closes it when the test ends.
func (h *house) connect(r *grant.Refresher, l crm.Login) (watch.Box, error) {
	b, err := r.Connect(h.open)(h.t.Context(), l, nil)
	if err == nil {
		h.t.Cleanup(b.Close)
	}
	return b, err
}

// mailbox is one in which nothing happens.
type mailbox struct{ watch.Box }

func (*mailbox) Close() {}

func (*mailbox) Folders(context.Context) ([]crm.Listing, error) { return nil, nil }

func (*mailbox) Wait(ctx context.Context, _ time.Duration, _ <-chan struct{}) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

func (h *house) wantCounts(what string, refreshes, failures int) {
	h.t.Helper()
	gotRefreshes, gotFailures, reused := h.server.Counts()
	if gotRefreshes != refreshes || gotFailures != failures || reused != 0 {
		h.t.Errorf("%s: %d refreshes, %d refused, %d with an old token; want %d and %d", what, gotRefreshes, gotFailures, reused, refreshes, failures)
	}
}

func (h *house) wantError(err error, kind crm.Kind, code string) {
	h.t.Helper()
	if crm.KindOf(err) != kind || crm.CodeOf(err) != code {
		h.t.Errorf("error %v, want %s, %s", err, kind, code)
	}
	if err != nil && (strings.Contains(err.Error(), oauthtest.Canary) || strings.Contains(err.Error(), oauthtest.ClientSecret)) {
		h.t.Errorf("the error shows a secret: %v", err)
	}
}

// However many need the next token, in however many processes: it is asked for
// once, stored, and then used by all.
func TestOneRefreshForAll(t *testing.T) {
	h := newHouse(t)
	l := h.link("aoi", -time.Minute)
	processes := []*grant.Refresher{h.process(nil), h.process(nil)}
	letGo := h.server.Hold()
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			if _, err := h.connect(processes[i%2], l); err != nil {
				t.Error(err)
			}
		})
	}
	letGo()
	all.Wait()
	h.wantCounts("ten who need it", 1, 0)
	for _, token := range h.shown {
		if token != h.grant(l).Access {
			t.Error("a token was used that is not the stored one")
		}
	}
	if g := h.grant(l); g.Turn != 1 || !g.RenewAt.After(h.clock.Now()) {
		t.Errorf("stored is turn %d, to be replaced at %v", g.Turn, g.RenewAt)
	}
}

func TestATokenThatIsGoodIsUsed(t *testing.T) {
	h := newHouse(t)
	r := h.process(nil)
	_, err := h.connect(r, h.link("aoi", time.Hour))
	h.must(err)
	// A password is none of our business.
	_, err = h.connect(r, crm.Login{Secret: "hunter2", Auth: crm.AuthPassword})
	h.must(err)
	h.wantCounts("good ones", 0, 0)
	if h.shown[1] != "hunter2" {
		t.Error("the password was not passed on")
	}
}

// A token that the mail server refuses is replaced once, whatever its time
// says; what is refused then is refused.
func TestARefusedTokenIsReplacedOnce(t *testing.T) {
	h := newHouse(t)
	r := h.process(nil)
	l := h.link("aoi", time.Hour)
	h.refuse = func(n int, _ crm.Secret) bool { return n == 1 }
	_, err := h.connect(r, l)
	h.must(err)
	h.wantCounts("one refusal", 1, 0)
	if h.shown[0] == h.shown[1] {
		t.Error("the same token was shown again")
	}
	h.refuse = func(int, crm.Secret) bool { return true }
	_, err = h.connect(r, l)
	h.wantError(err, crm.Rejected, "credential_rejected")
	h.wantCounts("all refused", 2, 0)
	if len(h.shown) != 4 {
		t.Errorf("the mail server was shown %d tokens, want 4", len(h.shown))
	}
}

// A token endpoint that is away costs nothing while the token is good, and is
// never taken for a withdrawal.
func TestTokenEndpointIsAway(t *testing.T) {
	for name, c := range map[string]struct {
		fault oauthtest.Fault
		kind  crm.Kind
		code  string
	}{
		"broken":        {oauthtest.Fault{Status: 503}, crm.Unreachable, "provider_unreachable"},
		"busy":          {oauthtest.Fault{Status: 429}, crm.Throttled, "provider_busy"},
		"misconfigured": {oauthtest.Fault{Status: 401, Body: `{"error":"invalid_client"}`}, crm.Unavailable, "provider_refused"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			r := h.process(nil)
			l := h.link("aoi", -time.Minute)
			h.server.Fail(&c.fault)
			_, err := h.connect(r, l)
			h.must(err)
			h.clock.advance(time.Hour)
			_, err = h.connect(r, l)
			h.wantError(err, c.kind, c.code)
			h.server.Fail(nil)
			h.clock.advance(time.Hour)
			_, err = h.connect(r, l)
			h.must(err)
			h.wantCounts("in the end", 1, 2)
		})
	}
}

// A provider that asks for patience is left alone, by all, for as long as it
// says.
func TestBusyProviderIsLeftAlone(t *testing.T) {
	h := newHouse(t)
	r := h.process(nil)
	aoi, ben := h.link("aoi", -time.Hour), h.link("ben", -time.Hour)
	h.server.Fail(&oauthtest.Fault{Status: 429, Header: http.Header{"Retry-After": {"90"}}})
	for range 3 {
		for _, l := range []crm.Login{aoi, ben} {
			_, err := h.connect(r, l)
			h.wantError(err, crm.Throttled, "provider_busy")
			if e, ok := errors.AsType[*crm.Error](err); !ok || e.After != 90*time.Second {
				t.Errorf("to be tried again in another time: %v", err)
			}
		}
	}
	h.wantCounts("while it is busy", 0, 1)
	h.server.Fail(nil)
	h.clock.advance(91 * time.Second)
	for _, l := range []crm.Login{aoi, ben} {
		_, err := h.connect(r, l)
		h.must(err)
	}
	h.wantCounts("afterwards", 2, 1)
}

// While a connection waits, its token is replaced again and again; an endpoint
// that is away meanwhile does not end the wait.
func TestTokensAreReplacedWhileIdle(t *testing.T) {
	h := newHouse(t)
	h.server.Lifetime(time.Second)
	r := h.process(func(o *grant.Options) { o.Now, o.Retry = time.Now, time.Second })
	b, err := h.connect(r, h.link("aoi", -time.Minute))
	h.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan error, 1)
	go func() {
		_, err := b.Wait(ctx, time.Hour, nil)
		waited <- err
	}()
	h.server.Until(t, "it is replaced twice", func(refreshes, _ int) bool { return refreshes >= 2 })
	h.server.Fail(&oauthtest.Fault{Status: 502})
	h.server.Until(t, "that fails", func(_, failures int) bool { return failures >= 1 })
	before, _, _ := h.server.Counts()
	h.server.Fail(nil)
	h.server.Until(t, "it is replaced again", func(refreshes, _ int) bool { return refreshes > before })
	cancel()
	if err := <-waited; !errors.Is(err, context.Canceled) {
		t.Errorf("the wait ended with %v", err)
	}
}

// Who takes their agreement back is heard while the connection waits: it ends
// then, and not when the mail server finds out.
func TestWithdrawnWhileIdle(t *testing.T) {
	h := newHouse(t)
	h.server.Lifetime(time.Second)
	r := h.process(func(o *grant.Options) { o.Now = time.Now })
	b, err := h.connect(r, h.link("aoi", -time.Minute))
	h.must(err)
	h.server.Revoke()
	_, err = b.Wait(t.Context(), time.Hour, nil)
	h.wantError(err, crm.Rejected, "grant_revoked")
	_, err = b.Folders(t.Context())
	h.wantError(err, crm.Rejected, "grant_revoked")
	_, err = b.Wait(t.Context(), time.Hour, nil)
	h.wantError(err, crm.Rejected, "grant_revoked")
	if _, refused, reused := h.server.Counts(); refused != 1 || reused != 0 {
		t.Errorf("asked %d times more, %d with an old token", refused-1, reused)
	}
}
