package issuer_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/guard"
	"mailsyncd.example/sync/issuer"
	"mailsyncd.example/sync/oauthtest"
)

func now() time.Time { return time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC) }

// at are issuers with one provider, whose endpoints are at this URL.
func at(t *testing.T, base string, change func(*issuer.Options)) *issuer.Issuers {
	t.Helper()
	o := issuer.Options{
		Providers: []issuer.Provider{{
			Name: "acme", ClientID: oauthtest.ClientID, ClientSecret: oauthtest.ClientSecret, Scopes: []string{"imap", "offline"},
			AuthorizationURL: base + "/authorize?tenant=1", TokenURL: base + "/token", Parameters: map[string]string{"prompt": "consent"},
			IMAP: crm.Server{Host: "imap.acme.example", Port: 993, Security: crm.SecurityTLS},
		}},
		RedirectURL: "https://crm.acme.example/v1/oauth/callback", DialContext: new(net.Dialer).DialContext, Now: now,
	}
	if change != nil {
		change(&o)
	}
	i := issuer.New(o)
	t.Cleanup(i.Close)
	return i
}

func TestAuthorizationURL(t *testing.T) {
	raw, err := at(t, "https://login.acme.example", nil).AuthorizationURL("acme", "state", "a verifier", "aoi@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"tenant": "1", "prompt": "consent", "client_id": oauthtest.ClientID, "response_type": "code", "scope": "imap offline", "state": "state",
		"redirect_uri": "https://crm.acme.example/v1/oauth/callback", "login_hint": "aoi@acme.example",
		"code_challenge_method": "S256", "client_secret": "", "code_verifier": "",
	} {
		if got := u.Query().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if challenge := u.Query().Get("code_challenge"); len(challenge) != 43 || strings.Contains(raw, "verifier") || u.Host != "login.acme.example" {
		t.Errorf("it is %s", raw)
	}
}

func TestProviders(t *testing.T) {
	i := at(t, "https://login.acme.example", nil)
	server := crm.Server{Host: "imap.acme.example", Port: 993, Security: crm.SecurityTLS}
	if p, err := i.ProviderOf(server); err != nil || p.Name != "acme" || p.IMAP != server {
		t.Errorf("%+v %v", p, err)
	}
	if p, err := i.Provider("acme"); err != nil || p.IMAP != server {
		t.Errorf("%+v %v", p, err)
	}
	for _, other := range []crm.Server{
		{Host: "imap.evil.example", Port: 993, Security: crm.SecurityTLS}, {Host: "imap.acme.example", Port: 994, Security: crm.SecurityTLS},
		{Host: "imap.acme.example", Port: 993, Security: crm.SecurityNone}, {},
	} {
		if _, err := i.ProviderOf(other); crm.CodeOf(err) != "provider_unknown" || crm.KindOf(err) != crm.Invalid {
			t.Errorf("%+v: %v", other, err)
		}
	}
	_, err := i.Provider("google")
	_, err2 := i.AuthorizationURL("google", "s", "v", "")
	_, err3 := i.Exchange(t.Context(), "google", "c", "v")
	for _, err := range []error{err, err2, err3} {
		if crm.CodeOf(err) != "provider_unknown" {
			t.Errorf("a provider that is not there: %v", err)
		}
	}
	// One that was taken out of the file may come back: no matter for the person.
	if _, err := i.Refresh(t.Context(), crm.Grant{Provider: "google"}); crm.KindOf(err) != crm.Unavailable {
		t.Errorf("a grant of a provider that is not there: %v", err)
	}
}

func TestRefresh(t *testing.T) {
	server := oauthtest.Start(t)
	i := at(t, server.URL, nil)
	access, refresh := server.Grant("aoi")
	before := crm.Grant{ID: "grt_1", Provider: "acme", Access: crm.Secret(access), Refresh: crm.Secret(refresh), Turn: 7}
	after, err := i.Refresh(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	if after.ID != "grt_1" || after.Turn != 8 || after.Access == before.Access || after.Refresh == before.Refresh ||
		!after.Expires.Equal(now().Add(time.Hour)) || !after.RenewAt.Equal(now().Add(55*time.Minute)) {
		t.Errorf("turn %d, until %v, to be replaced at %v", after.Turn, after.Expires, after.RenewAt)
	}
	if _, err := i.Refresh(t.Context(), before); crm.KindOf(err) != crm.Rejected || crm.CodeOf(err) != "grant_revoked" {
		t.Errorf("with a refresh token that is worth nothing any more: %v", err)
	}
}

// answering is a token endpoint that gives one answer.
func answering(t *testing.T, status int, header http.Header, body string) (*issuer.Issuers, *int) {
	t.Helper()
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(srv.Close)
	return at(t, srv.URL, nil), &asked
}

// What a token endpoint answers is of three classes; nothing that it was sent
// comes back in words, and it is asked once.
func TestAnswers(t *testing.T) {
	const secret = "canary-token-refresh"
	for name, c := range map[string]struct {
		status int
		header http.Header
		body   string
		kind   crm.Kind
		code   string
		after  time.Duration
		says   string
	}{
		"no rotation":            {200, nil, `{"access_token":"a","expires_in":60}`, "", "", 0, ""},
		"no lifetime":            {200, nil, `{"access_token":"a"}`, "", "", 0, ""},
		"lifetime as text":       {200, nil, `{"access_token":"a","expires_in":"60"}`, "", "", 0, ""},
		"withdrawn":              {400, nil, `{"error":"invalid_grant","error_description":"Token has been\r\nrevoked."}`, crm.Rejected, "grant_revoked", 0, "It says: invalid_grant: Token has been revoked."},
		"to be looked at":        {400, nil, `{"error":"interaction_required"}`, crm.Rejected, "grant_revoked", 0, "sign in again"},
		"shows what it was sent": {400, nil, `{"error":"invalid_grant","error_description":"bad ` + secret + `, ` + oauthtest.ClientSecret + `"}`, crm.Rejected, "grant_revoked", 0, "bad [secret], [secret]"},
		"talks too much":         {400, nil, `{"error":"invalid_grant","error_description":"` + strings.Repeat("あ", 5000) + `"}`, crm.Rejected, "grant_revoked", 0, "…"},
		"too many requests":      {429, http.Header{"Retry-After": {"30"}}, ``, crm.Throttled, "provider_busy", 30 * time.Second, "status 429"},
		"rate limited":           {403, nil, `{"error":"rate_limit_exceeded"}`, crm.Throttled, "provider_busy", 0, "patience"},
		"slow down":              {400, nil, `{"error":"slow_down"}`, crm.Throttled, "provider_busy", 0, "patience"},
		"maintenance":            {503, http.Header{"Retry-After": {"120"}}, ``, crm.Throttled, "provider_busy", 2 * time.Minute, ""},
		"broken":                 {500, nil, `oops`, crm.Unreachable, "provider_unreachable", 0, "status 500"},
		"unavailable":            {400, nil, `{"error":"temporarily_unavailable"}`, crm.Unreachable, "provider_unreachable", 0, ""},
		"a wrong secret":         {401, nil, `{"error":"invalid_client"}`, crm.Unavailable, "provider_refused", 0, "operator"},
		"a wrong scope":          {400, nil, `{"error":"invalid_scope"}`, crm.Unavailable, "provider_refused", 0, "operator"},
		"a wrong URL":            {404, nil, `<html>`, crm.Unavailable, "provider_refused", 0, "status 404"},
		"leads elsewhere":        {307, http.Header{"Location": {"http://127.0.0.1:1/"}}, ``, crm.Unavailable, "provider_refused", 0, "status 307"},
		"no token":               {200, nil, `{}`, crm.Unreachable, "provider_unreachable", 0, "something else"},
		"an error in success":    {200, nil, `{"error":"invalid_grant"}`, crm.Rejected, "grant_revoked", 0, ""},
		"no JSON":                {200, nil, `<html>`, crm.Unreachable, "provider_unreachable", 0, "something else"},
		"without end":            {200, nil, `{"access_token":"` + strings.Repeat("x", 2<<20), crm.Unreachable, "provider_unreachable", 0, ""},
	} {
		i, asked := answering(t, c.status, c.header, c.body)
		g, err := i.Refresh(t.Context(), crm.Grant{Provider: "acme", Refresh: secret})
		if crm.KindOf(err) != c.kind || crm.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s, %s", name, err, c.kind, c.code)
			continue
		}
		if *asked != 1 {
			t.Errorf("%s: asked %d times", name, *asked)
		}
		if c.kind == "" {
			if g.Access != "a" || g.Refresh != secret || !g.RenewAt.After(now()) || !g.Expires.After(g.RenewAt) {
				t.Errorf("%s: until %v, to be replaced at %v", name, g.Expires, g.RenewAt)
			}
			continue
		}
		e, _ := errors.AsType[*crm.Error](err)
		if e.After != c.after || !strings.Contains(e.Detail, c.says) || len(e.Detail) > 600 {
			t.Errorf("%s: after %v, %q", name, e.After, e.Detail)
		}
		for _, hidden := range []string{secret, oauthtest.ClientSecret, "\r", "\n"} {
			if strings.Contains(err.Error(), hidden) {
				t.Errorf("%s: it shows %q: %v", name, hidden, err)
			}
		}
	}
}

// A proxy would be dialled in the token endpoint's place, and the guard judge that.
func TestNoProxyIsAsked(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxy.example:3128")
	dialed := make(chan string, 1)
	i := at(t, "https://login.acme.example", func(o *issuer.Options) {
		o.DialContext = func(_ context.Context, _, address string) (net.Conn, error) {
			dialed <- address
			return nil, net.ErrClosed
		}
	})
	if _, err := i.Refresh(t.Context(), crm.Grant{Provider: "acme", Refresh: "r"}); crm.KindOf(err) != crm.Unreachable {
		t.Error(err)
	}
	if got := <-dialed; got != "login.acme.example:443" {
		t.Errorf("dialled %s", got)
	}
}

// A server that says nothing, or is where nobody may go, is no withdrawal.
func TestUnreachable(t *testing.T) {
	done := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	defer silent.Close()
	defer close(done)
	g := crm.Grant{Provider: "acme", Refresh: "r"}
	_, err := at(t, silent.URL, func(o *issuer.Options) { o.Timeout = 50 * time.Millisecond }).Refresh(t.Context(), g)
	if crm.KindOf(err) != crm.Unreachable {
		t.Errorf("a silent one: %v", err)
	}
	_, err = at(t, "http://127.0.0.1:1", nil).Refresh(t.Context(), g)
	if crm.KindOf(err) != crm.Unreachable {
		t.Errorf("nobody listens: %v", err)
	}
	_, err = at(t, silent.URL, func(o *issuer.Options) { o.DialContext = guard.NewForSignIn(nil).DialContext }).Refresh(t.Context(), g)
	if crm.KindOf(err) != crm.Unavailable || !strings.Contains(crm.DetailOf(err), "MAILSYNC_ALLOW_NETWORKS") {
		t.Errorf("inside: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = at(t, silent.URL, nil).Refresh(ctx, g); crm.KindOf(err) == crm.Rejected {
		t.Errorf("cancelled: %v", err)
	}
}
