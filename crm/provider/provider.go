// Package provider is the table of well-known mail providers: where their
// servers are, how people log in there, and what has to be switched on first.
// A wrong host name is worse than none, so what could not be confirmed is not
// in it.
package provider

import (
	"strings"

	"golang.org/x/net/publicsuffix"

	"mailsyncd.example/crm"
)

// A place tells where a provider's IMAP server is.
type place int

const (
	fixed    place = iota // at entry.host, for everybody
	atMX                  // where the domain's mail goes
	atDomain              // at the domain of the address
	unknown               // the provider tells each customer
)

// entry is a row of the table.
type entry struct {
	crm.Provider
	// domains are those of its addresses; one with a leading dot stands for all
	// below it.
	domains []string
	public  bool     // anybody can have an address there
	mx      []string // what the names end in to which its customers' domains send mail
	place   place
	host    string // IMAP over TLS, on port 993
	smtp    crm.Server
	// username is how the login name is made from an address of domains, and
	// hosted from one of a customer's own domain.
	username, hosted form
}

// A form is how a login name is made from the address.
type form int

const (
	whole form = iota // the address
	local             // what stands before the @
	own               // something that only the user can know
)

func (f form) of(a crm.Address) string {
	at := strings.LastIndexByte(string(a), '@')
	switch {
	case f == own || at < 0:
		return ""
	case f == local:
		return string(a[:at])
	}
	return string(a)
}

// ByDomain finds the provider of an address by its domain alone. Where its
// server is can be unknown nevertheless: then there is no candidate.
func ByDomain(a crm.Address) (crm.Provider, []crm.Candidate, bool) {
	domain := Domain(a)
	e := find(func(e entry) bool { return e.has(domain) })
	if e == nil {
		return crm.Provider{}, nil, false
	}
	host := e.host
	if e.place == atDomain {
		host = domain
	}
	return e.Provider, e.candidates(crm.FromProvider, host, e.username.of(a)), true
}

// ByMX finds the provider of an address by the hosts to which its domain's mail
// goes (RFC 5321 section 5.1), the preferred one first.
func ByMX(a crm.Address, hosts []string) (crm.Provider, []crm.Candidate, bool) {
	for _, mx := range hosts {
		mx = strings.ToLower(strings.TrimSuffix(mx, "."))
		e := find(func(e entry) bool { return e.receivesAt(mx) })
		if e == nil {
			continue
		}
		host := e.host
		if e.place != fixed {
			host = mx
		}
		return e.Provider, e.candidates(crm.FromMX, host, e.hosted.of(a)), true
	}
	return crm.Provider{}, nil, false
}

// ByHost finds whose IMAP server this is, "" where that is not known.
func ByHost(host string) string {
	e := find(func(e entry) bool {
		switch e.place {
		case fixed:
			return e.host == host
		case atMX:
			return e.receivesAt(host)
		case atDomain:
			return e.has(host) || e.receivesAt(host)
		}
		return false
	})
	if e == nil {
		return ""
	}
	return e.ID
}

// IsPublic reports whether anybody can have an address of the domain, so that
// sharing it makes nobody a colleague.
func IsPublic(domain string) bool {
	return find(func(e entry) bool { return e.public && e.has(domain) }) != nil
}

// Domain is the part of an address behind the @.
func Domain(a crm.Address) string { return string(a[strings.LastIndexByte(string(a), '@')+1:]) }

// Related reports whether two domains are one registrant's: below the same
// public suffix plus one label (https://publicsuffix.org).
func Related(a, b string) bool {
	return a == b || a != "" && registered(a) == registered(b)
}

func registered(domain string) string {
	if d, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return d
	}
	return domain
}

func find(fits func(entry) bool) *entry {
	for _, e := range table() {
		if fits(e) {
			return &e
		}
	}
	return nil
}

func (e entry) has(domain string) bool {
	for _, d := range e.domains {
		if domain == d || d[0] == '.' && strings.HasSuffix(domain, d) {
			return true
		}
	}
	return false
}

func (e entry) receivesAt(mx string) bool {
	for _, m := range e.mx {
		if mx == m || strings.HasSuffix(mx, "."+strings.TrimPrefix(m, ".")) {
			return true
		}
	}
	return false
}

func (e entry) candidates(source crm.CandidateSource, host, username string) []crm.Candidate {
	if e.place == unknown {
		return nil
	}
	c := crm.Candidate{
		Source: source, Provider: e.ID, Username: username, Auth: e.Auth,
		IMAP: crm.Server{Host: host, Port: 993, Security: crm.SecurityTLS},
	}
	if smtp := e.smtp; smtp.Port != 0 {
		if smtp.Host == "" {
			smtp.Host = host
		}
		c.SMTP = &smtp
	}
	return []crm.Candidate{c}
}
