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
	if l.Auth == crm.AuthOAuth2 && l.Secret == "" { // somebody wants to know just this
		return "", crm.E(crm.Rejected, "sign_in_needed", "The mail server takes OAuth 2 tokens; sign in with its provider.")
	}
	caps := b.caps
	b.caps = 0 // they may be others afterwards
	var s talk.Status
	var how string
	if mechanism != nil {
		s, how, err = b.authenticate(mechanism, caps.Has("SASL-IR"))
	} else {
		how = "LOGIN"
		c := b.newCommand("LOGIN")
		c.plus = caps.Has("LITERAL+")
		s, err = b.one(b.capabilities, c.str(l.Username).str(string(l.Secret)))
	}
	if err != nil {
		return "", err
	}
	s.Text = hide(s.Text, l)
	if s.Cond != "OK" && l.Auth == crm.AuthOAuth2 {
		return "", talk.TokenRefused(s)
	}
	if s.Cond != "OK" {
		return "", talk.LoginRefused(s)
	}
	return talk.Saying(how+".", s.Words()), nil
}

// mechanism chooses how to prove who we are; nil stands for LOGIN. XOAUTH2 goes
// before the standard's OAUTHBEARER: it is what the big providers document.
func (b *Box) mechanism(l crm.Login) (sasl.Client, error) {
	switch {
	case l.Auth == crm.AuthOAuth2 && b.caps.Has("AUTH=XOAUTH2"):
		return talk.XOAUTH2{User: l.Username, Token: l.Secret}, nil
	case l.Auth == crm.AuthOAuth2 && b.caps.Has("AUTH=OAUTHBEARER"):
		return talk.OAuthBearer{User: l.Username, Token: l.Secret, Host: l.Server.Host, Port: l.Server.Port}, nil
	case l.Auth == crm.AuthOAuth2:
		return nil, crm.E(crm.Unreachable, "login_disabled", "The mail server takes no OAuth 2 tokens; use a password.")
	case l.Auth != crm.AuthPassword:
		return nil, crm.E(crm.Invalid, "auth_unknown", "Auth must be password or oauth2.")
	case b.caps.Has("AUTH=PLAIN") && !strings.ContainsRune(l.Username+string(l.Secret), 0):
		return sasl.NewPlainClient("", l.Username, string(l.Secret)), nil
	case b.caps.Has("LOGINDISABLED") && b.caps.Has("AUTH=LOGIN"):
		return sasl.NewLoginClient(l.Username, string(l.Secret)), nil
	case b.caps.Has("LOGINDISABLED"):
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
	hidden := []string{}
	for _, m := range []sasl.Client{
		sasl.NewPlainClient("", l.Username, secret),
		talk.XOAUTH2{User: l.Username, Token: l.Secret},
		talk.OAuthBearer{User: l.Username, Token: l.Secret, Host: l.Server.Host, Port: l.Server.Port},
	} {
		_, sent, _ := m.Start() // none of these fails
		hidden = append(hidden, base64.StdEncoding.EncodeToString(sent), crm.Secret("").String())
	}
	hidden = append(hidden, base64.StdEncoding.EncodeToString([]byte(secret)), crm.Secret("").String(), secret, crm.Secret("").String())
	return strings.NewReplacer(hidden...).Replace(words)
}
