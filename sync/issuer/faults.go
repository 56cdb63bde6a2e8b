package issuer

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/oauth2"

	"mailsyncd.example/crm"
)

// failed makes an error of what the token endpoint did, in the provider's own
// words as far as they are fit to be shown. The cause is left out: it has the
// whole answer in it, and an answer may have tokens.
func failed(p Provider, err error, secrets ...crm.Secret) error {
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return unreached(p, err)
	}
	said := words(answer, append(secrets, p.ClientSecret))
	status, code := answer.Response.StatusCode, answer.ErrorCode
	wait := retryAfter(answer.Response.Header.Get("Retry-After"))
	switch {
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable && wait > 0 ||
		code == "slow_down" || strings.Contains(code, "rate_limit"):
		e := crm.E(crm.Throttled, "provider_busy", p.Name+" asks for patience with sign-ins; it is tried again later."+said)
		e.After = wait
		return e
	case status >= 500 || code == "temporarily_unavailable" || code == "server_error":
		return crm.E(crm.Unreachable, "provider_unreachable", p.Name+"'s sign-in service does not work at the moment; it is tried again."+said)
	case slices.Contains([]string{"invalid_grant", "interaction_required", "consent_required", "login_required", "access_denied"}, code):
		return crm.E(crm.Rejected, "grant_revoked", p.Name+" lets mailsyncd into this mailbox no more; sign in again."+said)
	}
	// The client, not the person, is refused. 4xx without a code is of nobody
	// who speaks OAuth: a proxy, or a wrong URL.
	return crm.E(crm.Unavailable, "provider_refused",
		p.Name+" refuses this daemon; its operator checks client id, secret, scopes and URLs in MAILSYNC_OAUTH_FILE."+said)
}

// unreached makes an error of an answer that did not come or is none.
func unreached(p Provider, err error) error {
	if e, ok := errors.AsType[*crm.Error](err); ok { // the guard's
		return crm.E(crm.Unavailable, "provider_refused", e.Detail)
	}
	if dialFailed(err) {
		return crm.Wrap(crm.Unreachable, "provider_unreachable", p.Name+"'s sign-in service can't be reached at the moment; it is tried again.", err)
	}
	return crm.E(crm.Unreachable, "provider_unreachable", p.Name+"'s sign-in service answers something else than OAuth 2; it is tried again.")
}

// longestWords is how much of an answer people are shown, in bytes or so.
const longestWords = 300

// words are what the provider says, without the secrets that it was sent.
func words(answer *oauth2.RetrieveError, secrets []crm.Secret) string {
	text := answer.ErrorCode
	if text == "" {
		text = "status " + strconv.Itoa(answer.Response.StatusCode)
	}
	if answer.ErrorDescription != "" {
		text += ": " + answer.ErrorDescription
	}
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, string(s), s.String())
		}
	}
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, ""), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if len(text) > longestWords {
		text = strings.ToValidUTF8(text[:longestWords], "") + "…"
	}
	return " It says: " + text
}

// retryAfter reads the header of that name (RFC 9110 section 10.2.3) where it
// states seconds, as token endpoints do; 0 where not.
func retryAfter(value string) time.Duration {
	seconds, _ := strconv.ParseUint(value, 10, 31) // 0 where it is none
	return time.Duration(seconds) * time.Second
}
