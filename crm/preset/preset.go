// Package preset decides what an account's recommended settings are good for:
// whose mailboxes they fit, and how they are applied to an address.
package preset

import (
	"cmp"
	"slices"
	"strings"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/provider"
)

// Username makes the login name of an address.
func Username(f crm.UsernameForm, a crm.Address) string {
	if at := strings.LastIndexByte(string(a), '@'); f == crm.UsernameLocalPart && at >= 0 {
		return string(a[:at])
	}
	return string(a)
}

// For lists the presets that are to be tried for an address, the best first.
// A preset names no domain, so who uses it tells: links made from it that stand
// at the domain speak for it most; then a host that the discovery found, too;
// then one of the domain's own. The addresses of the account's own people may
// be anywhere that it has a preset for, so those get all that are left.
func For(a crm.Address, use crm.DomainUse, found []crm.Candidate) []crm.Candidate {
	domain := provider.Domain(a)
	type ranked struct {
		crm.Preset
		rank, links int
	}
	var fitting []ranked
	for _, p := range use.Presets {
		r := ranked{Preset: p, links: use.Linked[p.ID]}
		switch {
		case r.links > 0:
			r.rank = 1
		case slices.ContainsFunc(found, func(c crm.Candidate) bool { return c.IMAP.Host == p.IMAP.Host }):
			r.rank = 2
		case provider.Related(p.IMAP.Host, domain):
			r.rank = 3
		case use.Own && !provider.IsPublic(domain):
			r.rank = 4
		default:
			continue
		}
		fitting = append(fitting, r)
	}
	slices.SortStableFunc(fitting, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.links, a.links))
	})
	candidates := make([]crm.Candidate, 0, len(fitting))
	for _, p := range fitting {
		candidates = append(candidates, crm.Candidate{
			Source: crm.FromPreset, Preset: p.ID, Provider: provider.ByHost(p.IMAP.Host),
			IMAP: p.IMAP, SMTP: p.SMTP, Username: Username(p.Username, a), Auth: []crm.AuthMethod{p.Auth},
		})
	}
	return candidates
}
