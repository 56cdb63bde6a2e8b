package main

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/oauthtest"
)

// publicURL is where browsers reach the daemon of these tests: behind a proxy
// that the tests stand in for.
const publicURL = "https://crm.acme.example/mailsync"

// registered writes the file of providers of a daemon that is registered with
// the test's authorization server.
func registered(t *testing.T, issuer *oauthtest.Server, dovecot *dovecottest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "oauth.json")
	text, err := json.Marshal(map[string]any{"acme": map[string]any{
		"client_id": oauthtest.ClientID, "client_secret": oauthtest.ClientSecret,
		"authorization_url": issuer.URL + "/authorize", "token_url": issuer.URL + "/token", "scopes": []string{"imap"},
		"imap": map[string]any{"host": dovecottest.Host, "port": dovecot.IMAPSPort},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// begun is where a sign-in begins.
type begun struct {
	AuthorizationURL string `json:"authorization_url"`
}

// signIn goes to the provider's pages and comes back, by way of the proxy.
func (f *firm) signIn(at begun) {
	f.t.Helper()
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(at.AuthorizationURL)
	if err != nil {
		f.t.Fatal(err)
	}
	resp.Body.Close()
	back, ok := strings.CutPrefix(resp.Header.Get("Location"), publicURL)
	if !ok {
		f.t.Fatalf("%s leads to %q", at.AuthorizationURL, resp.Header.Get("Location"))
	}
	if status, page := oauthtest.Browse(f.t, f.daemon.url+back); status != http.StatusOK {
		f.t.Fatalf("%d %s", status, page)
	}
}

// A user links a mailbox by signing in; its token is replaced while the
// connection waits; when they take their agreement back the link ends to be
// worked and they are told, once; and signing in again mends it.
func TestSigningIn(t *testing.T) {
	issuer := oauthtest.Start(t)
	dovecot := dovecottest.Start(t, dovecottest.OAuth(issuer.URL+"/introspect"))
	dataDir := t.TempDir()
	daemon := serve(t, dataDir, "--ca-file", dovecot.CAFile, "--public-url", publicURL, "--oauth-file", registered(t, issuer, dovecot))
	f := openFirm(t, daemon, dovecot, "elena@rossi.example")
	dan := f.user("dan", crm.RoleUser)
	f.mailbox("dan@acme.example")
	events := f.follow()

	issuer.Lifetime(4 * time.Second) // the next one is due after three
	f.signIn(call[begun](t, dan, http.MethodPost, "/v1/links/oauth", map[string]any{"provider": "acme", "address": "dan@acme.example"}))
	l := all[link](t, dan, "/v1/links", nil)[0]
	f.look(dan, l)
	issuer.Until(t, "the token was replaced twice", func(refreshes, _ int) bool { return refreshes >= 2 })
	dovecot.Deliver(t, "dan@acme.example", mailOf("ask@rossi", elena, danTo, "An offer, please", "forty chairs"))
	events.wait(crm.MessageImported)

	issuer.Revoke()
	events.wait(crm.LinkFailing)
	if l = call[link](t, dan, http.MethodGet, "/v1/links/"+l.ID, nil); l.Status != crm.LinkAuthFailed {
		t.Errorf("without an agreement the link is %s", l.Status)
	}
	_, refused, _ := issuer.Counts()

	issuer.Lifetime(time.Hour)
	f.signIn(call[begun](t, dan, http.MethodPost, "/v1/links/"+l.ID+"/oauth", nil))
	f.look(dan, l)
	if _, now, reused := issuer.Counts(); refused != 1 || now != refused || reused != 0 {
		t.Errorf("the token endpoint refused %d times, then %d; %d refresh tokens came twice", refused, now, reused)
	}
	// After a restart the stored token opens the mailbox.
	daemon.stop()
	f = f.again(serve(t, dataDir, "--ca-file", dovecot.CAFile, "--public-url", publicURL, "--oauth-file", registered(t, issuer, dovecot)))
	before, _, _ := issuer.Counts()
	f.look(f.daemon.as(string(dan.token)), l)
	if after, _, _ := issuer.Counts(); after != before {
		t.Errorf("%d refreshes for a token that was good", after-before)
	}
	f.daemon.stop()
	noSecrets(t, dataDir, daemon.log.String()+f.daemon.log.String())
}

// A grant and a password stand side by side on one mailbox. When the agreement
// is taken back the password takes over, and only the one who gave it is told.
func TestGrantAndPasswordSideBySide(t *testing.T) {
	issuer := oauthtest.Start(t)
	dovecot := dovecottest.Start(t, dovecottest.OAuth(issuer.URL+"/introspect"))
	f := openFirm(t, serve(t, t.TempDir(), "--ca-file", dovecot.CAFile, "--public-url", publicURL, "--oauth-file", registered(t, issuer, dovecot)), dovecot, "elena@rossi.example")
	f.mailbox("info@acme.example")
	dan, aoi, mona := f.user("dan", crm.RoleUser), f.user("aoi", crm.RoleUser), f.user("mona", crm.RoleManager)
	server := map[string]any{"host": dovecottest.Host, "port": dovecot.IMAPSPort, "security": crm.SecurityTLS}
	preset := call[struct{ ID string }](t, mona, http.MethodPost, "/v1/presets", map[string]any{"name": "Group", "imap": server, "auth": "oauth2"})
	asked := map[string]any{"preset_id": preset.ID, "address": "info@acme.example"}
	tested := call[struct {
		OK   bool
		Code string
	}](t, dan, http.MethodPost, "/v1/links/test", asked)
	if !tested.OK || tested.Code != "sign_in_needed" {
		t.Errorf("the preset's test says %+v", tested)
	}
	issuer.Lifetime(4 * time.Second)
	f.signIn(call[begun](t, dan, http.MethodPost, "/v1/links/oauth", asked))
	ofAoi := call[link](t, aoi, http.MethodPost, "/v1/links", map[string]any{
		"address": "info@acme.example", "password": passwordOf("info@acme.example"), "imap": server,
	})
	ofDan := all[link](t, dan, "/v1/links", nil)[0]
	if ofDan.MailboxID != ofAoi.MailboxID {
		t.Fatal("two mailboxes for one")
	}
	f.look(dan, ofDan)
	events := f.follow()
	issuer.Revoke()
	events.wait(crm.LinkFailing)
	dovecot.Deliver(t, "info@acme.example", mailOf("ask@rossi", elena, "info@acme.example", "An offer, please", "forty chairs"))
	f.look(aoi, ofAoi)
	status := func(c client, l link) crm.LinkStatus {
		return call[link](t, c, http.MethodGet, "/v1/links/"+l.ID, nil).Status
	}
	if got := f.subjects(); len(got) != 1 || status(dan, ofDan) != crm.LinkAuthFailed || status(aoi, ofAoi) != crm.LinkLive {
		t.Errorf("mail %v, Dan's link is %s, Aoi's %s", got, status(dan, ofDan), status(aoi, ofAoi))
	}
}

// noSecrets looks for tokens, codes and the client's secret in all that the
// daemon has written.
func noSecrets(t *testing.T, dataDir, log string) {
	t.Helper()
	written := map[string]string{"the log": log}
	err := filepath.WalkDir(dataDir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		written[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range written {
		for _, secret := range []string{oauthtest.Canary, oauthtest.ClientSecret} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q", where, secret)
			}
		}
	}
}

// A file of providers that can't be used ends the start with a sentence.
func TestBadProviders(t *testing.T) {
	dir := t.TempDir()
	for text, says := range map[string]string{
		`{"google":{"client_id":"x"}}`: "MAILSYNC_PUBLIC_URL",
		`{"google":{}}`:                "client_id is missing",
		`not JSON`:                     "no JSON object",
	} {
		file := filepath.Join(dir, "oauth.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := run(t, nil, "serve", "--listen", "127.0.0.1:0", "--data-dir", filepath.Join(dir, "data"), "--oauth-file", file)
		if code != exitProblem || !strings.Contains(stderr, says) {
			t.Errorf("%s: code %d, %s", text, code, stderr)
		}
	}
}
