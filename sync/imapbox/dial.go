package imapbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox/talk"
)

// DefaultTimeout is how long a server may keep silent while it owes an answer.
const DefaultTimeout = time.Minute

// Dialer opens mailboxes. The zero value dials any host and trusts the
// system's certificate authorities.
type Dialer struct {
	// DialContext makes the TCP connection; net.Dialer's where nil. For hosts
	// that users name it is a guard's.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Resolve looks up a host while Trace is set, so that the step is seen;
	// net.DefaultResolver's LookupHost where nil.
	Resolve func(ctx context.Context, host string) ([]string, error)
	RootCAs *x509.CertPool // the system's where nil
	// Timeout bounds the wait for each byte of an answer, even if the peer
	// vanished without a word; DefaultTimeout where 0.
	Timeout time.Duration
	Trace   func(crm.Step) // hears of each step, where set
}

// Connect opens a mailbox: resolve, connect, tls, login, capabilities. An
// error says what to do: crm.Rejected ("credential_rejected") where the
// server refused the credential for good, crm.Throttled ("server_busy") where
// it asks for patience, crm.Invalid where the login makes no sense, what
// DialContext said where it is a crm.Error, else crm.Unreachable with one of
// host_unknown, connect_failed, connect_timeout, not_imap,
// certificate_invalid, tls_failed, starttls_missing, login_disabled,
// server_bye, protocol_error and connection_lost.
func (d Dialer) Connect(ctx context.Context, login crm.Login) (*Box, error) {
	d = d.orDefaults()
	conn, err := d.dial(ctx, login.Server)
	if err != nil {
		return nil, orDone(ctx, err)
	}
	b := &Box{wire: newWire(conn, d.Timeout), ring: make(chan struct{}, 1)}
	err = b.do(ctx, func() error { return d.introduce(ctx, b, login) })
	if err != nil {
		b.wire.cut()
		return nil, err
	}
	b.loan = newLoan(b)
	b.client = imapclient.New(b.loan, &imapclient.Options{UnilateralDataHandler: b.handler()})
	return b, nil
}

func (d Dialer) orDefaults() Dialer {
	if d.Timeout == 0 {
		d.Timeout = DefaultTimeout
	}
	if d.DialContext == nil {
		d.DialContext = new(net.Dialer).DialContext
	}
	return d
}

// Knock opens a connection to a server and closes it. Its errors are those with
// which Connect begins.
func (d Dialer) Knock(ctx context.Context, server crm.Server) error {
	d = d.orDefaults()
	d.Trace = nil
	conn, err := d.dial(ctx, server)
	if err != nil {
		return err
	}
	return conn.Close()
}

// dial looks the host up and connects.
func (d Dialer) dial(ctx context.Context, server crm.Server) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	if d.Trace != nil {
		err := d.step("resolve", func() (string, error) { return d.resolve(ctx, server.Host) })
		if err != nil {
			return nil, err
		}
	}
	var conn net.Conn
	address := net.JoinHostPort(server.Host, strconv.Itoa(server.Port))
	err := d.step("connect", func() (string, error) {
		var err error
		if conn, err = d.DialContext(ctx, "tcp", address); err != nil {
			return "", unreached(err)
		}
		return "connected to " + address, nil
	})
	return conn, err
}

// resolve looks the host up for the sake of the report alone: who dials does
// it again, and a guard judges what is found then.
func (d Dialer) resolve(ctx context.Context, host string) (string, error) {
	lookup := d.Resolve
	if lookup == nil {
		lookup = net.DefaultResolver.LookupHost
	}
	found, err := lookup(ctx, host)
	if err != nil {
		return "", unreached(err)
	}
	// How many, but not which: they may be of an inner network.
	return fmt.Sprintf("addresses of %s: %d", host, len(found)), nil
}

// introduce does all that comes before mail can be looked at.
func (d Dialer) introduce(ctx context.Context, b *Box, login crm.Login) error {
	switch login.Server.Security {
	case crm.SecurityTLS:
		if err := d.step("tls", func() (string, error) { return d.encrypt(ctx, b, login.Server.Host) }); err != nil {
			return err
		}
		if _, err := b.greeting(); err != nil {
			return err
		}
	case crm.SecuritySTARTTLS:
		if err := d.step("tls", func() (string, error) { return d.startTLS(ctx, b, login.Server.Host) }); err != nil {
			return err
		}
	case crm.SecurityNone:
		if _, err := b.greeting(); err != nil {
			return err
		}
	default:
		return crm.E(crm.Invalid, "security_unknown", "Security must be tls, starttls or none.")
	}
	if err := d.step("login", func() (string, error) { return b.login(login) }); err != nil {
		return err
	}
	return d.step("capabilities", b.settle)
}

// step runs one step and reports it.
func (d Dialer) step(name string, run func() (string, error)) error {
	start := time.Now()
	detail, err := run()
	if d.Trace == nil {
		return err
	}
	if e, ok := errors.AsType[*crm.Error](err); ok {
		detail = e.Detail
	} else if err != nil {
		detail = err.Error()
	}
	d.Trace(crm.Step{Name: name, OK: err == nil, Detail: detail, Took: time.Since(start)})
	return err
}

// orDone prefers the end of the context to what came of it.
func orDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// encrypt begins TLS. There is no way around a bad certificate, as a password
// follows.
func (d Dialer) encrypt(ctx context.Context, b *Box, host string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	conn := tls.Client(b.wire.tcp, &tls.Config{ServerName: host, RootCAs: d.RootCAs, MinVersion: tls.VersionTLS12})
	if err := conn.HandshakeContext(ctx); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = os.ErrDeadlineExceeded
		}
		if errors.Is(err, io.EOF) && b.wire.tcp.received.Load() == 0 {
			return "", crm.Wrap(crm.Unreachable, "tls_failed", "The server closed the connection instead of speaking TLS; check the port.", err)
		}
		return "", untrusted(host, err)
	}
	b.wire.sock = conn
	s := conn.ConnectionState()
	return tls.VersionName(s.Version) + ", certificate for " + host + " is good", nil
}

// startTLS turns a connection in the clear into one with TLS (RFC 3501
// section 6.2.1), or fails: nothing else is ever said in the clear.
func (d Dialer) startTLS(ctx context.Context, b *Box, host string) (string, error) {
	s, err := b.greeting()
	if err != nil {
		return "", err
	}
	if s.Cond == "PREAUTH" { // somebody in between might have put it there
		return "", talk.ProtocolError("(logged in before encryption)")
	}
	if err := b.ask(); err != nil {
		return "", err
	}
	if !b.caps.Has("STARTTLS") {
		return "", crm.E(crm.Unreachable, "starttls_missing", "The mail server offers no STARTTLS on this port; choose TLS, usually on port 993.")
	}
	s, err = b.one(nil, b.newCommand("STARTTLS"))
	if err != nil {
		return "", err
	}
	if s.Cond != "OK" {
		return "", crm.E(crm.Unreachable, "starttls_missing", talk.Saying("The mail server does not begin TLS.", s.Words()))
	}
	// What was said before the handshake is nobody's word (CVE-2011-0411).
	if b.wire.r != b.wire.w {
		return "", talk.ProtocolError("(more than the answer to STARTTLS)")
	}
	b.caps = 0
	return d.encrypt(ctx, b, host)
}

// greeting reads the server's first line, by which other kinds of servers give
// themselves away.
func (b *Box) greeting() (talk.Status, error) {
	line, err := b.wire.Line()
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return talk.Status{}, crm.Wrap(crm.Unreachable, "connect_timeout", "The server says nothing; check host, port and security.", err)
		}
		return talk.Status{}, b.fail(err)
	}
	tag, rest := talk.SplitTag(line)
	s, ok := talk.ParseStatus(rest)
	switch {
	case string(tag) != "*" || !ok || s.Cond == "NO" || s.Cond == "BAD":
		return talk.Status{}, talk.NotIMAP("This is no IMAP server; check host and port.", string(line), nil)
	case s.Cond == "BYE":
		return talk.Status{}, talk.Farewell(s.Words(), nil)
	}
	if s.Code == "CAPABILITY" {
		b.learn(s.Args)
	}
	return s, nil
}

// ask asks what the server can do, if it has not said so already.
func (b *Box) ask() error {
	if b.caps != 0 {
		return nil
	}
	s, err := b.one(b.capabilities, b.newCommand("CAPABILITY"))
	if err != nil {
		return err
	}
	if s.Cond != "OK" || b.caps == 0 {
		return talk.ProtocolError(s.Words())
	}
	return nil
}

// settle asks what the server can do after login, and introduces us to those
// who want that (some let nobody else in).
func (b *Box) settle() (string, error) {
	if err := b.ask(); err != nil {
		return "", err
	}
	if b.caps.Has("ID") {
		if _, err := b.one(nil, b.newCommand("ID", `("name" "mailsyncd")`)); err != nil {
			return "", err
		}
	}
	var known []string
	for _, c := range []string{"IDLE", "LIST-STATUS", "SPECIAL-USE", "ESEARCH", "CONDSTORE", "X-GM-EXT-1"} {
		if b.caps.Has(c) {
			known = append(known, c)
		}
	}
	if len(known) == 0 {
		return "nothing but the basics", nil
	}
	return strings.Join(known, " "), nil
}
