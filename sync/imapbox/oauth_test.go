package imapbox_test

import (
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/imapbox"
	"mailsyncd.example/sync/oauthtest"
)

// Dovecot takes a token in both forms, and refuses one that is not the user's,
// with a challenge that has to be answered first.
func TestTokensOfDovecot(t *testing.T) {
	issuer := oauthtest.Start(t)
	for _, mechanisms := range []string{"xoauth2", "oauthbearer", "xoauth2 oauthbearer plain"} {
		d := dovecottest.Start(t, dovecottest.OAuth(issuer.URL+"/introspect"), dovecottest.Setting("auth_mechanisms = "+mechanisms))
		must(t, d.AddUser("aoi@acme.example", "secret"))
		l := d.Login("aoi@acme.example", crm.SecurityTLS)
		l.Auth = crm.AuthOAuth2
		token, _ := issuer.Grant("aoi@acme.example")
		l.Secret = crm.Secret(token)
		dialer := imapbox.Dialer{RootCAs: d.CAPool}
		b, err := dialer.Connect(t.Context(), l)
		must(t, err)
		b.Close()
		another, _ := issuer.Grant("ben@acme.example")
		for _, refused := range []string{another, "made up"} {
			l.Secret = crm.Secret(refused)
			_, err = dialer.Connect(t.Context(), l)
			wantError(t, err, crm.Rejected, "credential_rejected", "sign in again")
			if strings.Contains(err.Error(), refused) {
				t.Errorf("the error shows the token: %v", err)
			}
		}
		l.Secret = ""
		_, err = dialer.Connect(t.Context(), l)
		wantError(t, err, crm.Rejected, "sign_in_needed", "")
	}
}
