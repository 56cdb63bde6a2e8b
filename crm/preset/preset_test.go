package preset

import (
	"fmt"
	"testing"

	"mailsyncd.example/crm"
)

func TestUsername(t *testing.T) {
	for _, c := range []struct {
		form crm.UsernameForm
		want string
	}{{crm.UsernameAddress, "taro@acme.example"}, {crm.UsernameLocalPart, "taro"}} {
		if got := Username(c.form, "taro@acme.example"); got != c.want {
			t.Errorf("%s: %q", c.form, got)
		}
	}
}

// preset is one with a name and an IMAP host.
func preset(id, host string) crm.Preset {
	return crm.Preset{
		ID: crm.PresetID(id), IMAP: crm.Server{Host: host, Port: 993, Security: crm.SecurityTLS},
		Auth: crm.AuthPassword, Username: crm.UsernameAddress,
	}
}

func TestFor(t *testing.T) {
	all := []crm.Preset{
		preset("google", "imap.gmail.com"), preset("own", "imap.acme.co.jp"), preset("hoster", "sv12.xserver.jp"), preset("branch", "imap.branch.co.jp"),
	}
	atGoogle := []crm.Candidate{{IMAP: crm.Server{Host: "imap.gmail.com", Port: 993, Security: crm.SecurityTLS}}}
	for name, c := range map[string]struct {
		address crm.Address
		use     crm.DomainUse
		found   []crm.Candidate
		want    string
	}{
		"a stranger's address":         {"x@other.example", crm.DomainUse{}, nil, "[]"},
		"the domain's own host":        {"x@acme.co.jp", crm.DomainUse{}, nil, "[own]"},
		"a host that was found":        {"x@acme.co.jp", crm.DomainUse{}, atGoogle, "[google own]"},
		"what others there have used":  {"x@acme.co.jp", crm.DomainUse{Linked: map[crm.PresetID]int{"hoster": 1, "branch": 3}}, nil, "[branch hoster own]"},
		"an address of the company's":  {"x@acme.co.jp", crm.DomainUse{Own: true}, atGoogle, "[google own hoster branch]"},
		"a private address, no reason": {"x@yahoo.co.jp", crm.DomainUse{Own: true}, nil, "[]"},
	} {
		c.use.Presets = all
		ids := []crm.PresetID{}
		for _, candidate := range For(c.address, c.use, c.found) {
			ids = append(ids, candidate.Preset)
			if candidate.Source != crm.FromPreset || candidate.Username != string(c.address) || candidate.Confirm {
				t.Errorf("%s: %+v", name, candidate)
			}
		}
		if got := fmt.Sprint(ids); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}
