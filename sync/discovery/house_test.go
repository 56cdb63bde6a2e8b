package discovery

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"mailsyncd.example/crm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// internet is a DNS server and a web server to which all names of a test lead.
type internet struct {
	finder *Finder
	asked  chan string // the questions that DNS was asked
}

// record is one of DNS: MX or SRV, by the name that is asked for.
type record struct {
	name string
	body dnsmessage.ResourceBody
}

func mx(domain string, preference uint16, host string) record {
	return record{domain + ".", &dnsmessage.MXResource{Pref: preference, MX: dnsmessage.MustNewName(host + ".")}}
}

func srv(service, domain string, priority, port uint16, target string) record {
	return record{
		"_" + service + "._tcp." + domain + ".",
		&dnsmessage.SRVResource{Priority: priority, Port: port, Target: dnsmessage.MustNewName(strings.TrimSuffix(target, ".") + ".")},
	}
}

// newInternet sets it up. web answers for every host by HTTPS; nil where there
// is no web server. The change is made to the options before the Finder is made.
func newInternet(t *testing.T, web http.Handler, change func(*Options), records ...record) *internet {
	t.Helper()
	n := &internet{asked: make(chan string, 100)}
	dns, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	t.Cleanup(func() { dns.Close(); <-served })
	go func() { defer close(served); n.serve(t, dns, records) }()
	o := Options{
		Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, dns.LocalAddr().String())
		}},
		DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed },
	}
	if web != nil {
		// The name on the certificate of httptest is example.com, and what is
		// below it; the tests look for mailboxes there.
		server := httptest.NewUnstartedServer(web)
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		t.Cleanup(server.Close)
		o.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
		o.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		}
	}
	if change != nil {
		change(&o)
	}
	n.finder = New(o)
	return n
}

// serve answers the questions of DNS until the connection is closed.
func (n *internet) serve(t *testing.T, dns net.PacketConn, records []record) {
	buf := make([]byte, 1500)
	for {
		size, from, err := dns.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(buf[:size]); err != nil {
			t.Error(err)
			return
		}
		q := m.Questions[0]
		answer := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RecursionAvailable: true, RCode: dnsmessage.RCodeNameError},
			Questions: m.Questions,
		}
		for _, r := range records {
			if strings.EqualFold(r.name, q.Name.String()) && typeOf(r.body) == q.Type {
				answer.RCode = dnsmessage.RCodeSuccess
				answer.Answers = append(answer.Answers, dnsmessage.Resource{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}, Body: r.body,
				})
			}
		}
		n.asked <- q.Name.String()
		packed, err := answer.Pack()
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := dns.WriteTo(packed, from); err != nil {
			return
		}
	}
}

func typeOf(b dnsmessage.ResourceBody) dnsmessage.Type {
	if _, ok := b.(*dnsmessage.MXResource); ok {
		return dnsmessage.TypeMX
	}
	return dnsmessage.TypeSRV
}

// line is a candidate in a few words, for tests to compare.
func line(c crm.Candidate) string {
	words := []string{string(c.Source), c.IMAP.Host, string(c.IMAP.Security), c.Username}
	if c.Provider != "" {
		words = append(words, c.Provider)
	}
	if c.Confirm {
		words = append(words, "confirm")
	}
	return strings.Join(words, " ")
}

func lines(d crm.Discovery) string {
	var all []string
	for _, c := range d.Candidates {
		all = append(all, line(c))
	}
	return strings.Join(all, "\n")
}

// config is a configuration with one incoming server, or several.
func config(servers ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><clientConfig version="1.1"><emailProvider id="example.com">` +
		strings.Join(servers, "") + `</emailProvider></clientConfig>`
}

// incoming is an IMAP server as it stands in a configuration.
func incoming(host, port, socket, username, auth string) string {
	return `<incomingServer type="imap"><hostname>` + host + `</hostname><port>` + port + `</port><socketType>` + socket +
		`</socketType><username>` + username + `</username><authentication>` + auth + `</authentication></incomingServer>`
}
