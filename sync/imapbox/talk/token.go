package talk

import (
	"strconv"
	"strings"

	"mailsyncd.example/crm"
)

// XOAUTH2 is Google's and Microsoft's way to hand over a token, as a SASL
// client. It has no RFC; it is described in Gmail's documentation of IMAP.
type XOAUTH2 struct {
	User  string
	Token crm.Secret
}

// Start returns the name and the first response.
func (x XOAUTH2) Start() (string, []byte, error) {
	return "XOAUTH2", []byte("user=" + x.User + "\x01auth=Bearer " + string(x.Token) + "\x01\x01"), nil
}

// Next answers the one challenge that there can be: why the token is refused.
// The answer is empty, and only then comes the NO.
func (XOAUTH2) Next([]byte) ([]byte, error) { return []byte{}, nil }

// OAuthBearer is the standard's way to hand over a token (RFC 7628), as a SASL
// client.
type OAuthBearer struct {
	User  string
	Token crm.Secret
	Host  string
	Port  int
}

// Start returns the name and the first response (section 3.1), which begins
// with who is to be logged in, in the form of RFC 5801 section 4.
func (o OAuthBearer) Start() (string, []byte, error) {
	user := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(o.User)
	return "OAUTHBEARER", []byte("n,a=" + user + ",\x01host=" + o.Host + "\x01port=" + strconv.Itoa(o.Port) +
		"\x01auth=Bearer " + string(o.Token) + "\x01\x01"), nil
}

// Next answers the one challenge that there can be: why the token is refused.
// Something must be said before the NO comes (section 3.2.3).
func (OAuthBearer) Next([]byte) ([]byte, error) { return []byte{1}, nil }

// TokenRefused is LoginRefused for a token.
func TokenRefused(s Status) error {
	const wrong = "The mail server refused the sign-in; sign in again with the account that this mailbox belongs to. " +
		"Some providers let nobody in by IMAP until it is switched on there."
	return loginRefused(s, wrong)
}
