package issuer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"mailsyncd.example/crm"
)

// Provider is an authorization server, and what this daemon is there.
type Provider struct {
	Name             string
	ClientID         string
	ClientSecret     crm.Secret // "" for a client that has none
	AuthorizationURL string
	TokenURL         string
	Scopes           []string
	Parameters       map[string]string // further ones of the authorization URL
	IMAP             crm.Server        // takes its tokens
}

// entry is a provider in the operator's file.
type entry struct {
	ClientID         string            `json:"client_id"`
	ClientSecret     string            `json:"client_secret"`
	AuthorizationURL string            `json:"authorization_url"`
	TokenURL         string            `json:"token_url"`
	Scopes           []string          `json:"scopes"`
	Parameters       map[string]string `json:"parameters"`
	IMAP             struct {
		Host     string       `json:"host"`
		Port     int          `json:"port"`
		Security crm.Security `json:"security"`
	} `json:"imap"`
}

// known are the providers of which the file needs to say only who we are.
func known(name string) entry {
	var e entry
	switch name {
	case "google": // developers.google.com/identity/protocols/oauth2/web-server
		e.AuthorizationURL = "https://accounts.google.com/o/oauth2/v2/auth"
		e.TokenURL = "https://oauth2.googleapis.com/token"
		e.Scopes = []string{"https://mail.google.com/"}
		// Without the latter there is a refresh token the first time only.
		e.Parameters = map[string]string{"access_type": "offline", "prompt": "consent"}
		e.IMAP.Host = "imap.gmail.com"
	case "microsoft": // learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
		e.AuthorizationURL = "https://login.microsoftonline.com/common/oauth2/v2.0/authorize"
		e.TokenURL = "https://login.microsoftonline.com/common/oauth2/v2.0/token"
		e.Scopes = []string{"https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"}
		e.Parameters = map[string]string{"prompt": "select_account"}
		e.IMAP.Host = "outlook.office365.com"
	}
	return e
}

var goodName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

// Parse reads the operator's file of providers: a JSON object of them by name.
// crm.Invalid ("bad_oauth_file") says what is wrong, and never what a secret is.
func Parse(text []byte) ([]Provider, error) {
	file := map[string]json.RawMessage{}
	if err := strictly(text, &file); err != nil {
		return nil, bad("It is no JSON object of providers by name: " + err.Error() + ".")
	}
	var all []Provider
	for _, name := range slices.Sorted(maps.Keys(file)) {
		if !goodName.MatchString(name) {
			return nil, bad("A provider's name has lower-case letters, digits, - and _ only, and at most 40 of them.")
		}
		e := known(name)
		if err := strictly(file[name], &e); err != nil {
			return nil, bad(name + ": " + err.Error() + ".")
		}
		if err := e.check(); err != nil {
			return nil, bad(name + ": " + err.Error() + ".")
		}
		p := e.provider(name)
		if slices.ContainsFunc(all, func(other Provider) bool { return other.IMAP == p.IMAP }) {
			return nil, bad(name + ": another provider has the same mail server.")
		}
		all = append(all, p)
	}
	return all, nil
}

func bad(detail string) error {
	return crm.E(crm.Invalid, "bad_oauth_file", "The file of MAILSYNC_OAUTH_FILE can't be used. "+detail)
}

// strictly reads one JSON value, all of whose names are known. Its errors are
// about names and places; encoding/json's own may show a value.
func strictly(text []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(to)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return errors.New(cmp.Or(e.Field, "it") + " is of the wrong type")
	}
	if err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows it")
	}
	return nil
}

func (e *entry) check() error {
	switch {
	case e.ClientID == "":
		return errors.New("client_id is missing")
	case !goodURL(e.AuthorizationURL):
		return errors.New("authorization_url must be an https URL")
	case !goodURL(e.TokenURL):
		return errors.New("token_url must be an https URL")
	case len(e.Scopes) == 0:
		return errors.New("scopes is missing")
	case e.IMAP.Host == "":
		return errors.New("imap.host is missing")
	case e.IMAP.Port < 0 || e.IMAP.Port > 65535:
		return errors.New("imap.port must be from 1 to 65535")
	case !slices.Contains([]crm.Security{"", crm.SecurityTLS, crm.SecuritySTARTTLS}, e.IMAP.Security):
		return errors.New("imap.security must be tls or starttls; a token is not sent in the clear")
	}
	return nil
}

func (e *entry) provider(name string) Provider {
	s := crm.Server{Host: strings.ToLower(e.IMAP.Host), Port: e.IMAP.Port, Security: cmp.Or(e.IMAP.Security, crm.SecurityTLS)}
	if s.Port == 0 {
		s.Port = 993
		if s.Security == crm.SecuritySTARTTLS {
			s.Port = 143
		}
	}
	return Provider{
		Name: name, ClientID: e.ClientID, ClientSecret: crm.Secret(e.ClientSecret), AuthorizationURL: e.AuthorizationURL,
		TokenURL: e.TokenURL, Scopes: e.Scopes, Parameters: e.Parameters, IMAP: s,
	}
}

// goodURL tells whether secrets may be sent there: with TLS, or to this very
// machine.
func goodURL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || host == "localhost"
}

// RedirectURL is where a browser comes back to, given the URL under which this
// daemon's API is reached. crm.Invalid ("bad_public_url") where that is none.
func RedirectURL(public string) (string, error) {
	if u, err := url.Parse(public); err != nil || !goodURL(public) || u.RawQuery != "" {
		return "", crm.E(crm.Invalid, "bad_public_url", "MAILSYNC_PUBLIC_URL must be the https URL under which browsers reach the API, like https://mailsync.acme.example; "+
			"providers in MAILSYNC_OAUTH_FILE send people back there.")
	}
	return url.JoinPath(public, "/v1/oauth/callback")
}

// Open makes Issuers of the operator's file of providers and the URL under
// which this daemon's API is reached; without a file there are none. The
// providers and the redirect URL of o are filled in.
func Open(file, public string, o Options) (*Issuers, error) {
	if file == "" {
		return New(o), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, crm.Wrap(crm.Invalid, "bad_oauth_file", "The file of MAILSYNC_OAUTH_FILE can't be read.", err)
	}
	if o.Providers, err = Parse(text); err != nil {
		return nil, err
	}
	if o.RedirectURL, err = RedirectURL(public); err != nil {
		return nil, err
	}
	return New(o), nil
}

// dialFailed tells errors of the network from those of the server.
func dialFailed(err error) bool {
	_, ok := errors.AsType[net.Error](err)
	return ok
}
