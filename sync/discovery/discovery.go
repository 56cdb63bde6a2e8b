// Package discovery asks the internet where the mailbox of an address is: the
// domain's SRV records (RFC 6186, RFC 8314), its configuration for mail
// programs as Thunderbird reads it, and to which of the known providers its
// mail goes.
//
// What it is told decides where a password will be sent. So nothing that comes
// in the clear is believed but DNS, whose answers only count as confirmed where
// the host is the domain's own or a known provider's; and no candidate is
// without encryption.
package discovery

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/provider"
)

// DefaultTimeout bounds a whole discovery: somebody is waiting for it.
const DefaultTimeout = 5 * time.Second

// Resolver is what is asked of DNS; *net.Resolver is one.
type Resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, addrs []*net.SRV, err error)
}

// Options are what a Finder is made of. The zero value asks the system's
// resolver, dials any host and trusts the system's certificate authorities.
type Options struct {
	Resolver Resolver // net.DefaultResolver where nil
	// DialContext connects to web servers; a guard's, for users name them.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	RootCAs     *x509.CertPool // the system's where nil
	Timeout     time.Duration  // DefaultTimeout where 0
}

// Finder finds mailboxes.
type Finder struct {
	o      Options
	client *http.Client
}

// New makes a Finder.
func New(o Options) *Finder {
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	return &Finder{o: o, client: newClient(o)}
}

// Discover finds the settings to try for an address, the best first. Whoever
// can't be reached in time, or has nothing to say, is left out: that nothing
// was found is no error. A provider that is known by the domain is believed at
// once, and nobody is asked.
func (f *Finder) Discover(ctx context.Context, a crm.Address) crm.Discovery {
	if p, candidates, ok := provider.ByDomain(a); ok {
		return crm.Discovery{Candidates: candidates, Provider: &p}
	}
	ctx, cancel := context.WithTimeout(ctx, f.o.Timeout)
	defer cancel()
	var all sync.WaitGroup
	var srv, auto, mx []crm.Candidate
	var known *crm.Provider
	all.Go(func() { srv = f.srv(ctx, a) })
	all.Go(func() { auto = f.autoconfig(ctx, a) })
	all.Go(func() { known, mx = f.mx(ctx, a) })
	all.Wait()
	return crm.Discovery{Candidates: once(a, slices.Concat(srv, auto, mx)), Provider: known}
}

// mx asks where the domain's mail goes, the preferred host first.
func (f *Finder) mx(ctx context.Context, a crm.Address) (*crm.Provider, []crm.Candidate) {
	records, _ := f.o.Resolver.LookupMX(ctx, provider.Domain(a)+".") // without any there is nothing to say
	hosts := make([]string, len(records))
	for i, r := range records {
		hosts[i] = r.Host
	}
	p, candidates, ok := provider.ByMX(a, hosts)
	if !ok {
		return nil, nil
	}
	return &p, candidates
}

// maxCandidates is as many as anybody would try.
const maxCandidates = 10

// once leaves out what comes again, and marks what nobody vouches for.
func once(a crm.Address, all []crm.Candidate) []crm.Candidate {
	type login struct {
		server   crm.Server
		username string
	}
	seen := map[login]bool{}
	kept := all[:0]
	for _, c := range all {
		key := login{c.IMAP, c.Username}
		if seen[key] || len(kept) == maxCandidates {
			continue
		}
		seen[key] = true
		if c.Provider == "" {
			c.Provider = provider.ByHost(c.IMAP.Host)
		}
		// The table is our word, and what came by HTTPS the domain's own.
		c.Confirm = c.Source == crm.FromSRV && c.Provider == "" && !provider.Related(c.IMAP.Host, provider.Domain(a))
		kept = append(kept, c)
	}
	return kept
}
