package issuer

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"mailsyncd.example/crm"
)

func TestParse(t *testing.T) {
	all, err := Parse([]byte(`{
		"microsoft": {"client_id": "m", "client_secret": "ms"},
		"google": {"client_id": "g"},
		"acme": {"client_id": "a", "client_secret": "as", "authorization_url": "https://login.acme.example/a", "token_url": "http://127.0.0.1:9/t",
			"scopes": ["imap"], "parameters": {"audience": "mail"}, "imap": {"host": "IMAP.Acme.example", "security": "starttls"}},
		"tenant": {"client_id": "t", "authorization_url": "https://l.example/a", "token_url": "https://l.example/t", "scopes": ["x"], "imap": {"host": "h", "port": 1993}}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]Provider{}
	for _, p := range all {
		byName[p.Name] = p
	}
	if g := byName["google"]; g.TokenURL != "https://oauth2.googleapis.com/token" || !reflect.DeepEqual(g.Scopes, []string{"https://mail.google.com/"}) ||
		g.Parameters["access_type"] != "offline" || g.IMAP != (crm.Server{Host: "imap.gmail.com", Port: 993, Security: crm.SecurityTLS}) {
		t.Errorf("Google is %+v", g)
	}
	if m := byName["microsoft"]; m.IMAP.Host != "outlook.office365.com" || m.ClientSecret != "ms" ||
		!reflect.DeepEqual(m.Scopes, []string{"https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"}) {
		t.Errorf("Microsoft is %+v", m)
	}
	if a := byName["acme"]; a.IMAP != (crm.Server{Host: "imap.acme.example", Port: 143, Security: crm.SecuritySTARTTLS}) || a.Parameters["audience"] != "mail" {
		t.Errorf("acme is %+v", a)
	}
	// Whatever discovery calls a provider finds it.
	i := New(Options{Providers: all})
	for id, name := range map[string]string{"google": "google", "microsoft365": "microsoft", "outlook": "microsoft", "microsoft": "microsoft"} {
		if p, err := i.Provider(id); err != nil || p.Name != name {
			t.Errorf("%s is %s: %v", id, p.Name, err)
		}
	}
	if byName["tenant"].IMAP.Port != 1993 || len(all) != 4 {
		t.Errorf("they are %+v", all)
	}
}

// Every wrong value ends the start with a sentence that names it, and shows no
// secret.
func TestParseRefuses(t *testing.T) {
	acme := func(change string) string {
		fields := map[string]string{
			"client_id": `"a"`, "client_secret": `"hidden"`, "authorization_url": `"https://l.example/a"`, "token_url": `"https://l.example/t"`,
			"scopes": `["imap"]`, "imap": `{"host":"h"}`,
		}
		name, value, _ := strings.Cut(change, "=")
		fields[name] = value
		var parts []string
		for name, value := range fields {
			if value != "" {
				parts = append(parts, `"`+name+`":`+value)
			}
		}
		return `{"acme":{` + strings.Join(parts, ",") + `}}`
	}
	if _, err := Parse([]byte(acme("client_secret="))); err != nil {
		t.Errorf("a client without a secret: %v", err)
	}
	for text, says := range map[string]string{
		``: "no JSON object", `[]`: "no JSON object", `{} {}`: "something follows", `{"A b":{"client_id":"x"}}`: "lower-case",
		`{"` + strings.Repeat("x", 41) + `":{}}`:               "lower-case",
		`{"google":{}}`:                                        "google: client_id is missing",
		`{"google":{"client_id":7}}`:                           "client_id is of the wrong type",
		`{"google":{"client_id":"x","client_secret":{"a":1}}}`: "client_secret is of the wrong type",
		`{"google":{"clientid":"x"}}`:                          `"clientid"`,
		`{"google":{"client_id":"x"},"g2":{"client_id":"x","authorization_url":"https://a/","token_url":"https://a/","scopes":["x"],"imap":{"host":"imap.gmail.com"}}}`: "same mail server",
		acme("client_id="):                                "client_id",
		acme("authorization_url="):                        "authorization_url",
		acme(`authorization_url="http://l.example/a"`):    "authorization_url",
		acme(`authorization_url="https://u:p@l.example"`): "authorization_url",
		acme("token_url="):                                "token_url",
		acme(`token_url="http://l.example/t"`):            "token_url",
		acme(`token_url="l.example"`):                     "token_url",
		acme(`token_url="https:///t"`):                    "token_url",
		acme("scopes="):                                   "scopes",
		acme("scopes=[]"):                                 "scopes",
		acme(`scopes="imap"`):                             "scopes",
		acme(`parameters=["x"]`):                          "parameters",
		acme("imap="):                                     "imap.host",
		acme(`imap={"host":"h","port":-1}`):               "imap.port",
		acme(`imap={"host":"h","port":65536}`):            "imap.port",
		acme(`imap={"host":"h","security":"none"}`):       "imap.security",
		acme(`imap={"host":"h","security":"ssl"}`):        "imap.security",
	} {
		_, err := Parse([]byte(text))
		if crm.CodeOf(err) != "bad_oauth_file" || !strings.Contains(crm.DetailOf(err), says) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}

func TestRedirectURL(t *testing.T) {
	for public, want := range map[string]string{
		"https://crm.acme.example":       "https://crm.acme.example/v1/oauth/callback",
		"https://crm.acme.example/mail/": "https://crm.acme.example/mail/v1/oauth/callback",
		"http://127.0.0.1:8480":          "http://127.0.0.1:8480/v1/oauth/callback",
		"http://localhost:8480":          "http://localhost:8480/v1/oauth/callback",
		"http://crm.acme.example":        "",
		"https://crm.acme.example/?x=y":  "",
		"https://crm.acme.example/#x":    "",
		"https://u@crm.acme.example/":    "",
		"crm.acme.example":               "",
		"":                               "",
	} {
		got, err := RedirectURL(public)
		if got != want || (err != nil) != (want == "") || err != nil && crm.CodeOf(err) != "bad_public_url" {
			t.Errorf("%s: %q %v, want %q", public, got, err, want)
		}
	}
}

func TestOpen(t *testing.T) {
	if i, err := Open("", "", Options{}); err != nil || len(i.Providers) != 0 {
		t.Errorf("without a file: %v", err)
	}
	file := filepath.Join(t.TempDir(), "oauth.json")
	if _, err := Open(file, "https://x.example", Options{}); crm.CodeOf(err) != "bad_oauth_file" {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := os.WriteFile(file, []byte(`{"google":{"client_id":"x"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, "", Options{}); crm.CodeOf(err) != "bad_public_url" {
		t.Errorf("without a public URL: %v", err)
	}
	if i, err := Open(file, "https://x.example", Options{}); err != nil || len(i.Providers) != 1 || i.RedirectURL != "https://x.example/v1/oauth/callback" {
		t.Errorf("%+v %v", i, err)
	}
}
