package provider

import (
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
)

func TestByDomain(t *testing.T) {
	for _, c := range []struct {
		address             crm.Address
		id, host, user      string
		first               crm.AuthMethod
		noCandidate, public bool
	}{
		{address: "taro@gmail.com", id: "google", host: "imap.gmail.com", user: "taro@gmail.com", first: crm.AuthOAuth2, public: true},
		{address: "taro@outlook.jp", id: "outlook", host: "outlook.office365.com", user: "taro@outlook.jp", first: crm.AuthOAuth2, public: true},
		{address: "taro@sample.onmicrosoft.com", id: "microsoft365", host: "outlook.office365.com", user: "taro@sample.onmicrosoft.com", first: crm.AuthOAuth2},
		{address: "taro@yahoo.co.jp", id: "yahoo-jp", host: "imap.mail.yahoo.co.jp", user: "taro", first: crm.AuthPassword, public: true},
		{address: "taro@icloud.com", id: "icloud", host: "imap.mail.me.com", user: "taro", first: crm.AuthPassword, public: true},
		{address: "a..b@docomo.ne.jp", id: "docomo", host: "imap.spmode.ne.jp", user: "", first: crm.AuthPassword, public: true},
		{address: "taro@abc.ocn.ne.jp", id: "ocn", host: "imap.ocn.ne.jp", user: "taro@abc.ocn.ne.jp", first: crm.AuthPassword, public: true},
		{address: "taro@sample.sakura.ne.jp", id: "sakura", host: "sample.sakura.ne.jp", user: "taro@sample.sakura.ne.jp", first: crm.AuthPassword},
		{address: "taro@softbank.ne.jp", id: "softbank-mms", noCandidate: true, public: true},
	} {
		p, candidates, ok := ByDomain(c.address)
		if !ok || p.ID != c.id || IsPublic(Domain(c.address)) != c.public {
			t.Errorf("%s: %s (%v), public %v", c.address, p.ID, ok, IsPublic(Domain(c.address)))
		}
		if c.noCandidate {
			if len(candidates) != 0 {
				t.Errorf("%s: %+v, want none", c.address, candidates)
			}
			continue
		}
		want := crm.Server{Host: c.host, Port: 993, Security: crm.SecurityTLS}
		if len(candidates) != 1 || candidates[0].IMAP != want || candidates[0].Username != c.user ||
			candidates[0].Auth[0] != c.first || candidates[0].Source != crm.FromProvider || candidates[0].Provider != c.id {
			t.Errorf("%s: %+v", c.address, candidates)
		}
	}
	for _, a := range []crm.Address{"taro@acme.example", "taro@notgmail.com", "taro@gmail.com.example", "taro@sakura.ne.jp", "taro@ocn.ne.jp.example"} {
		if p, _, ok := ByDomain(a); ok || IsPublic(Domain(a)) {
			t.Errorf("%s is taken for %s", a, p.ID)
		}
	}
}

func TestByMX(t *testing.T) {
	const a = "taro@acme.example"
	for _, c := range []struct {
		mx             string // the hosts, in order
		id, host, user string
	}{
		{"ASPMX.L.GOOGLE.COM. alt1.aspmx.l.google.com.", "google", "imap.gmail.com", a},
		{"smtp.google.com.", "google", "imap.gmail.com", a},
		{"acme-example.mail.protection.outlook.com.", "microsoft365", "outlook.office365.com", a},
		{"acme-example.olc.protection.outlook.com.", "outlook", "outlook.office365.com", a},
		{"mx01.mail.icloud.com.", "icloud", "imap.mail.me.com", ""},
		{"mx2.zoho.jp.", "zoho-pro-jp", "imappro.zoho.jp", a},
		{"in1-smtp.messagingengine.com.", "fastmail", "imap.fastmail.com", a},
		{"sv1234.xserver.jp.", "xserver", "sv1234.xserver.jp", a},
		{"acme.sakura.ne.jp.", "sakura", "acme.sakura.ne.jp", a},
		{"mail1006.conoha.ne.jp.", "conoha", "mail1006.conoha.ne.jp", a},
		{"mail65.onamae.ne.jp.", "onamae", "mail65.onamae.ne.jp", a},
		{"mx01.lolipop.jp.", "lolipop", "imap.lolipop.jp", a},
		{"dmail.kagoya.net.", "kagoya", "", ""},
		{"mx.acme.example. mx01.lolipop.jp.", "lolipop", "imap.lolipop.jp", a},
		{"mx.notgoogle.com. google.com.evil.example.", "", "", ""},
		{"", "", "", ""},
	} {
		p, candidates, _ := ByMX(a, strings.Fields(c.mx))
		host, user := "", ""
		if len(candidates) > 0 {
			host, user = candidates[0].IMAP.Host, candidates[0].Username
		}
		if p.ID != c.id || host != c.host || user != c.user {
			t.Errorf("%s: got %q at %q as %q, want %q at %q as %q", c.mx, p.ID, host, user, c.id, c.host, c.user)
		}
	}
}

// Every row can be used as it stands.
func TestTableIsSound(t *testing.T) {
	ids, domains := map[string]bool{}, map[string]bool{}
	for _, e := range table() {
		if ids[e.ID] || e.Name == "" || len(e.Auth) == 0 || e.Help.EN == "" || e.Help.JA == "" {
			t.Errorf("%s: twice, or something is missing: %+v", e.ID, e.Provider)
		}
		ids[e.ID] = true
		if !strings.HasSuffix(e.Help.EN, ".") || !strings.HasSuffix(e.Help.JA, "。") {
			t.Errorf("%s: no sentences: %q %q", e.ID, e.Help.EN, e.Help.JA)
		}
		if (e.place == fixed) != (e.host != "") || len(e.domains)+len(e.mx) == 0 {
			t.Errorf("%s: has %q for a host, and nothing leads to it: %v %v", e.ID, e.host, e.domains, e.mx)
		}
		for _, d := range slices.Concat(e.domains, e.mx, []string{e.host, e.smtp.Host}) {
			if d == "" {
				continue
			}
			if normal, ok := address.Domain(strings.TrimPrefix(d, ".")); !ok || normal != strings.TrimPrefix(d, ".") {
				t.Errorf("%s: %q is no domain", e.ID, d)
			}
		}
		for _, d := range e.domains {
			if domains[d] {
				t.Errorf("%s: %s is another's, too", e.ID, d)
			}
			domains[d] = true
		}
	}
}

func TestByHost(t *testing.T) {
	for host, want := range map[string]string{
		"imap.gmail.com": "google", "sv7.xserver.jp": "xserver", "acme.sakura.ne.jp": "sakura", "www12.sakura.ne.jp": "sakura",
		"imap.acme.example": "", "kagoya.net": "",
	} {
		if got := ByHost(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

func TestRelated(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"imap.acme.co.jp", "acme.co.jp", true},
		{"acme.co.jp", "acme.co.jp", true},
		{"acme.co.jp", "other.co.jp", false},
		{"co.jp", "acme.co.jp", false},
		{"", "acme.co.jp", false},
	} {
		if got := Related(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}
