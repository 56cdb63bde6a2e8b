package api_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
	"mailsyncd.example/sync/issuer"
	"mailsyncd.example/sync/oauthtest"
)

// issuers are the door to the test's own authorization server, whose mail
// server would be imap.sakura.example.
func (o *office) issuers(t *testing.T, public string) *issuer.Issuers {
	t.Helper()
	o.signIn = oauthtest.Start(t)
	i := issuer.New(issuer.Options{
		Providers: []issuer.Provider{{
			Name: "sakura", ClientID: oauthtest.ClientID, ClientSecret: oauthtest.ClientSecret,
			AuthorizationURL: o.signIn.URL + "/authorize", TokenURL: o.signIn.URL + "/token", Scopes: []string{"imap"},
			IMAP: crm.Server{Host: "imap.sakura.example", Port: 993, Security: crm.SecurityTLS},
		}},
		RedirectURL: must(issuer.RedirectURL(public))(t), DialContext: new(net.Dialer).DialContext, Now: o.clock.Now,
	})
	t.Cleanup(i.Close)
	return i
}

func oauthInput(provider wire.Name, address string) wire.OAuthInput {
	return wire.OAuthInput{Provider: &provider, Address: address}
}

// signsIn begins, and goes through the provider's pages.
func (o *office) signsIn(t *testing.T, user string) (status int, page string) {
	t.Helper()
	begun := must(o.as[user].BeginOAuth(t.Context(), oauthInput("sakura", user+"@sakura.example")))(t)
	return oauthtest.Browse(t, begun.AuthorizationURL)
}

func TestLinkBySigningIn(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	begun := must(o.as["uwe"].BeginOAuth(ctx, oauthInput("sakura", "Uwe@Sakura.example")))(t)
	if want := o.clock.Now().Add(15 * time.Minute); !begun.ExpiresAt.Equal(want) {
		t.Errorf("it expires at %v, want %v", begun.ExpiresAt, want)
	}
	if links := must(o.as["uwe"].Links(ctx))(t); len(links) != 0 {
		t.Errorf("linked before the user has agreed: %+v", links)
	}
	status, page := oauthtest.Browse(t, begun.AuthorizationURL)
	for _, want := range []string{"uwe@sakura.example", "linked to the user uwe of Sakura", "連携しました"} {
		if status != http.StatusOK || !strings.Contains(page, want) {
			t.Errorf("%d, without %q: %s", status, want, page)
		}
	}
	links := must(o.as["uwe"].Links(ctx))(t)
	if len(links) != 1 || links[0].Username != "uwe@sakura.example" || links[0].IMAP.Host != "imap.sakura.example" || links[0].Status != crm.LinkSyncing {
		t.Fatalf("links: %+v", links)
	}
	probed := o.watcher.logins[0]
	if probed.Auth != crm.AuthOAuth2 || !strings.HasPrefix(string(probed.Secret), oauthtest.Canary) {
		t.Errorf("the mailbox was opened with %+v", probed)
	}
	standing := must(o.store.Standing(ctx, o.account, links[0].MailboxID))(t)
	if l := standing.Logins[0]; l.Grant == "" || l.Secret != "" || l.Auth != crm.AuthOAuth2 {
		t.Errorf("the mailbox is opened with %+v", l)
	}
	g := must(o.store.Grant(ctx, o.account, links[0].ID))(t)
	if g.Access != probed.Secret || g.Refresh == "" || g.Provider != "sakura" || !g.Expires.Equal(o.clock.Now().Add(time.Hour)) {
		t.Errorf("the grant is of %s until %v", g.Provider, g.Expires)
	}

	o.audited(t, crm.AuditLinkCreated, "uwe")

	// What was finished is finished, whoever comes back with it.
	back := o.url + "/v1/oauth/callback?code=x&state=" + url.QueryEscape(must(url.Parse(begun.AuthorizationURL))(t).Query().Get("state"))
	if status, page := oauthtest.Browse(t, back); status != http.StatusUnprocessableEntity || !strings.Contains(page, "state_unknown") {
		t.Errorf("a second time: %d %s", status, page)
	}
	_, err := o.as["uwe"].BeginOAuth(ctx, oauthInput("sakura", "uwe@sakura.example"))
	wantCode(t, err, "link_exists")
	o.leaksNothing(t)
}

// audited checks the newest line of the audit: the user came back without a
// token, and is named nevertheless.
func (o *office) audited(t *testing.T, action crm.AuditAction, user string) {
	t.Helper()
	e := must(o.as["olga"].Audit(t.Context()))(t)[0]
	if e.Action != string(action) || e.Actor.Kind != "user" || e.Actor.ID != user || !e.At.Equal(o.clock.Now()) {
		t.Errorf("the audit says %+v", e)
	}
}

// leaksNothing looks for tokens, codes and the client's secret in the log and
// in what the API shows.
func (o *office) leaksNothing(t *testing.T) {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{"/v1/links", "/v1/mailboxes", "/v1/events", "/v1/audit"} {
		all.WriteString(body(t, must(o.key.Send(t.Context(), "GET", path, "", nil))(t)))
	}
	for _, entry := range o.log.All() {
		all.WriteString(entry.Message)
		for _, f := range entry.Context {
			all.WriteString(f.String)
			if err, ok := f.Interface.(error); ok {
				all.WriteString(err.Error())
			}
		}
	}
	for _, secret := range []string{oauthtest.Canary, oauthtest.ClientSecret} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%q is shown", secret)
		}
	}
}

func TestLinkBySigningInWithAPreset(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	preset := func(in wire.PresetInput) *wire.ID {
		in.Name = "Office"
		id := wire.ID(must(o.as["mona"].CreatePreset(ctx, in))(t).ID)
		return &id
	}
	sakura := wire.ServerInput{Host: "imap.sakura.example"}
	good := preset(wire.PresetInput{IMAP: sakura, Auth: crm.AuthOAuth2, Username: crm.UsernameLocalPart})
	password := preset(wire.PresetInput{IMAP: sakura})
	// A manager's preset must not lead anybody's token to another server, nor
	// over the same one in the clear.
	elsewhere := preset(wire.PresetInput{IMAP: wire.ServerInput{Host: "imap.evil.example"}, Auth: crm.AuthOAuth2})
	none := crm.SecurityNone
	port := 993
	clear := preset(wire.PresetInput{IMAP: wire.ServerInput{Host: "imap.sakura.example", Port: &port, Security: &none}, Auth: crm.AuthOAuth2})
	uwe := o.as["uwe"]
	for preset, code := range map[*wire.ID]string{password: "auth_mismatch", elsewhere: "provider_unknown", clear: "provider_unknown"} {
		_, err := uwe.BeginOAuth(ctx, wire.OAuthInput{PresetID: preset, Address: "uwe@sakura.example"})
		wantCode(t, err, code)
	}
	_, err := uwe.CreateLink(ctx, wire.LinkInput{PresetID: good, Address: "uwe@sakura.example", Password: "x"})
	wantCode(t, err, "auth_mismatch")
	_, err = uwe.TestLink(ctx, wire.LinkInput{PresetID: good, Address: "uwe@sakura.example", Password: "x"})
	wantCode(t, err, "auth_mismatch")
	_, err = uwe.TestLink(ctx, wire.LinkInput{PresetID: password, Address: "uwe@sakura.example"})
	wantCode(t, err, "field_missing")

	// Of such a preset all can be tested but the sign-in.
	o.watcher.probeErr = crm.E(crm.Rejected, "sign_in_needed", "Sign in.")
	tested := must(uwe.TestLink(ctx, wire.LinkInput{PresetID: good, Address: "uwe@sakura.example"}))(t)
	if !tested.OK || tested.Code != "sign_in_needed" || len(tested.Steps) != 2 || !tested.Steps[1].OK {
		t.Errorf("the test says %+v", tested)
	}
	o.watcher.probeErr = nil
	begun := must(uwe.BeginOAuth(ctx, wire.OAuthInput{PresetID: good, Address: "uwe@sakura.example"}))(t)
	oauthtest.Browse(t, begun.AuthorizationURL)
	if l := must(uwe.Links(ctx))(t)[0]; l.Username != "uwe" || l.PresetID != crm.PresetID(*good) {
		t.Errorf("the link is %+v", l)
	}
}

// Every wrong value has its code.
func TestBadInputToSigningIn(t *testing.T) {
	o := newOffice(t)
	for in, code := range map[string]string{
		`{}`:                        "field_missing",
		`{"provider":"sakura"}`:     "field_missing",
		`{"address":"u@x.example"}`: "server_missing",
		`{"provider":"sakura","preset_id":"pre_1","address":"u@x.example"}`:        "server_missing",
		`{"provider":"google","address":"u@x.example"}`:                            "provider_unknown",
		`{"provider":"","address":"u@x.example"}`:                                  "provider_unknown",
		`{"provider":7,"address":"u@x.example"}`:                                   "field_invalid",
		`{"provider":"a\u0000","address":"u@x.example"}`:                           "field_invalid",
		`{"preset_id":"pre_1","address":"u@x.example"}`:                            "preset_unknown",
		`{"preset_id":"","address":"u@x.example"}`:                                 "field_invalid",
		`{"provider":"sakura","address":"nobody"}`:                                 "address_invalid",
		`{"provider":"sakura","address":"u@x.example","username":""}`:              "field_invalid",
		`{"provider":"sakura","address":"u@x.example","username":"a\r\nb"}`:        "field_invalid",
		`{"provider":"sakura","address":"u@x.example","password":"x"}`:             "field_unknown",
		`{"provider":"sakura","address":"u@x.example","redirect_uri":"http://x/"}`: "field_unknown",
		`[`: "json_malformed",
	} {
		resp := must(o.as["uwe"].Send(t.Context(), "POST", "/v1/links/oauth", "application/json", strings.NewReader(in)))(t)
		if p := decode[wire.Problem](t, body(t, resp)); string(p.Code) != code {
			t.Errorf("%s: %d %s, want %s", in, resp.StatusCode, p.Code, code)
		}
	}
	for _, query := range []string{
		"", "?state=", "?state=x", "?state=.x&code=x", "?state=acc_0.x&code=x", "?state=%00.x&code=x", "?state=a%20b.x&code=x",
		"?code=x", "?error=access_denied", "?state=" + string(o.account) + ".x&error=access_denied", "?state=x&scope=y&authuser=0",
		"?state=" + strings.Repeat("x", 9000),
	} {
		status, page := oauthtest.Browse(t, o.url+"/v1/oauth/callback"+query)
		if status != http.StatusUnprocessableEntity || !strings.Contains(page, "state_unknown") || !strings.Contains(page, "もう一度") {
			t.Errorf("%.50s: %d %s", query, status, page)
		}
	}
}

// What goes wrong after the provider's pages is told on ours, and stores
// nothing.
func TestSigningInFails(t *testing.T) {
	busy := http.Header{"Retry-After": {"30"}}
	for name, c := range map[string]struct {
		prepare func(*office)
		status  int
		code    string
		says    string
	}{
		"the user disagrees": {func(o *office) { o.signIn.Deny() }, 422, "sign_in_refused", "You did not agree"},
		"it took too long":   {func(o *office) { o.clock.advance(15 * time.Minute) }, 422, "state_unknown", "too long"},
		"a second one was begun": {func(o *office) {
			_, _ = o.as["uwe"].BeginOAuth(context.Background(), oauthInput("sakura", "uwe@sakura.example"))
		}, 422, "state_unknown", "begin again"},
		"the account may link no more": {func(o *office) {
			off := false
			_, _ = o.client.UpdateAccount(context.Background(), o.account, wire.AccountPatch{AccountSettings: wire.AccountSettings{MailEnabled: &off}})
		}, 422, "mail_disabled", "switched off"},
		"the user has gone":     {func(o *office) { _ = o.key.DeleteUser(context.Background(), "uwe") }, 422, "state_unknown", ""},
		"no token endpoint":     {func(o *office) { o.signIn.Fail(&oauthtest.Fault{Status: 502, Body: "<html>"}) }, 422, "provider_unreachable", "does not work"},
		"a busy token endpoint": {func(o *office) { o.signIn.Fail(&oauthtest.Fault{Status: 429, Header: busy}) }, 429, "provider_busy", "patience"},
		"a wrong client secret": {func(o *office) { o.signIn.Fail(&oauthtest.Fault{Status: 401, Body: `{"error":"invalid_client"}`}) }, 503, "provider_refused", "invalid_client"},
		"no refresh token": {func(o *office) {
			o.signIn.Fail(&oauthtest.Fault{Status: 200, Body: `{"access_token":"canary-token-x","expires_in":60}`})
		}, 503, "grant_incomplete", "offline"},
		"a code that is no good": {func(o *office) { o.signIn.Fail(&oauthtest.Fault{Status: 400, Body: `{"error":"invalid_grant"}`}) }, 422, "grant_revoked", "sign in again"},
		"another's mailbox": {func(o *office) {
			o.watcher.probeErr = crm.E(crm.Rejected, "credential_rejected", "Refused; sign in again.")
		}, 422, "credential_rejected", "Refused"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			begun := must(o.as["uwe"].BeginOAuth(t.Context(), oauthInput("sakura", "uwe@sakura.example")))(t)
			c.prepare(o)
			status, page := oauthtest.Browse(t, begun.AuthorizationURL)
			if status != c.status || !strings.Contains(page, c.code) || !strings.Contains(page, c.says) || !strings.Contains(page, `lang="ja"`) {
				t.Errorf("%d, want %d %s %s: %s", status, c.status, c.code, c.says, page)
			}
			if links := must(o.key.Links(t.Context()))(t); len(links) != 0 {
				t.Errorf("linked nevertheless: %+v", links)
			}
			o.leaksNothing(t)
		})
	}
}

// Nothing that a stranger puts into the address is run or repeated.
func TestThePageIsNoPlaceForStrangers(t *testing.T) {
	o := newOffice(t)
	begun := must(o.as["uwe"].BeginOAuth(t.Context(), oauthInput("sakura", "uwe@sakura.example")))(t)
	state := must(url.Parse(begun.AuthorizationURL))(t).Query().Get("state")
	_, page := oauthtest.Browse(t, o.url+"/v1/oauth/callback?state="+url.QueryEscape(state)+"&error="+url.QueryEscape("<script>x</script>"))
	if strings.Contains(page, "script") || !strings.Contains(page, "sign_in_refused") {
		t.Errorf("the page is %s", page)
	}
}

// A link whose grant was taken back gets another one, and one with a password
// may get a grant, by its own user alone.
func TestSigningInAgain(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	o.signsIn(t, "uwe")
	l := must(o.as["uwe"].Links(ctx))(t)[0]
	before := must(o.store.Grant(ctx, o.account, l.ID))(t)
	if err := o.store.Reject(ctx, o.account, l.ID, "Sign in again.", 0, o.clock.Now()); err != nil {
		t.Fatal(err)
	}
	for who, code := range map[string]string{"olga": "link_not_yours", "mona": "link_not_yours", "ulla": "link_not_found"} {
		_, err := o.as[who].RenewOAuth(ctx, l.ID)
		wantCode(t, err, code)
	}
	renew := func(id crm.LinkID) {
		t.Helper()
		begun := must(o.as["uwe"].RenewOAuth(ctx, id))(t)
		if status, page := oauthtest.Browse(t, begun.AuthorizationURL); status != http.StatusOK {
			t.Fatalf("%d %s", status, page)
		}
	}
	renew(l.ID)
	o.audited(t, crm.AuditCredentialChanged, "uwe")
	after := must(o.store.Grant(ctx, o.account, l.ID))(t)
	again := must(o.as["uwe"].Link(ctx, l.ID))(t)
	if after.ID == before.ID || after.Access == before.Access || again.Status != crm.LinkSyncing || !again.LinkedAt.Equal(l.LinkedAt) {
		t.Errorf("the link is %+v", again)
	}
	must(o.as["uwe"].ChangePassword(ctx, l.ID, "correct horse"))(t)
	if last := o.watcher.logins[len(o.watcher.logins)-1]; last.Auth != crm.AuthPassword || last.Secret != "correct horse" {
		t.Errorf("the password was tried with %+v", last)
	}
	_, err := o.store.Grant(ctx, o.account, l.ID)
	wantCode(t, errOf(err), "link_not_found")
	renew(l.ID)
	begun := must(o.as["uwe"].RenewOAuth(ctx, l.ID))(t)
	if err := o.as["uwe"].Unlink(ctx, l.ID); err != nil {
		t.Fatal(err)
	}
	if status, page := oauthtest.Browse(t, begun.AuthorizationURL); status != http.StatusConflict || !strings.Contains(page, "link_ended") {
		t.Errorf("signing in for a link that has ended: %d %s", status, page)
	}
	_, err = o.as["uwe"].RenewOAuth(ctx, l.ID)
	wantCode(t, err, "link_ended")
}

// errOf makes a problem of an error of the store, to compare its code.
func errOf(err error) error {
	if err == nil {
		return nil
	}
	return &wire.Problem{Code: wire.Code(crm.CodeOf(err))}
}
