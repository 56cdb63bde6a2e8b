package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/access"
	"mailsyncd.example/crm/api/web"
)

// who says who may use a route.
type who struct {
	open     bool // no token needed
	operator bool
	action   access.Action // else: whoever may do this
}

// The two kinds of routes that need no look at a role.
var (
	everybody = who{open: true}
	operator  = who{operator: true}
)

func may(a access.Action) who { return who{action: a} }

// describe tells in the document what guard enforces, from the same table.
func (w who) describe() string {
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

// holder is who holds the token of a request.
type holder struct {
	crm.Caller
	operator bool
	hash     crm.TokenHash
}

// fields tell the log who it was.
func (h holder) fields() []zap.Field {
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
func (h holder) actor() crm.Actor {
	if h.operator {
		return crm.Actor{Kind: crm.ActorOperator}
	}
	return h.Caller.Actor()
}

type holderKey struct{}

// holderOf returns who holds the token of a request; nobody on open routes.
func holderOf(ctx context.Context) holder {
	h, _ := ctx.Value(holderKey{}).(holder)
	return h
}

// caller returns on whose behalf a handler works. Routes for callers only.
func caller(ctx context.Context) crm.Caller { return holderOf(ctx).Caller }

// account returns the account of the token: the only one that a handler sees.
func account(ctx context.Context) crm.AccountID { return caller(ctx).Account.ID }

// guard lets through who may use the route, and answers everybody else.
func (s *server) guard(w who) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if w.open {
			next(ctx)
			return
		}
		h, err := s.authenticate(ctx)
		if err == nil {
			err = w.admit(h, ctx.Method())
		}
		if err != nil {
			_, rw := humago.Unwrap(ctx)
			web.WriteProblem(rw, web.ProblemOf(ctx.Context(), s.Log, err))
			return
		}
		deed := crm.Deed{By: h.actor(), At: s.Now()}
		next(huma.WithValue(huma.WithContext(ctx, deed.In(ctx.Context())), holderKey{}, h))
	}
}

// authenticate finds out who calls, and notes it for the log even where they
// are sent away then.
func (s *server) authenticate(ctx huma.Context) (holder, error) {
	token, ok := bearer(ctx.Header("Authorization"))
	if !ok {
		return holder{}, crm.E(crm.Unauthenticated, "token_missing", "Send the header Authorization: Bearer TOKEN.")
	}
	h, err := s.holder(ctx.Context(), hashOf(token))
	if err == nil {
		web.VisitOf(ctx.Context()).Who = h.fields()
	}
	return h, err
}

// admit says why somebody may not use a route, in words that tell a wrong kind
// of token from a role that is too low.
func (w who) admit(h holder, method string) error {
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
func (s *server) holder(ctx context.Context, h crm.TokenHash) (holder, error) {
	if s.OperatorToken != "" && subtle.ConstantTimeCompare(h[:], s.operator[:]) == 1 {
		return holder{operator: true, hash: h}, nil
	}
	c, err := s.Store.Caller(ctx, h, s.Now())
	if crm.KindOf(err) == crm.NotFound {
		return holder{}, crm.E(crm.Unauthenticated, "token_invalid", "The token is unknown or has expired; get a new one.")
	}
	if err != nil {
		return holder{}, err
	}
	return holder{Caller: c, hash: h}, nil
}

// bearer reads a header as RFC 6750 section 2.1 has it.
func bearer(header string) (string, bool) {
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// newToken makes a token of 192 random bits; the prefix tells people, and
// scanners for leaked secrets, what they have found.
func newToken(prefix string) (string, crm.TokenHash) {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	token := prefix + "_" + base64.RawURLEncoding.EncodeToString(b[:])
	return token, hashOf(token)
}

// hashOf is what stands for a token in the database: 192 random bits need no
// slow hash, there is nothing to guess.
func hashOf(token string) crm.TokenHash { return sha256.Sum256([]byte(token)) }
