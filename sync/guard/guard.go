// Package guard dials hosts that users name, and no others than mail servers
// on the public internet. Whoever may type a host name could otherwise make
// the daemon talk to machines inside its own network.
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

// mailPorts are those of IMAP, IMAPS, SMTP, SMTPS and submission.
var mailPorts = [...]uint16{143, 993, 25, 465, 587}

// Guard decides to which addresses connections may be made.
type Guard struct {
	allow  []netip.Prefix
	public *ssrf.Guardian
	dialer net.Dialer
}

// New makes a guard that lets through mail ports of public addresses, and
// every port of addresses in allow.
func New(allow []netip.Prefix) *Guard {
	g := &Guard{
		allow:  slices.Clone(allow),
		public: ssrf.New(ssrf.WithPorts(mailPorts[:]...)),
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
	if err == nil {
		return conn, nil
	}
	switch {
	case errors.Is(err, ssrf.ErrProhibitedPort):
		return nil, crm.Wrap(crm.Forbidden, "host_not_allowed",
			"This is no port of a mail server; use 143 or 993 for IMAP, 25, 465 or 587 for SMTP. "+
				"For another port the operator adds the server's network to MAILSYNC_ALLOW_NETWORKS.", err)
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork):
		return nil, crm.Wrap(crm.Forbidden, "host_not_allowed",
			"This host is not on the public internet. "+
				"If it is your own mail server, the operator adds its network to MAILSYNC_ALLOW_NETWORKS.", err)
	}
	return nil, err
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
