package discovery

import (
	"net/http"
	"strings"
	"testing"

	"mailsyncd.example/crm"
)

// What a web server says is hostile until it fits.
func TestParseConfig(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string // the candidates' hosts and user names
	}{
		"one server":          {config(incoming("imap.example.com", "993", "SSL", "%EMAILADDRESS%", "password-cleartext")), "imap.example.com taro@example.com"},
		"the local part":      {config(incoming(" imap.%EMAILDOMAIN% ", " 993 ", "ssl", "%EMAILLOCALPART%", "secure")), "imap.example.com taro"},
		"a name of its own":   {config(incoming("imap.example.com", "993", "SSL", "%EMAILLOCALPART%-x", "plain")), "imap.example.com taro-x"},
		"an unknown pattern":  {config(incoming("imap.example.com", "993", "SSL", "%REALNAME%", "plain")), "imap.example.com "},
		"without encryption":  {config(incoming("imap.example.com", "143", "plain", "x", "plain")), ""},
		"no encryption named": {config(incoming("imap.example.com", "143", "", "x", "plain")), ""},
		"POP":                 {config(strings.Replace(incoming("pop.example.com", "995", "SSL", "x", "plain"), `"imap"`, `"pop3"`, 1)), ""},
		"Kerberos alone":      {config(incoming("imap.example.com", "993", "SSL", "x", "GSSAPI")), ""},
		"no port":             {config(incoming("imap.example.com", "", "SSL", "x", "plain")), ""},
		"port 0":              {config(incoming("imap.example.com", "0", "SSL", "x", "plain")), ""},
		"port 70000":          {config(incoming("imap.example.com", "70000", "SSL", "x", "plain")), ""},
		"no host":             {config(incoming("", "993", "SSL", "x", "plain")), ""},
		"a host with a path":  {config(incoming("imap.example.com/x", "993", "SSL", "x", "plain")), ""},
		"a host of two lines": {config(incoming("imap.example.com&#10;x", "993", "SSL", "x", "plain")), ""},
		"a user of two lines": {config(incoming("imap.example.com", "993", "SSL", "x&#13;&#10;y", "plain")), "imap.example.com "},
		"two, one bad":        {config(incoming("", "1", "SSL", "x", "plain"), incoming("b.example.com", "993", "SSL", "y", "plain")), "b.example.com y"},
		"an entity":           {`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + config(incoming("&e;", "993", "SSL", "x", "plain")), ""},
		"a laugh":             {`<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>` + config(incoming("imap.example.com", "993", "SSL", "&b;", "plain")), ""},
		"no XML":              {"<html><p>404", ""},
		"cut off":             {config(incoming("imap.example.com", "993", "SSL", "x", "plain"))[:120], ""},
		"nothing":             {"", ""},
		"deep":                {strings.Repeat("<a>", 20000), ""},
	} {
		var got []string
		for _, c := range parseConfig([]byte(c.text), "taro@example.com") {
			got = append(got, c.IMAP.Host+" "+c.Username)
		}
		if strings.Join(got, ",") != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add(config(incoming("imap.example.com", "993", "SSL", "%EMAILADDRESS%", "OAuth2")))
	f.Add(`<?xml version="1.0" encoding="Shift_JIS"?><clientConfig/>`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range parseConfig([]byte(text), "taro@example.com") {
			if c.IMAP.Host == "" || c.IMAP.Port < 1 || c.IMAP.Port > 65535 || c.IMAP.Security == crm.SecurityNone || c.IMAP.Security == "" || len(c.Auth) == 0 {
				t.Errorf("%+v", c)
			}
		}
	})
}

// Servers that answer with too much, from elsewhere or in the clear are not
// listened to.
func TestBadWebServers(t *testing.T) {
	good := config(incoming("imap.example.com", "993", "SSL", "x", "plain"))
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		found  bool
	}{
		"fine": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(good)) }, true},
		"too large": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(good + strings.Repeat(" ", maxConfig)))
		}, false},
		"an error page":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); _, _ = w.Write([]byte(good)) }, false},
		"in a circle":     {redirect("/again"), false},
		"into the clear":  {redirect("http://example.com/"), false},
		"to another file": {redirect("file:///etc/passwd"), false},
		"once": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/there" {
				http.Redirect(w, r, "https://www.example.com/there", http.StatusMovedPermanently)
				return
			}
			_, _ = w.Write([]byte(good))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			n := newInternet(t, c.answer, nil)
			if got := n.finder.Discover(t.Context(), "taro@example.com"); (len(got.Candidates) > 0) != c.found {
				t.Errorf("found: %s", lines(got))
			}
		})
	}
}

// A certificate that is somebody else's vouches for nothing.
func TestWrongCertificate(t *testing.T) {
	web := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(config(incoming("imap.example.com", "993", "SSL", "x", "plain"))))
	})
	n := newInternet(t, web, nil)
	if got := lines(n.finder.Discover(t.Context(), "taro@other.example")); got != "" {
		t.Errorf("got %s", got)
	}
	n = newInternet(t, web, func(o *Options) { o.RootCAs = nil })
	if got := lines(n.finder.Discover(t.Context(), "taro@example.com")); got != "" {
		t.Errorf("got %s", got)
	}
}
