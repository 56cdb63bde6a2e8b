// Package issuer speaks with authorization servers (RFC 6749): where a person
// agrees that their mailbox is read, and where codes and refresh tokens become
// access tokens. When to ask for one is not its matter.
//
// A token endpoint is dialled through a guard, may lead nowhere else, has a few
// seconds, and of its answer no more than a MiB is read. Each call is one
// request: a refresh token that was sent twice may be worth nothing.
package issuer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"mailsyncd.example/crm"
)

// Options is what Issuers are made of. DialContext and Now must be set.
type Options struct {
	Providers   []Provider
	RedirectURL string // where the browser comes back to; registered with each provider
	// DialContext makes the TCP connections: a guard's.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	RootCAs     *x509.CertPool // nil: the system's
	Timeout     time.Duration  // of one request; 0: 20 s
	Now         func() time.Time
}

const (
	defaultTimeout = 20 * time.Second
	headerLimit    = 16 << 10
	// usualLifetime is that of an access token whose server does not say.
	usualLifetime = time.Hour
	// renewAhead is how long before its end a token is replaced, at most: a
	// connection that is cut then finds the next one ready.
	renewAhead = 5 * time.Minute
)

// Issuers are the providers at which this daemon is registered. They are safe
// for use by many goroutines.
type Issuers struct {
	Options
	client *http.Client
}

// New makes Issuers.
func New(o Options) *Issuers {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	return &Issuers{Options: o, client: &http.Client{
		Transport: &http.Transport{ // knows no proxy: the guard would see the proxy's address only
			DialContext:            o.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:      true,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: headerLimit,
		},
		// Secrets are sent to the URL that the operator wrote down, and to
		// none that its server knows.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       o.Timeout,
	}}
}

// Close closes connections that nobody uses.
func (i *Issuers) Close() { i.client.CloseIdleConnections() }

// Provider finds a provider by its name, or by the one that package provider has
// for it, which tells several kinds of mailboxes apart; crm.Invalid ("provider_unknown") where
// the daemon is not registered with one of that name.
func (i *Issuers) Provider(name string) (crm.OAuthProvider, error) {
	if name == "microsoft365" || name == "outlook" {
		name = "microsoft"
	}
	p, err := i.named(name)
	return crm.OAuthProvider{Name: p.Name, IMAP: p.IMAP}, err
}

func (i *Issuers) named(name string) (Provider, error) {
	for _, p := range i.Providers {
		if p.Name == name {
			return p, nil
		}
	}
	return Provider{}, crm.E(crm.Invalid, "provider_unknown",
		"This daemon is not registered with a provider of this name; its operator adds it to MAILSYNC_OAUTH_FILE.")
}

// ProviderOf finds the provider whose tokens a mail server takes; crm.Invalid
// ("provider_unknown") where there is none. Host, port and security must all
// be those of the provider: a token opens more than one mailbox's door, and
// goes to nobody else.
func (i *Issuers) ProviderOf(s crm.Server) (crm.OAuthProvider, error) {
	for _, p := range i.Providers {
		if p.IMAP == s {
			return crm.OAuthProvider{Name: p.Name, IMAP: p.IMAP}, nil
		}
	}
	return crm.OAuthProvider{}, crm.E(crm.Invalid, "provider_unknown",
		"This daemon is not registered with a provider for "+s.Host+"; its operator adds it to MAILSYNC_OAUTH_FILE.")
}

// AuthorizationURL is where a person agrees. state and verifier are secrets
// that nobody can guess (RFC 6749 section 10.12, RFC 7636 section 4).
func (i *Issuers) AuthorizationURL(provider, state string, verifier crm.Secret, hint crm.Address) (string, error) {
	p, err := i.named(provider)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(string(verifier)), oauth2.SetAuthURLParam("login_hint", string(hint))}
	for name, value := range p.Parameters {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	return i.config(p).AuthCodeURL(state, options...), nil
}

// Exchange turns the code with which a person comes back into a grant.
func (i *Issuers) Exchange(ctx context.Context, provider, code string, verifier crm.Secret) (crm.Grant, error) {
	p, err := i.named(provider)
	if err != nil {
		return crm.Grant{}, err
	}
	token, err := i.config(p).Exchange(i.with(ctx), code, oauth2.VerifierOption(string(verifier)))
	if err != nil {
		return crm.Grant{}, failed(p, err, crm.Secret(code), verifier)
	}
	if token.RefreshToken == "" {
		return crm.Grant{}, crm.E(crm.Unavailable, "grant_incomplete", p.Name+" let nobody in for longer than an hour: "+
			"it gave no refresh token. The operator adds offline access to the provider's scopes or parameters in MAILSYNC_OAUTH_FILE.")
	}
	now := i.Now()
	return i.granted(crm.Grant{ID: crm.GrantID(crm.NewID("grt", now)), Provider: p.Name}, token, now), nil
}

// Refresh gets the next access token of a grant. The grant that it returns
// takes the place of the one before, and is to be kept before it is used.
//
// Errors are of three classes. crm.Rejected ("grant_revoked"): the person must
// sign in again. crm.Throttled ("provider_busy"): later, where After says. Any
// other, crm.Unreachable ("provider_unreachable") and crm.Unavailable
// ("provider_refused") among them: again, some time.
func (i *Issuers) Refresh(ctx context.Context, g crm.Grant) (crm.Grant, error) {
	p, err := i.named(g.Provider)
	if err != nil {
		// Taken out of the file, perhaps for a while: not the person's matter.
		return crm.Grant{}, crm.Wrap(crm.Unavailable, "provider_refused", crm.DetailOf(err), err)
	}
	source := i.config(p).TokenSource(i.with(ctx), &oauth2.Token{RefreshToken: string(g.Refresh)})
	token, err := source.Token()
	if err != nil {
		return crm.Grant{}, failed(p, err, g.Refresh, g.Access)
	}
	g.Turn++
	return i.granted(g, token, i.Now()), nil
}

// config is what golang.org/x/oauth2 needs to know. Client id and secret stand
// in the body: where it has to find out how they are wanted, it asks twice, and
// the second time with a refresh token that is worth nothing any more.
func (i *Issuers) config(p Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: string(p.ClientSecret), RedirectURL: i.RedirectURL, Scopes: p.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: p.AuthorizationURL, TokenURL: p.TokenURL, AuthStyle: oauth2.AuthStyleInParams},
	}
}

func (i *Issuers) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, i.client)
}

// granted takes over what the token endpoint gave.
func (i *Issuers) granted(g crm.Grant, token *oauth2.Token, now time.Time) crm.Grant {
	lifetime := usualLifetime
	if !token.Expiry.IsZero() {
		lifetime = max(time.Second, time.Until(token.Expiry).Round(time.Second))
	}
	g.Access, g.Refresh = crm.Secret(token.AccessToken), crm.Secret(token.RefreshToken)
	g.Expires = now.Add(lifetime)
	g.RenewAt = g.Expires.Add(-min(renewAhead, lifetime/4))
	return g
}
