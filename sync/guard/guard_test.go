package guard

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"mailsyncd.example/crm"
)

func TestCheck(t *testing.T) {
	office := New([]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")})
	for _, c := range []struct {
		network, address string
		open, office     bool // let through without and with an allowed network
	}{
		{"tcp4", "8.8.8.8:993", true, true},
		{"tcp4", "8.8.8.8:143", true, true},
		{"tcp4", "8.8.8.8:587", true, true},
		{"tcp6", "[2606:4700::1111]:993", true, true},
		{"tcp4", "8.8.8.8:80", false, false},
		{"tcp4", "8.8.8.8:22", false, false},
		{"udp4", "8.8.8.8:993", false, false},
		{"tcp4", "127.0.0.1:993", false, false},
		{"tcp4", "0.0.0.0:993", false, false},
		{"tcp4", "10.1.2.3:993", false, true},
		{"tcp4", "10.1.2.3:10993", false, true},
		{"tcp4", "10.2.2.3:993", false, false},
		{"tcp4", "172.16.0.1:143", false, false},
		{"tcp4", "192.168.0.1:143", false, false},
		{"tcp4", "100.64.0.1:143", false, false},
		{"tcp4", "169.254.169.254:143", false, false}, // the cloud's metadata
		{"tcp4", "224.0.0.1:143", false, false},
		{"tcp4", "255.255.255.255:143", false, false},
		{"tcp6", "[::1]:993", false, false},
		{"tcp6", "[::]:993", false, false},
		{"tcp6", "[::ffff:127.0.0.1]:993", false, false},
		{"tcp6", "[::ffff:10.1.2.3]:993", false, true},
		{"tcp6", "[::127.0.0.1]:993", false, false},
		{"tcp6", "[64:ff9b::7f00:1]:993", false, false},
		{"tcp6", "[2002:7f00:1::]:993", false, false},
		{"tcp6", "[fe80::1%eth0]:993", false, false},
		{"tcp6", "[fc00::1]:993", false, false},
		{"tcp6", "[fd00:1::1]:993", false, true},
		{"tcp6", "[fd00:1::1%eth0]:993", false, true},
		{"tcp6", "[fd00:ec2::254]:993", false, false},
		{"tcp4", "nonsense", false, false},
	} {
		if err := New(nil).check(c.network, c.address); (err == nil) != c.open {
			t.Errorf("%s %s: %v, want let through: %v", c.network, c.address, err, c.open)
		}
		if err := office.check(c.network, c.address); (err == nil) != c.office {
			t.Errorf("%s %s with the office allowed: %v, want let through: %v", c.network, c.address, err, c.office)
		}
	}
}

// listen returns the port of a server that accepts and counts connections.
func listen(t *testing.T) (port string, accepted <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ch := make(chan struct{}, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			ch <- struct{}{}
			c.Close()
		}
	}()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), ch
}

func TestDialRefusesWhatTheNameResolvesTo(t *testing.T) {
	port, accepted := listen(t)
	for _, host := range []string{"localhost", "127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "::1"} {
		for _, port := range []string{port, "993"} {
			_, err := New(nil).DialContext(context.Background(), "tcp", net.JoinHostPort(host, port))
			if crm.KindOf(err) != crm.Forbidden || crm.CodeOf(err) != "host_not_allowed" {
				t.Errorf("%s: %v", host, err)
			} else if !strings.Contains(err.Error(), "MAILSYNC_ALLOW_NETWORKS") {
				t.Errorf("%s: the sentence does not tell what to do: %v", host, err)
			}
		}
	}
	select {
	case <-accepted:
		t.Error("a connection was made")
	default:
	}
}

func TestDialReachesAnAllowedNetworkOnAnyPort(t *testing.T) {
	port, accepted := listen(t)
	g := New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	c, err := g.DialContext(context.Background(), "tcp", net.JoinHostPort("localhost", port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	<-accepted
}

func TestOtherErrorsAreTheDialersOwn(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	g := New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	if _, err := g.DialContext(ctx, "tcp", "127.0.0.1:993"); err == nil || crm.KindOf(err) == crm.Forbidden {
		t.Errorf("got %v", err)
	}
}

func TestCheckForWebhooks(t *testing.T) {
	tls, plain := NewForWebhooks([]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")})
	for _, c := range []struct {
		host       string
		port       uint16
		tls, plain string // the codes with which they are refused
	}{
		{"93.184.216.34", 443, "", "host_not_allowed"},
		{"93.184.216.34", 8443, "", "host_not_allowed"},
		{"2606:4700::1111", 443, "", "host_not_allowed"},
		{"93.184.216.34", 80, "host_not_allowed", "host_not_allowed"},
		{"93.184.216.34", 993, "host_not_allowed", "host_not_allowed"},
		{"10.1.2.3", 80, "", ""},
		{"::ffff:10.1.2.3", 8080, "", ""},
		{"10.2.2.3", 443, "host_not_allowed", "host_not_allowed"},
		{"::ffff:127.0.0.1", 443, "host_not_allowed", "host_not_allowed"},
		{"169.254.169.254", 443, "host_not_allowed", "host_not_allowed"},
		{"localhost", 443, "host_not_allowed", "host_not_allowed"},
		{"a..b", 443, "host_unknown", "host_unknown"},
	} {
		if err := tls.Check(t.Context(), c.host, c.port); crm.CodeOf(err) != c.tls {
			t.Errorf("https %s:%d: %v, want %q", c.host, c.port, err, c.tls)
		}
		if err := plain.Check(t.Context(), c.host, c.port); crm.CodeOf(err) != c.plain {
			t.Errorf("http %s:%d: %v, want %q", c.host, c.port, err, c.plain)
		}
	}
}

// Networks are read as people write them, and what is none is named.
func TestNetworks(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "[]",
		"10.1.0.0/16":           "[10.1.0.0/16]",
		" 10.1.0.0/16, ::1/128": "[10.1.0.0/16 ::1/128]",
		"192.168.1.7,::1,":      "[192.168.1.7/32 ::1/128]",
		"10.1.0.0/33":           `"10.1.0.0/33" is no network`,
		"10.1.0.0/16 10.2.0.1":  `"10.1.0.0/16 10.2.0.1" is no network`,
		"mail.acme.example":     `"mail.acme.example" is no network`,
	} {
		var n Networks
		err := n.UnmarshalText([]byte(text))
		got := fmt.Sprint(n)
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
