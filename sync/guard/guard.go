// Package guard dials hosts that users name, and no others than mail servers,
// webhook endpoints and authorization servers on the public internet. Whoever may type a host name
// could otherwise make the daemon talk to machines inside its own network.
package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"mailsyncd.example/crm"
)

const dialTimeout = 30 * time.Second

// purpose is what connections are made for: the ports that it needs of public
// addresses, and what to tell who names another place.
type purpose struct {
	ports               []uint16
	wrongPort, notThere string
}

// forMail needs the ports of IMAP, IMAPS, SMTP, SMTPS and submission.
func forMail() purpose {
	return purpose{
		ports: []uint16{143, 993, 25, 465, 587},
		wrongPort: "This is no port of a mail server; use 143 or 993 for IMAP, 25, 465 or 587 for SMTP. " +
			"For another port the operator adds the server's network to MAILSYNC_ALLOW_NETWORKS.",
		notThere: "This host is not on the public internet. " +
			"If it is your own mail server, the operator adds its network to MAILSYNC_ALLOW_NETWORKS.",
	}
}

// forWebhooks needs the ports on which HTTPS is served.
func forWebhooks() purpose {
	return purpose{
		ports: []uint16{443, 8443},
		wrongPort: "Webhooks go to port 443 or 8443. " +
			"For another port the operator adds the endpoint's network to MAILSYNC_ALLOW_NETWORKS.",
		notThere: "This host is not on the public internet. " +
			"If it is your own endpoint, the operator adds its network to MAILSYNC_ALLOW_NETWORKS.",
	}
}

// forPlainWebhooks needs no port of a public address: what is not encrypted
// stays in networks that the operator has named.
func forPlainWebhooks() purpose {
	const https = "Use an https URL. Without TLS webhooks go to networks in MAILSYNC_ALLOW_NETWORKS only."
	return purpose{ports: []uint16{}, wrongPort: https, notThere: https}
}

// forAutoconfig needs the port of HTTPS. Nobody named these hosts by hand.
func forAutoconfig() purpose {
	return purpose{
		ports:     []uint16{443},
		wrongPort: "Configuration for mail programs is read on port 443 alone.",
		notThere:  "This host is not on the public internet.",
	}
}

// forSignIn needs the port of HTTPS: authorization servers have no other.
func forSignIn() purpose {
	const how = "The provider's token endpoint is not at port 443 on the public internet. " +
		"If it is your own, the operator adds its network to MAILSYNC_ALLOW_NETWORKS."
	return purpose{ports: []uint16{443}, wrongPort: how, notThere: how}
}

// Guard decides to which addresses connections may be made.
type Guard struct {
	allow   []netip.Prefix
	purpose purpose
	public  *ssrf.Guardian
	dialer  net.Dialer
}

// New makes a guard that lets through mail ports of public addresses, and
// every port of addresses in allow.
func New(allow []netip.Prefix) *Guard { return newGuard(allow, forMail()) }

// NewForWebhooks makes a guard that lets through ports of HTTPS of public
// addresses, and one that lets through none of them; both let through every
// port of addresses in allow.
func NewForWebhooks(allow []netip.Prefix) (tls, plain *Guard) {
	return newGuard(allow, forWebhooks()), newGuard(allow, forPlainWebhooks())
}

// NewForAutoconfig makes a guard that lets through the port of HTTPS of public
// addresses, and every port of addresses in allow.
func NewForAutoconfig(allow []netip.Prefix) *Guard { return newGuard(allow, forAutoconfig()) }

// NewForSignIn makes a guard that lets through the port of HTTPS of public
// addresses, and every port of addresses in allow.
func NewForSignIn(allow []netip.Prefix) *Guard { return newGuard(allow, forSignIn()) }

func newGuard(allow []netip.Prefix, p purpose) *Guard {
	g := &Guard{
		allow:   slices.Clone(allow),
		purpose: p,
		public:  ssrf.New(ssrf.WithPorts(p.ports...)),
	}
	g.dialer = net.Dialer{
		Timeout: dialTimeout,
		// Connections idle for minutes; a router that forgets one in between
		// is found out by this.
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4},
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			return g.check(network, address)
		},
	}
	return g
}

// DialContext connects like net.Dialer. Where the host is at an address that
// is not allowed it makes no connection and returns crm.Forbidden
// ("host_not_allowed"); other errors are net.Dialer's.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := g.dialer.DialContext(ctx, network, address)
	return conn, g.explain(err)
}

// Check tells what DialContext would refuse, without connecting: it looks the
// name up and judges each of its addresses. What it lets through is judged
// again when it is dialled, for a name may lead elsewhere by then. Besides
// crm.Forbidden it returns crm.Invalid ("host_unknown") for a name that leads
// nowhere.
func (g *Guard) Check(ctx context.Context, host string, port uint16) error {
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return crm.Wrap(crm.Invalid, "host_unknown", "The host's name leads nowhere; check the spelling.", err)
	}
	for _, ip := range found {
		network := "tcp6"
		if ip.Unmap().Is4() {
			network = "tcp4"
		}
		if err := g.check(network, netip.AddrPortFrom(ip, port).String()); err != nil {
			return g.explain(err)
		}
	}
	return nil
}

// explain tells who named the host what to do.
func (g *Guard) explain(err error) error {
	switch {
	case errors.Is(err, ssrf.ErrProhibitedPort):
		return crm.Wrap(crm.Forbidden, "host_not_allowed", g.purpose.wrongPort, err)
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork):
		return crm.Wrap(crm.Forbidden, "host_not_allowed", g.purpose.notThere, err)
	}
	return err
}

// check is asked right before each attempt to connect, when the name has been
// resolved: so it judges the very address that is dialled.
func (g *Guard) check(network, address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ssrf.ErrProhibitedIP, address)
	}
	// An IPv4 address in IPv6 clothes is judged as what it is.
	ip := ap.Addr().Unmap()
	for _, p := range g.allow {
		if p.Contains(ip.WithZone("")) {
			return nil
		}
	}
	return g.public.Safe(network, netip.AddrPortFrom(ip, ap.Port()).String(), nil)
}
