// Package webhook posts a signed event to an endpoint, once, as Standard
// Webhooks has it (standardwebhooks.com). When to try again is not its matter.
//
// An endpoint is a stranger: it is dialled through a guard, may lead nowhere
// else, has a few seconds, and of its answer no more than a KiB is read.
package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"mailsyncd.example/crm"
)

// Line is the way to the endpoints: what dials, and tells beforehand what it
// would refuse.
type Line interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	Check(ctx context.Context, host string, port uint16) error
}

// Options is what a Poster is made of.
type Options struct {
	// TLS leads to https endpoints, Plain to http ones: those go through a
	// guard of their own, which knows in which networks that is fine.
	TLS, Plain Line
	RootCAs    *x509.CertPool // nil: the system's
	UserAgent  string
	Now        func() time.Time
	Timeout    time.Duration // of one attempt, from the name's resolution to the end of the answer; 0: 15 s
}

const (
	defaultTimeout = 15 * time.Second
	checkTimeout   = 5 * time.Second
	answerLimit    = 1 << 10
	headerLimit    = 16 << 10
	longestURL     = 2000
)

// Poster posts events. It is safe for use by many goroutines.
type Poster struct {
	Options
	client *http.Client
}

// New makes a Poster.
func New(o Options) *Poster {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	p := &Poster{Options: o}
	p.client = &http.Client{
		Transport: schemes{"https": transport(o.TLS, o.RootCAs), "http": transport(o.Plain, nil)},
		// The endpoint is the URL that somebody registered, not another one
		// that the endpoint knows: a redirect is an answer like any other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       o.Timeout,
	}
	return p
}

// schemes sends requests over the transport of their scheme.
type schemes map[string]http.RoundTripper

// RoundTrip implements http.RoundTripper.
func (s schemes) RoundTrip(r *http.Request) (*http.Response, error) {
	if t := s[r.URL.Scheme]; t != nil {
		return t.RoundTrip(r)
	}
	return nil, errors.New("no https URL")
}

// transport knows no proxy: the guard would see the proxy's address only.
func transport(line Line, roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		DialContext:            line.DialContext,
		TLSClientConfig:        tlsConfig(roots),
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    2,
		MaxIdleConns:           256,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: headerLimit,
	}
}

// Close closes connections that nobody uses.
func (p *Poster) Close() { p.client.CloseIdleConnections() }

// Check tells what is wrong with the URL of an endpoint: crm.Invalid
// ("url_invalid", "host_unknown") or crm.Forbidden ("host_not_allowed"). An
// https host that DNS does not know is nothing wrong: it may be about to be set
// up, or DNS be down for a moment, and each post is guarded anyway. Without
// TLS the address decides whether the URL is one at all.
func (p *Poster) Check(ctx context.Context, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || len(raw) > longestURL || u.Hostname() == "" || u.Opaque != "" {
		return crm.E(crm.Invalid, "url_invalid", "This is no URL of an endpoint; write it like https://hooks.example.com/mail.")
	}
	if u.User != nil || u.Fragment != "" {
		return crm.E(crm.Invalid, "url_invalid", "Leave user name, password and fragment out of the URL; what was posted is known by its signature.")
	}
	line, port, err := p.way(u)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err = line.Check(ctx, u.Hostname(), port)
	if u.Scheme == "https" && crm.CodeOf(err) == "host_unknown" {
		return nil
	}
	return err
}

// way is the line that leads to a URL's host, and the port there.
func (p *Poster) way(u *url.URL) (line Line, port uint16, err error) {
	line, port = p.TLS, 443
	switch u.Scheme {
	case "https":
	case "http":
		line, port = p.Plain, 80
	default:
		return nil, 0, crm.E(crm.Invalid, "url_invalid", "Webhooks go to https URLs.")
	}
	if u.Port() != "" {
		n, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil || n == 0 {
			return nil, 0, crm.E(crm.Invalid, "url_invalid", "The port of a URL is a number from 1 to 65535.")
		}
		port = uint16(n)
	}
	return line, port, nil
}

// Knock opens a connection to where a URL leads, over TLS where it says so, and
// closes it without a request.
func (p *Poster) Knock(ctx context.Context, raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return err
	}
	line, port, err := p.way(u)
	if err != nil {
		return err
	}
	conn, err := line.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), strconv.Itoa(int(port))))
	if err != nil {
		return err
	}
	defer conn.Close()
	if u.Scheme == "http" {
		return nil
	}
	config := tlsConfig(p.RootCAs)
	config.ServerName = u.Hostname()
	return tls.Client(conn, config).HandshakeContext(ctx)
}

func tlsConfig(roots *x509.CertPool) *tls.Config {
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// Post posts a body once, and never fails: what went wrong is in the answer.
func (p *Poster) Post(ctx context.Context, url string, id crm.EventID, secrets []crm.Secret, body []byte) crm.Answer {
	answer := crm.Answer{At: p.Now()}
	started := time.Now()
	var reached atomic.Bool // the trace may be called by another goroutine
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { reached.Store(true) }})
	resp, err := p.send(ctx, url, id, secrets, answer.At, body)
	answer.Reached = reached.Load()
	if err == nil {
		answer.Status, answer.After = resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"), answer.At)
		answer.Body = beginning(resp.Body)
		_ = resp.Body.Close() // what was not read is not waited for
	} else {
		answer.Fault = faultOf(err)
	}
	answer.Took = time.Since(started)
	return answer
}

func (p *Poster) send(ctx context.Context, url string, id crm.EventID, secrets []crm.Secret, at time.Time, body []byte) (*http.Response, error) {
	signature, err := sign(secrets, string(id), at, body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", p.UserAgent)
	r.Header.Set("Webhook-Id", string(id))
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("Webhook-Signature", signature)
	return p.client.Do(r)
}

// beginning reads the first KiB, and makes text of it that any database takes.
// One byte more is asked for, so that a connection whose answer was small is
// used again.
func beginning(body io.Reader) string {
	b, _ := io.ReadAll(io.LimitReader(body, answerLimit+1)) // what came before it broke off will do
	text := strings.ReplaceAll(strings.ToValidUTF8(string(b), ""), "\x00", "")
	for len(text) > answerLimit {
		_, last := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-last]
	}
	return text
}

// retryAfter reads the header of that name (RFC 9110 section 10.2.3), 0 where
// there is none that can be understood.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// faultOf says in words why there was no answer. The URL is left out, as it may
// have a token in it, and so are addresses: those of an inner network, or of the
// machine that looks names up there, are not for everybody who may see a webhook.
func faultOf(err error) string {
	if e, ok := errors.AsType[*crm.Error](err); ok {
		return e.Detail
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		if e.Timeout() {
			return "The endpoint did not answer in time."
		}
		err = e.Err
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		if e.IsNotFound {
			return "There is no host of the endpoint's name."
		}
		return "The name of the endpoint's host can't be looked up at the moment."
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		err = e.Err
	}
	return "The endpoint could not be reached: " + err.Error()
}
