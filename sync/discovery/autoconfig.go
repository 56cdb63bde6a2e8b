package discovery

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
	"mailsyncd.example/crm/provider"
)

// Limits on what a web server may answer.
const (
	maxConfig    = 64 << 10 // bytes; those in use have one or two thousand
	maxHeaders   = 16 << 10
	maxRedirects = 3
)

// newClient makes a client that knows no proxy, for the guard would judge that
// in place of the host, and that keeps no connection.
func newClient(o Options) *http.Client {
	dial := o.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return &http.Client{
		Transport: &http.Transport{
			// A connection that is being made outlives the request that wanted
			// it, hence limits of its own.
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				ctx, cancel := context.WithTimeout(ctx, o.Timeout)
				defer cancel()
				return dial(ctx, network, address)
			},
			TLSHandshakeTimeout:    o.Timeout,
			TLSClientConfig:        &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: maxHeaders,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.URL.Scheme != "https" || len(via) > maxRedirects {
				return errRedirect
			}
			return nil
		},
	}
}

var errRedirect = errors.New("redirected too often, or to where nothing is encrypted")

// autoconfig asks the domain's web servers for its configuration of mail
// programs, by HTTPS alone: a file that anybody on the way could have written
// must not say where a password goes. The first place that has one counts.
// https://www.ietf.org/archive/id/draft-bucksch-autoconfig-00.html
func (f *Finder) autoconfig(ctx context.Context, a crm.Address) []crm.Candidate {
	domain := provider.Domain(a)
	var found [2][]crm.Candidate
	var all sync.WaitGroup
	for i, place := range [...]string{
		"https://autoconfig." + domain + "/mail/config-v1.1.xml?emailaddress=" + url.QueryEscape(string(a)),
		"https://" + domain + "/.well-known/autoconfig/mail/config-v1.1.xml",
	} {
		all.Go(func() { found[i] = f.config(ctx, place, a) })
	}
	all.Wait()
	if len(found[0]) > 0 {
		return found[0]
	}
	return found[1]
}

// config reads one configuration; nil where there is none.
func (f *Finder) config(ctx context.Context, place string, a crm.Address) []crm.Candidate {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, place, nil)
	if err != nil {
		return nil
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxConfig+1))
	if err != nil || len(text) > maxConfig {
		return nil
	}
	return parseConfig(text, a)
}

// clientConfig is what is read of a configuration.
type clientConfig struct {
	Provider struct {
		Incoming []configServer `xml:"incomingServer"`
		Outgoing []configServer `xml:"outgoingServer"`
	} `xml:"emailProvider"`
}

type configServer struct {
	Type           string   `xml:"type,attr"`
	Host           string   `xml:"hostname"`
	Port           string   `xml:"port"`
	Socket         string   `xml:"socketType"`
	Username       string   `xml:"username"`
	Authentication []string `xml:"authentication"`
}

// parseConfig takes the IMAP servers out of a configuration, in its order.
// encoding/xml knows no external entities and none that a document declares.
func parseConfig(text []byte, a crm.Address) []crm.Candidate {
	d := xml.NewDecoder(strings.NewReader(string(text)))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // what matters is ASCII
	var c clientConfig
	if d.Decode(&c) != nil {
		return nil
	}
	var smtp *crm.Server
	for _, s := range c.Provider.Outgoing {
		if server, ok := s.server(a); ok && strings.EqualFold(s.Type, "smtp") {
			smtp = &server
			break
		}
	}
	var candidates []crm.Candidate
	for _, s := range c.Provider.Incoming {
		server, ok := s.server(a)
		auth := s.auth()
		if !ok || !strings.EqualFold(s.Type, "imap") || len(auth) == 0 {
			continue
		}
		candidates = append(candidates, crm.Candidate{
			Source: crm.FromAutoconfig, IMAP: server, SMTP: smtp, Username: s.username(a), Auth: auth,
		})
	}
	return candidates
}

// server reads where a server is. One without encryption is none.
func (s configServer) server(a crm.Address) (crm.Server, bool) {
	host, ok := address.Domain(fill(s.Host, a))
	port, err := strconv.ParseUint(strings.TrimSpace(s.Port), 10, 16)
	if !ok || err != nil || port == 0 {
		return crm.Server{}, false
	}
	server := crm.Server{Host: host, Port: int(port)}
	switch strings.ToUpper(strings.TrimSpace(s.Socket)) {
	case "SSL":
		server.Security = crm.SecurityTLS
	case "STARTTLS":
		server.Security = crm.SecuritySTARTTLS
	default:
		return crm.Server{}, false
	}
	return server, true
}

// username is "" where it can't be made of the address.
func (s configServer) username(a crm.Address) string {
	name := fill(strings.TrimSpace(s.Username), a)
	if len(name) > 300 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '%' || r == 0x7f }) {
		return ""
	}
	return name
}

// auth lists the ways in that can be gone; the others are left out.
func (s configServer) auth() []crm.AuthMethod {
	var ways []crm.AuthMethod
	for _, name := range s.Authentication {
		way := map[string]crm.AuthMethod{
			"oauth2":             crm.AuthOAuth2,
			"password-cleartext": crm.AuthPassword,
			"plain":              crm.AuthPassword,
			"password-encrypted": crm.AuthPassword,
			"secure":             crm.AuthPassword,
		}[strings.ToLower(strings.TrimSpace(name))]
		if way != "" && !slices.Contains(ways, way) {
			ways = append(ways, way)
		}
	}
	return ways
}

// fill puts the address in the places that a configuration leaves open for it.
func fill(s string, a crm.Address) string {
	domain := provider.Domain(a)
	localPart := strings.TrimSuffix(string(a), "@"+domain)
	return strings.NewReplacer("%EMAILADDRESS%", string(a), "%EMAILLOCALPART%", localPart, "%EMAILDOMAIN%", domain).Replace(s)
}
