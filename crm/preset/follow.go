package preset

import "mailsyncd.example/crm"

// Follow decides where a link made from p is to be, now that p was edited: nil
// where it is there already. A login name that its user has chosen stays. What
// the link's credential can't do, or must not be asked to do, is refused with
// the reason: a password is no answer to OAuth 2, a provider's tokens are for its
// own server, and a password that was given for an encrypted connection is never
// sent in the clear.
func Follow(p crm.Preset, l crm.Link) *crm.Transfer {
	t := &crm.Transfer{Server: p.IMAP, Username: l.Username}
	for _, form := range []crm.UsernameForm{crm.UsernameAddress, crm.UsernameLocalPart} {
		if l.Username == Username(form, l.Address) {
			t.Username = Username(p.Username, l.Address)
			break
		}
	}
	switch {
	case p.Auth != l.Auth:
		t.Refused = true
		t.Detail = "The preset asks for another way to log in now; unlink the mailbox and link it anew to follow it."
	case t.Server == l.Server && t.Username == l.Username:
		return nil
	case l.Auth == crm.AuthOAuth2:
		t.Refused = true
		t.Detail = "The preset leads elsewhere now, where this link's sign-in is worth nothing; unlink the mailbox and link it anew to follow it."
	case t.Server.Security == crm.SecurityNone && l.Server.Security != crm.SecurityNone:
		t.Refused = true
		t.Detail = "The preset asks for a connection without encryption now, which would send the password in the clear; unlink the mailbox and link it anew if that is wanted."
	}
	return t
}
