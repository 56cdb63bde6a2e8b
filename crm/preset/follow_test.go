package preset

import (
	"testing"

	"mailsyncd.example/crm"
)

func TestFollow(t *testing.T) {
	old := crm.Server{Host: "old.example", Port: 993, Security: crm.SecurityTLS}
	renewed := crm.Server{Host: "new.example", Port: 143, Security: crm.SecuritySTARTTLS}
	clear := crm.Server{Host: "new.example", Port: 143, Security: crm.SecurityNone}
	link := func(server crm.Server, username string) crm.Link {
		return crm.Link{Address: "taro@acme.example", Server: server, Username: username, Auth: crm.AuthPassword}
	}
	byOAuth := func(l crm.Link) crm.Link {
		l.Auth = crm.AuthOAuth2
		return l
	}
	for name, c := range map[string]struct {
		preset  crm.Preset
		link    crm.Link
		stays   bool // where it is
		refused bool
		to      crm.Server
		as      string
	}{
		"nothing changed":           {preset: crm.Preset{IMAP: old, Username: crm.UsernameLocalPart}, link: link(old, "taro"), stays: true},
		"another server":            {preset: crm.Preset{IMAP: renewed, Username: crm.UsernameLocalPart}, link: link(old, "taro"), to: renewed, as: "taro"},
		"another form of user name": {preset: crm.Preset{IMAP: old, Username: crm.UsernameAddress}, link: link(old, "taro"), to: old, as: "taro@acme.example"},
		"a name of its own":         {preset: crm.Preset{IMAP: renewed, Username: crm.UsernameAddress}, link: link(old, "mailbox7"), to: renewed, as: "mailbox7"},
		"into the clear":            {preset: crm.Preset{IMAP: clear, Username: crm.UsernameAddress}, link: link(old, "taro"), refused: true, to: clear, as: "taro@acme.example"},
		"always in the clear":       {preset: crm.Preset{IMAP: clear, Username: crm.UsernameAddress}, link: link(crm.Server{Host: "old.example", Port: 143, Security: crm.SecurityNone}, "x"), to: clear, as: "x"},
		"OAuth in place of it":      {preset: crm.Preset{IMAP: old, Username: crm.UsernameLocalPart, Auth: crm.AuthOAuth2}, link: link(old, "taro"), refused: true, to: old, as: "taro"},
		"tokens to another server":  {preset: crm.Preset{IMAP: renewed, Username: crm.UsernameLocalPart, Auth: crm.AuthOAuth2}, link: byOAuth(link(old, "taro")), refused: true, to: renewed, as: "taro"},
		"tokens, nothing changed":   {preset: crm.Preset{IMAP: old, Username: crm.UsernameLocalPart, Auth: crm.AuthOAuth2}, link: byOAuth(link(old, "taro")), stays: true},
	} {
		if c.preset.Auth == "" {
			c.preset.Auth = crm.AuthPassword
		}
		got := Follow(c.preset, c.link)
		if c.stays {
			if got != nil {
				t.Errorf("%s: to be at %+v", name, got)
			}
			continue
		}
		if got == nil || got.Server != c.to || got.Username != c.as || got.Refused != c.refused || (got.Detail != "") != c.refused {
			t.Errorf("%s: to be at %+v", name, got)
		}
	}
}
