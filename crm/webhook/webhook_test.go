package webhook

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"mailsyncd.example/crm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The specification's own library finds a signature by each secret.
func TestSign(t *testing.T) {
	at := time.Now()
	body := []byte(`{"type":"message.imported"}`)
	secrets := []crm.Secret{"whsec_bmV3", "b2xk"} // the prefix may be missing
	value, err := sign(secrets, "evt_1", at, body)
	if err != nil {
		t.Fatal(err)
	}
	signatures := strings.Fields(value)
	if len(signatures) != 2 {
		t.Fatalf("signatures: %s", value)
	}
	for i, secret := range secrets {
		verifier, err := standardwebhooks.NewWebhook(string(secret))
		if err != nil {
			t.Fatal(err)
		}
		header := http.Header{}
		header.Set("webhook-id", "evt_1")
		header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
		header.Set("webhook-signature", signatures[i])
		if err := verifier.Verify(body, header); err != nil {
			t.Errorf("%s: %v", signatures[i], err)
		}
		header.Set("webhook-id", "evt_2")
		if verifier.Verify(body, header) == nil {
			t.Error("another id has the same signature")
		}
	}
	_, err = sign([]crm.Secret{"whsec_!"}, "evt_1", at, body)
	if crm.CodeOf(err) != "webhook_secret_damaged" || strings.Contains(err.Error(), "!") {
		t.Errorf("a damaged secret: %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, "-1": 0, "1.5": 0, "soon": 0, "99999999999999999999": 0,
		"Mon, 02 Nov 2026 09:00:30 GMT": 30 * time.Second, "Mon, 02 Nov 2026 08:00:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("Retry-After: %s: %v, want %v", value, got, want)
		}
	}
}

func TestBeginning(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"nothing", "", ""},
		{"short", "ok\n", "ok\n"},
		{"a KiB", strings.Repeat("x", 1024), strings.Repeat("x", 1024)},
		{"more", strings.Repeat("x", 5000), strings.Repeat("x", 1024)},
		{"a character at the edge", strings.Repeat("x", 1023) + "あ", strings.Repeat("x", 1023)},
		{"bytes that are no text", "a\x00b\xffc", "abc"},
	} {
		if got := beginning(strings.NewReader(c.body)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// line leads to this machine, or nowhere, and notes what it was asked.
type line struct {
	err     error
	checked []string
	dialed  string // last
}

func (l *line) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	l.dialed = address
	if l.err != nil {
		return nil, l.err
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

func (l *line) Check(_ context.Context, host string, port uint16) error {
	l.checked = append(l.checked, net.JoinHostPort(host, strconv.Itoa(int(port))))
	return l.err
}

// Every URL is asked for on the line of its scheme; what is none is not.
func TestCheck(t *testing.T) {
	for _, c := range []struct{ url, tls, plain, code string }{
		{"https://hooks.example/x", "hooks.example:443", "", ""},
		{"HTTPS://hooks.example:8443?a=b", "hooks.example:8443", "", ""},
		{"http://10.1.2.3/", "", "10.1.2.3:80", ""},
		{"https://[2001:db8::1]:99/", "[2001:db8::1]:99", "", ""},
		{"https://hooks.example:65536/", "", "", "url_invalid"},
		{"https://hooks.example:x/", "", "", "url_invalid"},
		{"https://me@hooks.example/", "", "", "url_invalid"},
		{"https://hooks.example/#part", "", "", "url_invalid"},
		{"https:hooks.example", "", "", "url_invalid"},
		{"https:///x", "", "", "url_invalid"},
		{"//hooks.example/x", "", "", "url_invalid"},
		{"gopher://hooks.example/x", "", "", "url_invalid"},
		{"https://hooks.example/" + strings.Repeat("x", 2000), "", "", "url_invalid"},
		{"https://hooks.example/\x7f", "", "", "url_invalid"},
		{"", "", "", "url_invalid"},
	} {
		tls, plain := &line{}, &line{}
		err := New(Options{TLS: tls, Plain: plain, Now: time.Now}).Check(t.Context(), c.url)
		if crm.CodeOf(err) != c.code || strings.Join(tls.checked, " ") != c.tls || strings.Join(plain.checked, " ") != c.plain {
			t.Errorf("%q: %v, asked for %v over TLS and %v without", c.url, err, tls.checked, plain.checked)
		}
	}
}

// A host that DNS does not know may come to be; but where there is no TLS the
// address must be known to be an allowed one.
func TestCheckOfUnknownHosts(t *testing.T) {
	unknown := &line{err: crm.E(crm.Invalid, "host_unknown", "The host's name leads nowhere.")}
	refused := &line{err: crm.E(crm.Forbidden, "host_not_allowed", "This host is not on the public internet.")}
	for _, c := range []struct {
		url        string
		tls, plain *line
		code       string
	}{
		{"https://hooks.example/x", unknown, refused, ""},
		{"http://hooks.example/x", refused, unknown, "host_unknown"},
		{"https://10.1.2.3/x", refused, unknown, "host_not_allowed"},
	} {
		if err := newPoster(t, c.tls, c.plain).Check(t.Context(), c.url); crm.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %q", c.url, err, c.code)
		}
	}
}

func newPoster(t *testing.T, tls, plain *line) *Poster {
	p := New(Options{TLS: tls, Plain: plain, Now: time.Now})
	t.Cleanup(p.Close)
	return p
}

func TestPost(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		http.Error(w, "later", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	a := newPoster(t, &line{err: errors.New("not this one")}, &line{}).Post(t.Context(), server.URL, "evt_1", []crm.Secret{"whsec_eA=="}, []byte("{}"))
	if a.Status != 503 || a.OK() || !a.Reached || a.Body != "later\n" || a.After != 7*time.Second || a.Fault != "" || a.Took <= 0 || a.At.IsZero() {
		t.Errorf("answer %+v", a)
	}
}

// What went wrong is told without the URL, which may have a token in it.
func TestFaults(t *testing.T) {
	trusting := httptest.NewTLSServer(nil) // by an authority that nobody knows
	defer trusting.Close()
	refused := crm.E(crm.Forbidden, "host_not_allowed", "This host is not on the public internet.")
	for _, c := range []struct {
		name, url, want string
		line            error
	}{
		{"the guard", "https://hooks.example/t0ken", "This host is not on the public internet.", refused},
		{"the network", "https://hooks.example/t0ken", "could not be reached: no route", errors.New("no route")},
		{"nobody there", "https://hooks.example/t0ken", "could not be reached: connect: connection refused", dialing(os.NewSyscallError("connect", syscall.ECONNREFUSED))},
		{"no such host", "https://hooks.example/t0ken", "no host of the endpoint's name", dialing(&net.DNSError{Err: "no such host", Name: "hooks.example", Server: "10.0.0.53:53", IsNotFound: true})},
		{"no answer about it", "https://hooks.example/t0ken", "can't be looked up", dialing(&net.DNSError{Err: "server misbehaving", Name: "hooks.example", Server: "10.0.0.53:53"})},
		{"the certificate", trusting.URL + "/t0ken", "certificate", nil},
		{"the scheme", "ftp://hooks.example/t0ken", "no https URL", nil},
	} {
		a := newPoster(t, &line{err: c.line}, &line{}).Post(t.Context(), c.url, "evt_1", []crm.Secret{"whsec_eA=="}, nil)
		if a.Status != 0 || a.Reached || !strings.Contains(a.Fault, c.want) || strings.Contains(a.Fault, "t0ken") || strings.Contains(a.Fault, "10.0.0.") {
			t.Errorf("%s: %+v, want %q", c.name, a, c.want)
		}
	}
}

// dialing is what net.Dialer makes of an error.
func dialing(err error) error {
	return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 443}, Err: err}
}

// A proxy would be dialled in the endpoint's place, and the guard judge that.
func TestNoProxyIsAsked(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxy.example:3128")
	t.Setenv("HTTP_PROXY", "http://proxy.example:3128")
	away := &line{err: errors.New("away")}
	newPoster(t, away, &line{}).Post(t.Context(), "https://hooks.example/", "evt_1", nil, nil)
	if away.dialed != "hooks.example:443" {
		t.Errorf("dialled %q", away.dialed)
	}
}

// Who knocks learns whether a post could be sent, and sends nothing.
func TestKnock(t *testing.T) {
	asked := make(chan struct{}, 10)
	answer := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{} })
	plain, trusted := httptest.NewServer(answer), httptest.NewTLSServer(answer)
	defer plain.Close()
	defer trusted.Close()
	gone := httptest.NewServer(answer)
	gone.Close()
	roots := trusted.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	refused := crm.E(crm.Forbidden, "host_not_allowed", "This host is not on the public internet.")
	for _, c := range []struct {
		name, url string
		roots     *x509.CertPool
		line      error
		open      bool
	}{
		{"over TLS", trusted.URL + "/t0ken", roots, nil, true},
		{"without", plain.URL, nil, nil, true},
		{"a certificate that nobody knows", trusted.URL, nil, nil, false},
		{"nobody there", gone.URL, nil, nil, false},
		{"no TLS where it should be", strings.Replace(plain.URL, "http:", "https:", 1), roots, nil, false},
		{"the guard", trusted.URL, roots, refused, false},
		{"no URL", "https://%", nil, nil, false},
		{"another scheme", "ftp://hooks.example", nil, nil, false},
	} {
		p := New(Options{TLS: &line{err: c.line}, Plain: &line{err: c.line}, RootCAs: c.roots, Now: time.Now})
		if err := p.Knock(t.Context(), c.url); (err == nil) != c.open {
			t.Errorf("%s: %v", c.name, err)
		}
		p.Close()
	}
	if len(asked) > 0 {
		t.Error("something was sent")
	}
}

// An endpoint that takes a request and hangs up was reached.
func TestReachedWithoutAnAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer server.Close()
	a := newPoster(t, &line{}, &line{}).Post(t.Context(), server.URL, "evt_1", []crm.Secret{"whsec_eA=="}, nil)
	if a.Status != 0 || !a.Reached || a.Fault == "" {
		t.Errorf("answer %+v", a)
	}
}
