// Package gate settles who calls the API, before anything else of a request is
// read: it knows the token, and package access what its holder may do.
package gate

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/access"
	"mailsyncd.example/crm/api/web"
)

// Who says who may use a route.
type Who struct {
	open     bool // no token needed
	operator bool
	action   access.Action // else: whoever may do this
}

// Everybody is who needs no token.
func Everybody() Who { return Who{open: true} }

// Operator is who holds the operator's token.
func Operator() Who { return Who{operator: true} }

// May is who may do this within their account.
func May(a access.Action) Who { return Who{action: a} }

// Open tells whether no token is needed.
func (w Who) Open() bool { return w.open }

// Describe tells in the document what Guard enforces, from the same table.
func (w Who) Describe() string {
	switch {
	case w.open:
		return "Needs no token."
	case w.operator:
		return "Needs the operator's token."
	}
	var able []string
	for _, role := range []crm.Role{crm.RoleOwner, crm.RoleAdmin, crm.RoleManager, crm.RoleUser} {
		if access.May(crm.Caller{User: &crm.User{Role: role}}, w.action) {
			able = append(able, string(role))
		}
	}
	if access.May(crm.Caller{}, w.action) {
		able = append(able, "account key")
	}
	return "For " + strings.Join(able, ", ") + "."
}

// Holder is who holds the token of a request.
type Holder struct {
	crm.Caller
	operator bool
	hash     crm.TokenHash
}

// fields tell the log who it was.
func (h Holder) fields() []zap.Field {
	if h.operator {
		return []zap.Field{zap.Bool("operator", true)}
	}
	fields := []zap.Field{zap.String("account", string(h.Account.ID))}
	if h.User != nil {
		fields = append(fields, zap.String("user", string(h.User.ID)))
	}
	return fields
}

// actor is what the audit calls the holder.
func (h Holder) actor() crm.Actor {
	if h.operator {
		return crm.Actor{Kind: crm.ActorOperator}
	}
	return h.Caller.Actor()
}

type holderKey struct{}

// Of returns who holds the token of a request; nobody on open routes.
func Of(ctx context.Context) Holder {
	h, _ := ctx.Value(holderKey{}).(Holder)
	return h
}

// Gate lets callers in.
type Gate struct {
	callers  Callers
	operator crm.TokenHash
	now      func() time.Time
	log      *zap.Logger
}

// Callers knows the keys and user tokens.
type Callers interface {
	// Caller finds who holds the key or user token with this hash:
	// crm.NotFound where it is unknown or expired.
	Caller(ctx context.Context, h crm.TokenHash, now time.Time) (crm.Caller, error)
}

// New makes a Gate. The operator's token must not be empty.
func New(callers Callers, operatorToken crm.Secret, now func() time.Time, log *zap.Logger) *Gate {
	return &Gate{callers: callers, operator: HashOf(string(operatorToken)), now: now, log: log}
}

// Guard lets through who may use the route, and answers everybody else.
func (g *Gate) Guard(w Who) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if w.open {
			next(ctx)
			return
		}
		h, err := g.authenticate(ctx)
		if err == nil {
			err = w.admit(h, ctx.Method())
		}
		if err != nil {
			_, rw := humago.Unwrap(ctx)
			web.WriteProblem(rw, web.ProblemOf(ctx.Context(), g.log, err))
			return
		}
		deed := crm.Deed{By: h.actor(), At: g.now()}
		next(huma.WithValue(huma.WithContext(ctx, deed.In(ctx.Context())), holderKey{}, h))
	}
}

// authenticate finds out who calls, and notes it for the log even where they
// are sent away then.
func (g *Gate) authenticate(ctx huma.Context) (Holder, error) {
	token, ok := bearer(ctx.Header("Authorization"))
	if !ok {
		return Holder{}, crm.E(crm.Unauthenticated, "token_missing", "Send the header Authorization: Bearer TOKEN.")
	}
	h, err := g.holder(ctx.Context(), HashOf(token))
	if err == nil {
		web.VisitOf(ctx.Context()).Who = h.fields()
	}
	return h, err
}

// admit says why somebody may not use a route, in words that tell a wrong kind
// of token from a role that is too low.
func (w Who) admit(h Holder, method string) error {
	switch {
	case h.operator && w.operator:
		return nil
	case h.operator:
		return crm.E(crm.Forbidden, "operator_forbidden", "The operator's token manages accounts and keys only; use an account key or a user token.")
	case w.operator:
		return crm.E(crm.Forbidden, "operator_only", "This needs the operator's token.")
	case !access.May(h.Caller, w.action) && h.User == nil:
		return crm.E(crm.Forbidden, "key_forbidden", "An account key may not do this; use the token of a user who may.")
	case !access.May(h.Caller, w.action):
		return crm.E(crm.Forbidden, "role_forbidden", "The role "+string(h.User.Role)+" may not do this; ask somebody whose role may.")
	}
	return admitDisabled(h.Caller, method)
}

// admitDisabled keeps a disabled account's users out and lets its back end
// read, so that it can still see what there is.
func admitDisabled(c crm.Caller, method string) error {
	if c.Account.Status != crm.AccountDisabled || c.User == nil && (method == http.MethodGet || method == http.MethodHead) {
		return nil
	}
	return crm.E(crm.Forbidden, "account_disabled", "The account is disabled; its operator can make it active again.")
}

// holder finds who holds a token. A user's role is the one of this moment.
func (g *Gate) holder(ctx context.Context, h crm.TokenHash) (Holder, error) {
	if subtle.ConstantTimeCompare(h[:], g.operator[:]) == 1 {
		return Holder{operator: true, hash: h}, nil
	}
	c, err := g.callers.Caller(ctx, h, g.now())
	if crm.KindOf(err) == crm.NotFound {
		return Holder{}, crm.E(crm.Unauthenticated, "token_invalid", "The token is unknown or has expired; get a new one.")
	}
	if err != nil {
		return Holder{}, err
	}
	return Holder{Caller: c, hash: h}, nil
}

// Again looks whether a token still stands, for a request that goes on for long:
// crm.Unauthenticated or crm.Forbidden where it does not.
func (g *Gate) Again(ctx context.Context, h Holder) (Holder, error) {
	h, err := g.holder(ctx, h.hash)
	if err == nil {
		err = admitDisabled(h.Caller, http.MethodGet)
	}
	return h, err
}

// bearer reads a header as RFC 6750 section 2.1 has it.
func bearer(header string) (string, bool) {
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// NewToken makes a token of 192 random bits; the prefix tells people, and
// scanners for leaked secrets, what they have found.
func NewToken(prefix string) (string, crm.TokenHash) {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	token := prefix + "_" + base64.RawURLEncoding.EncodeToString(b[:])
	return token, HashOf(token)
}

// CheckStrength warns of an operator's token that somebody could guess. It is the
// operator's to choose, so this is no reason not to run.
func CheckStrength(operatorToken crm.Secret) error {
	if len(operatorToken) < 16 {
		return errors.New("the operator's token can be guessed; give one of 16 characters or more, or leave it out and one is made")
	}
	return nil
}

// HashOf is what stands for a token in the database: 192 random bits need no
// slow hash, there is nothing to guess.
func HashOf(token string) crm.TokenHash { return sha256.Sum256([]byte(token)) }
