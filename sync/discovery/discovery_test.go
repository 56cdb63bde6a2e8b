package discovery

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/guard"
)

// All who may know are asked, and answer in the order of the sources.
func TestDiscover(t *testing.T) {
	web := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "autoconfig.example.com" || r.URL.Path != "/mail/config-v1.1.xml" || r.FormValue("emailaddress") != "taro@example.com" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(config(
			incoming("imap.%EMAILDOMAIN%", "993", "SSL", "%EMAILLOCALPART%", "OAuth2</authentication><authentication>password-cleartext"),
			`<outgoingServer type="smtp"><hostname>smtp.example.com</hostname><port>587</port><socketType>STARTTLS</socketType></outgoingServer>`,
		)))
	})
	n := newInternet(t, web, nil,
		mx("example.com", 20, "backup.example.net"), mx("example.com", 10, "aspmx.l.google.com"),
		srv("imaps", "example.com", 10, 993, "second.example.net"), srv("imaps", "example.com", 1, 10993, "Mail.Example.COM"),
		srv("imap", "example.com", 0, 143, "."), srv("submissions", "example.com", 0, 465, "mail.example.com"),
	)
	d := n.finder.Discover(t.Context(), "taro@example.com")
	want := strings.Join([]string{
		"srv mail.example.com tls taro@example.com",
		"srv second.example.net tls taro@example.com confirm",
		"autoconfig imap.example.com tls taro",
		"mx imap.gmail.com tls taro@example.com google",
	}, "\n")
	if got := lines(d); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	if d.Candidates[0].IMAP.Port != 10993 || d.Candidates[0].SMTP == nil || *d.Candidates[0].SMTP != (crm.Server{Host: "mail.example.com", Port: 465, Security: crm.SecurityTLS}) {
		t.Errorf("from DNS: %+v %+v", d.Candidates[0], d.Candidates[0].SMTP)
	}
	auto := d.Candidates[2]
	if len(auto.Auth) != 2 || auto.Auth[0] != crm.AuthOAuth2 || auto.SMTP == nil || auto.SMTP.Security != crm.SecuritySTARTTLS {
		t.Errorf("from the web: %+v %+v", auto, auto.SMTP)
	}
	if d.Provider == nil || d.Provider.ID != "google" || d.Provider.Connections != 15 {
		t.Errorf("the provider is %+v", d.Provider)
	}
}

// What the table knows by the domain is believed without asking anybody.
func TestWellKnownDomainsAskNobody(t *testing.T) {
	n := newInternet(t, http.NotFoundHandler(), nil, srv("imaps", "gmail.com", 0, 993, "evil.example"))
	if got := lines(n.finder.Discover(t.Context(), "taro@gmail.com")); got != "provider imap.gmail.com tls taro@gmail.com google" {
		t.Errorf("got %s", got)
	}
	if len(n.asked) != 0 {
		t.Errorf("DNS was asked for %s", <-n.asked)
	}
}

// The second place is asked as well, a domain in Japanese by its ASCII form.
func TestWellKnownPathAndForeignLetters(t *testing.T) {
	web := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/.well-known/autoconfig/mail/config-v1.1.xml" {
			_, _ = w.Write([]byte(config(incoming("imap.example.com", "143", "STARTTLS", "%EMAILADDRESS%", "plain"))))
			return
		}
		http.NotFound(w, r)
	})
	n := newInternet(t, web, nil)
	if got := lines(n.finder.Discover(t.Context(), "taro@example.com")); got != "autoconfig imap.example.com starttls taro@example.com" {
		t.Errorf("got %s", got)
	}
	n = newInternet(t, nil, nil, srv("imaps", "xn--r8jz45g.jp", 0, 993, "imap.xn--r8jz45g.jp"))
	if got := lines(n.finder.Discover(t.Context(), "taro@xn--r8jz45g.jp")); got != "srv imap.xn--r8jz45g.jp tls taro@xn--r8jz45g.jp" {
		t.Errorf("got %s", got)
	}
}

// The same server from two sources is one candidate, from the first.
func TestOnce(t *testing.T) {
	web := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(config(incoming("imap.example.com", "993", "SSL", "%EMAILADDRESS%", "plain"))))
	})
	n := newInternet(t, web, nil, srv("imaps", "example.com", 0, 993, "imap.example.com"))
	if got := lines(n.finder.Discover(t.Context(), "taro@example.com")); got != "srv imap.example.com tls taro@example.com" {
		t.Errorf("got %s", got)
	}
}

// Nobody answers: the time is up, what is known is told, and nothing is left
// behind (goleak).
func TestBoundedInTime(t *testing.T) {
	hanging := make(chan struct{}, 10)
	n := newInternet(t, nil, func(o *Options) {
		o.Timeout = 2 * time.Second // so that all are asked, on a slow machine, too
		o.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			hanging <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		}
		answering := o.Resolver
		o.Resolver = silentMX{answering}
	}, srv("imaps", "example.com", 0, 993, "imap.example.com"))
	if got := lines(n.finder.Discover(t.Context(), "taro@example.com")); got != "srv imap.example.com tls taro@example.com" {
		t.Errorf("got %s", got)
	}
	if len(hanging) != 2 {
		t.Errorf("%d web servers were asked", len(hanging))
	}
}

// silentMX is a resolver that never answers where mail goes.
type silentMX struct{ Resolver }

func (silentMX) LookupMX(ctx context.Context, _ string) ([]*net.MX, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A proxy would be dialled in the web server's place, and the guard judge that.
func TestNoProxyIsAsked(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxy.example:3128")
	dialed := make(chan string, 2)
	n := newInternet(t, nil, func(o *Options) {
		o.DialContext = func(_ context.Context, _, address string) (net.Conn, error) {
			dialed <- address
			return nil, net.ErrClosed
		}
	})
	n.finder.Discover(t.Context(), "taro@acme.example")
	for range 2 {
		if got := <-dialed; got != "acme.example:443" && got != "autoconfig.acme.example:443" {
			t.Errorf("dialled %s", got)
		}
	}
}

// Web servers are reached through the guard: an address that leads inside is
// not connected to.
func TestThroughTheGuard(t *testing.T) {
	asked := make(chan string, 10)
	web := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Host })
	refused := make(chan error, 10)
	n := newInternet(t, web, func(o *Options) {
		through, inside := guard.NewForAutoconfig(nil), o.DialContext
		o.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			// The names of the test lead to the web server on this machine.
			conn, err := inside(ctx, network, "")
			if err != nil {
				return nil, err
			}
			address := conn.RemoteAddr().String()
			conn.Close()
			conn, err = through.DialContext(ctx, network, address)
			refused <- err
			return conn, err
		}
	})
	if got := lines(n.finder.Discover(t.Context(), "taro@example.com")); got != "" {
		t.Errorf("got %s", got)
	}
	for range 2 {
		if err := <-refused; crm.CodeOf(err) != "host_not_allowed" {
			t.Errorf("the guard said %v", err)
		}
	}
	if len(asked) != 0 {
		t.Errorf("%s was asked", <-asked)
	}
}
