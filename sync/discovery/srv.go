package discovery

import (
	"context"
	"slices"
	"sync"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
	"mailsyncd.example/crm/provider"
)

// srv asks for the services that the domain announces (RFC 6186 section 3.2,
// RFC 8314 section 5.1): IMAP, and submission to go with it.
func (f *Finder) srv(ctx context.Context, a crm.Address) []crm.Candidate {
	var all sync.WaitGroup
	var found [4][]crm.Server
	for i, service := range [...]struct {
		name     string
		security crm.Security
	}{
		{"imaps", crm.SecurityTLS}, {"imap", crm.SecuritySTARTTLS},
		{"submissions", crm.SecurityTLS}, {"submission", crm.SecuritySTARTTLS},
	} {
		all.Go(func() { found[i] = f.service(ctx, service.name, provider.Domain(a), service.security) })
	}
	all.Wait()
	var smtp *crm.Server
	if sending := slices.Concat(found[2], found[3]); len(sending) > 0 {
		smtp = &sending[0]
	}
	var candidates []crm.Candidate
	for _, server := range slices.Concat(found[0], found[1]) {
		candidates = append(candidates, crm.Candidate{
			Source: crm.FromSRV, IMAP: server, SMTP: smtp, Username: string(a), Auth: []crm.AuthMethod{crm.AuthPassword},
		})
	}
	return candidates
}

// service asks for the servers of one service, in the order in which they are
// to be tried. A target of "." says that the domain has none.
func (f *Finder) service(ctx context.Context, name, domain string, security crm.Security) []crm.Server {
	_, records, _ := f.o.Resolver.LookupSRV(ctx, name, "tcp", domain+".")
	var servers []crm.Server
	for _, r := range records {
		host, ok := address.Domain(r.Target)
		if ok && r.Port > 0 {
			servers = append(servers, crm.Server{Host: host, Port: int(r.Port), Security: security})
		}
	}
	return servers
}
