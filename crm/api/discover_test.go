package api_test

import (
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// The account's presets come first, then what was found, the same server once.
func TestDiscover(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	o.finder.found = crm.Discovery{
		Candidates: []crm.Candidate{
			{
				Source: crm.FromSRV, IMAP: crm.Server{Host: "imap.hoster.example", Port: 993, Security: crm.SecurityTLS},
				Username: "uwe@sakura.example", Auth: []crm.AuthMethod{crm.AuthPassword},
			},
			{
				Source: crm.FromMX, Provider: "google", IMAP: crm.Server{Host: "imap.gmail.com", Port: 993, Security: crm.SecurityTLS},
				SMTP: &crm.Server{Host: "smtp.gmail.com", Port: 465, Security: crm.SecurityTLS}, Username: "uwe@sakura.example",
				Auth: []crm.AuthMethod{crm.AuthOAuth2, crm.AuthPassword}, Confirm: true,
			},
		},
		Provider: &crm.Provider{ID: "google", Name: "Gmail", Auth: []crm.AuthMethod{crm.AuthOAuth2}, AppPassword: true, Connections: 15, Help: crm.Bilingual{EN: "Do.", JA: "する。"}},
	}
	preset := must(o.as["mona"].CreatePreset(ctx, wire.PresetInput{
		Name: "Hoster", IMAP: wire.ServerInput{Host: "imap.hoster.example"}, Username: crm.UsernameLocalPart,
	}))(t)
	must(o.as["mona"].CreatePreset(ctx, wire.PresetInput{Name: "Elsewhere", IMAP: wire.ServerInput{Host: "imap.elsewhere.example"}}))(t)

	d := must(o.as["uwe"].Discover(ctx, " Uwe@Other.example"))(t)
	if len(d.Candidates) != 2 || d.Candidates[0].PresetID != preset.ID || d.Candidates[0].Username != "uwe" || d.Address != "uwe@other.example" {
		t.Fatalf("found for a stranger's domain: %+v", d)
	}
	google := d.Candidates[1]
	if google.Source != crm.FromMX || !google.Confirm || google.SMTP == nil || google.SMTP.Port != 465 || google.Auth[0] != crm.AuthOAuth2 {
		t.Errorf("the second is %+v", google)
	}
	if p := d.Provider; p == nil || !p.AppPassword || p.Connections != 15 || p.Help.JA != "する。" {
		t.Errorf("the provider is %+v", p)
	}
	// At the company's own domain every preset is worth a try.
	if d = must(o.as["uwe"].Discover(ctx, "new@sakura.example"))(t); len(d.Candidates) != 3 || d.Candidates[1].Source != crm.FromPreset {
		t.Errorf("found for the own domain: %+v", d.Candidates)
	}
	// What others there have linked with speaks for itself.
	id := wire.ID(preset.ID)
	must(o.as["uwe"].CreateLink(ctx, wire.LinkInput{PresetID: &id, Address: "uwe@branch.example", Password: "x"}))(t)
	o.finder.found = crm.Discovery{}
	if d = must(o.as["ulla"].Discover(ctx, "ulla@branch.example"))(t); len(d.Candidates) != 1 || d.Candidates[0].PresetID != preset.ID || d.Provider != nil {
		t.Errorf("found where Uwe has linked: %+v", d)
	}
	if got := o.finder.asked; len(got) != 3 || got[0] != "uwe@other.example" {
		t.Errorf("asked for %v", got)
	}
	// Another account's presets are nobody else's business.
	_, _, others := o.open(t, "Fuji")
	if d = must(others["uwe"].Discover(ctx, "x@branch.example"))(t); len(d.Candidates) != 0 {
		t.Errorf("another account is told %+v", d.Candidates)
	}
}
