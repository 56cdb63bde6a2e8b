// Package consent is the story of a user who agrees, at their mail provider,
// that their mailbox is read (RFC 6749 section 4.1, RFC 7636): it begins in the
// CRM, leads through the provider's pages and ends with a link.
//
// Who comes back has no token of ours, only the state that their browser was
// sent away with. It names one sign-in of one user, is good once and for a
// quarter of an hour, and only its hash is stored.
package consent

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"regexp"
	"strings"
	"time"

	"mailsyncd.example/crm"
)

// Store is what consent needs of the database. Every method is one transaction.
type Store interface {
	Account(ctx context.Context, id crm.AccountID) (crm.Account, error)
	// CreateAuthorization keeps what a user has begun; it takes the place of
	// what the user had begun before.
	CreateAuthorization(ctx context.Context, z crm.Authorization, h crm.TokenHash) error
	// TakeAuthorization returns what was begun with the state of this hash,
	// once; crm.NotFound where there is no such thing, or its time is over.
	TakeAuthorization(ctx context.Context, a crm.AccountID, h crm.TokenHash, now time.Time) (crm.Authorization, error)
	// LinkByGrant links l.User to a mailbox, as CreateLink does.
	LinkByGrant(ctx context.Context, l crm.Link, g crm.Grant, folders []crm.Folder) (crm.Link, error)
	// ReplaceGrant gives a link that stands another grant.
	ReplaceGrant(ctx context.Context, a crm.AccountID, id crm.LinkID, g crm.Grant) (crm.Link, error)
}

// Issuers are the providers at which the operator has registered this daemon.
type Issuers interface {
	// Provider finds one by name, ProviderOf by the mail server that takes its
	// tokens; crm.Invalid ("provider_unknown") where there is none.
	Provider(name string) (crm.OAuthProvider, error)
	ProviderOf(s crm.Server) (crm.OAuthProvider, error)
	// AuthorizationURL is where a person agrees.
	AuthorizationURL(provider, state string, verifier crm.Secret, hint crm.Address) (string, error)
	// Exchange turns the code with which a person comes back into a grant.
	Exchange(ctx context.Context, provider, code string, verifier crm.Secret) (crm.Grant, error)
}

// Prober opens mailboxes to see whether that works.
type Prober interface {
	Probe(ctx context.Context, login crm.Login) crm.Probe
}

// Options are what the story is made of; all fields must be set.
type Options struct {
	Store   Store
	Issuers Issuers
	Prober  Prober
	Now     func() time.Time
}

const (
	// signInTime is how long a person may take at the provider's pages.
	signInTime = 15 * time.Minute
	probeLimit = 30 * time.Second
)

// Office is where users sign in.
type Office struct {
	Options
}

// New makes an Office.
func New(o Options) *Office { return &Office{o} }

// Begin returns where the link's user is to agree, and until when.
func (o *Office) Begin(ctx context.Context, l crm.Link, provider string) (url string, until time.Time, err error) {
	// The account stands in front, so that whoever comes back is looked for
	// there alone; the rest is 130 bits that nobody guesses.
	state := string(l.Account) + "." + rand.Text()
	verifier := crm.Secret(rand.Text() + rand.Text()) // 43 characters or more (RFC 7636 section 4.1)
	url, err = o.Issuers.AuthorizationURL(provider, state, verifier, l.Address)
	if err != nil {
		return "", time.Time{}, err
	}
	until = o.Now().Add(signInTime)
	err = o.Store.CreateAuthorization(ctx, crm.Authorization{Link: l, Provider: provider, Verifier: verifier, Expires: until}, hashOf(state))
	return url, until, err
}

func hashOf(state string) crm.TokenHash { return sha256.Sum256([]byte(state)) }

// Return is what a browser brings back from a provider (RFC 6749 section
// 4.1.2): a code, or an error in its place.
type Return struct {
	State, Code, Error string
}

// Done is what came of it.
type Done struct {
	Account crm.Account
	Link    crm.Link
}

// Finish turns the code into a grant, opens the mailbox with it, and makes the
// link or gives it the grant. What does not open is not stored.
func (o *Office) Finish(ctx context.Context, r Return) (Done, error) {
	z, err := o.taken(ctx, r.State)
	if err != nil {
		return Done{}, err
	}
	if r.Error != "" || r.Code == "" {
		return Done{}, refusal(z.Provider, r.Error)
	}
	// The code is good once: what it is worth is not lost where somebody
	// closes the window. Who comes back has no token, but is known.
	deed := crm.Deed{By: crm.Actor{Kind: crm.ActorUser, ID: string(z.Link.User)}, At: o.Now()}
	ctx = deed.In(context.WithoutCancel(ctx))
	g, err := o.Issuers.Exchange(ctx, z.Provider, r.Code, z.Verifier)
	if err != nil {
		return Done{}, err
	}
	done := Done{Link: z.Link}
	if done.Account, err = o.Store.Account(ctx, z.Link.Account); err != nil {
		return Done{}, err
	}
	done.Link, err = o.link(ctx, z.Link, g)
	return done, err
}

// account is what stands in front of a state, if it can be one.
var account = regexp.MustCompile(`^\w{1,64}\.`)

// taken finds what was begun with a state.
func (o *Office) taken(ctx context.Context, state string) (crm.Authorization, error) {
	unknown := crm.E(crm.Invalid, "state_unknown", "This sign-in was finished already, or it took too long; begin again in the CRM.")
	a := strings.TrimSuffix(account.FindString(state), ".")
	if a == "" {
		return crm.Authorization{}, unknown
	}
	z, err := o.Store.TakeAuthorization(ctx, crm.AccountID(a), hashOf(state), o.Now())
	if crm.KindOf(err) == crm.NotFound {
		return crm.Authorization{}, unknown
	}
	return z, err
}

func (o *Office) link(ctx context.Context, l crm.Link, g crm.Grant) (crm.Link, error) {
	probing, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	probe := o.Prober.Probe(probing, crm.Login{
		Account: l.Account, Link: l.ID, Server: l.Server, Username: l.Username, Auth: crm.AuthOAuth2, Secret: g.Access,
	})
	if probe.Err != nil {
		return l, probe.Err
	}
	if l.ID != "" {
		return o.Store.ReplaceGrant(ctx, l.Account, l.ID, g)
	}
	l.ID, l.LinkedAt = crm.LinkID(crm.NewID("lnk", o.Now())), probe.At
	return o.Store.LinkByGrant(ctx, l, g, probe.Folders)
}

// errorCode is what RFC 6749 section 4.1.2.1 lets an error be, and short.
// Anybody may write such an address: what is longer is not repeated.
var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// refusal says in words that a provider sent somebody back without a code.
func refusal(provider, code string) error {
	switch {
	case code == "access_denied":
		return crm.E(crm.Rejected, "sign_in_refused", "You did not agree that mailsyncd reads this mailbox, so it was not linked. Begin again in the CRM if you want to.")
	case code == "temporarily_unavailable" || code == "server_error":
		return crm.E(crm.Unreachable, "provider_unreachable", provider+"'s sign-in service does not work at the moment; begin again in the CRM in a few minutes.")
	case errorCode.MatchString(code):
		return crm.E(crm.Rejected, "sign_in_refused", provider+" did not let you sign in ("+code+"). Ask the administrator of your mail; the mailbox was not linked.")
	}
	return crm.E(crm.Invalid, "sign_in_refused", "The provider sent you back without an answer; begin again in the CRM.")
}
