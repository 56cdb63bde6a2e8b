package imapbox

import (
	"encoding/base64"
	"strings"

	"github.com/emersion/go-sasl"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox/talk"
)

// login proves who we are. PLAIN is preferred to LOGIN, which has no agreed way
// to send what is not ASCII. The words of the answer never hold the secret.
func (b *Box) login(l crm.Login) (string, error) {
	if err := b.ask(); err != nil {
		return "", err
	}
	mechanism, err := b.mechanism(l)
	if err != nil {
		return "", err
	}
	caps := b.caps
	b.caps = 0 // they may be others afterwards
	var s talk.Status
	var how string
	if mechanism != nil {
		s, how, err = b.authenticate(mechanism, caps.has("SASL-IR"))
	} else {
		how = "LOGIN"
		c := b.newCommand("LOGIN")
		c.plus = caps.has("LITERAL+")
		s, err = b.one(b.capabilities, c.str(l.Username).str(string(l.Secret)))
	}
	if err != nil {
		return "", err
	}
	s.Text = hide(s.Text, l)
	if s.Cond != "OK" {
		return "", talk.LoginRefused(s)
	}
	return talk.Saying(how+".", s.Words()), nil
}

// mechanism chooses how to prove who we are; nil stands for LOGIN.
func (b *Box) mechanism(l crm.Login) (sasl.Client, error) {
	switch {
	case l.Auth == crm.AuthOAuth2 && b.caps.has("AUTH=XOAUTH2"):
		return xoauth2{l.Username, l.Secret}, nil
	case l.Auth == crm.AuthOAuth2:
		return nil, crm.E(crm.Unreachable, "login_disabled", "The mail server takes no OAuth 2 tokens; use a password.")
	case l.Auth != crm.AuthPassword:
		return nil, crm.E(crm.Invalid, "auth_unknown", "Auth must be password or oauth2.")
	case b.caps.has("AUTH=PLAIN") && !strings.ContainsRune(l.Username+string(l.Secret), 0):
		return sasl.NewPlainClient("", l.Username, string(l.Secret)), nil
	case b.caps.has("LOGINDISABLED") && b.caps.has("AUTH=LOGIN"):
		return sasl.NewLoginClient(l.Username, string(l.Secret)), nil
	case b.caps.has("LOGINDISABLED"):
		return nil, talk.LoginDisabled("")
	}
	return nil, nil
}

// authenticate runs a SASL exchange (RFC 3501 section 6.2.2, RFC 4959).
func (b *Box) authenticate(m sasl.Client, initial bool) (talk.Status, string, error) {
	name, first, err := m.Start()
	if err != nil {
		return talk.Status{}, name, crm.Wrap(crm.Invalid, "credential_invalid", "The user name or the password can't be sent; check them.", err)
	}
	c := b.newCommand("AUTHENTICATE", name)
	answer := make([]talk.Status, 1)
	if initial && first != nil {
		c.words(encode(first))
		first = nil
	}
	if err := b.wire.write(append(c.text, "\r\n"...)); err != nil {
		return talk.Status{}, name, b.fail(err)
	}
	for range maxRounds {
		ready, err := b.read(b.capabilities, answer, c)
		if err != nil || ready == nil {
			return answer[0], name, err
		}
		reply := first
		if first = nil; reply == nil {
			reply, err = m.Next(decode(ready))
		}
		line := base64.StdEncoding.EncodeToString(reply)
		if err != nil {
			line = "*" // calls it off; the server answers BAD
		}
		if err := b.wire.write([]byte(line + "\r\n")); err != nil {
			return talk.Status{}, name, b.fail(err)
		}
	}
	return talk.Status{}, name, talk.ProtocolError("(challenges without end)")
}

// maxRounds is how often a server may ask back; no mechanism here needs more
// than three.
const maxRounds = 10

// encode writes an initial response; an empty one is not none.
func encode(p []byte) string {
	if len(p) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(p)
}

// decode reads a challenge; one that is not in Base64 counts as it stands.
func decode(p []byte) []byte {
	if raw, err := base64.StdEncoding.DecodeString(string(p)); err == nil {
		return raw
	}
	return p
}

// hide takes the secret out of a server's words, should it stand there in any
// of the forms in which it was sent.
func hide(words string, l crm.Login) string {
	secret := string(l.Secret)
	if len(secret) < 4 { // to be found in any words
		if strings.Contains(words, secret) {
			return ""
		}
		return words
	}
	plain := "\x00" + l.Username + "\x00" + secret
	return strings.NewReplacer(
		base64.StdEncoding.EncodeToString([]byte(plain)), crm.Secret("").String(),
		base64.StdEncoding.EncodeToString([]byte(secret)), crm.Secret("").String(),
		secret, crm.Secret("").String(),
	).Replace(words)
}

// xoauth2 is Google's and Microsoft's way to hand over a token. It has no RFC;
// it is described in Gmail's documentation of IMAP.
type xoauth2 struct {
	user  string
	token crm.Secret
}

func (x xoauth2) Start() (string, []byte, error) {
	return "XOAUTH2", []byte("user=" + x.user + "\x01auth=Bearer " + string(x.token) + "\x01\x01"), nil
}

// Next answers the one challenge that there can be: why the token is refused.
// The answer is empty, and only then comes the NO.
func (xoauth2) Next([]byte) ([]byte, error) { return []byte{}, nil }
