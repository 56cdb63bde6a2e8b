package wire

import (
	"net/netip"
	"strings"

	"golang.org/x/net/idna"

	"mailsyncd.example/crm"
)

// Server is where a mail server is found.
type Server struct {
	Host     string       `json:"host" example:"imap.example.com" doc:"A host name or an IP address, without a scheme, a port or a path."`
	Port     int          `json:"port"`
	Security crm.Security `json:"security" enum:"tls,starttls,none"`
}

// ServerInput is a Server in which port and security may be left out, because
// each follows from the other as a rule.
type ServerInput struct {
	Host     string        `json:"host" maxLength:"255" example:"imap.example.com" doc:"A host name or an IP address, without a scheme, a port or a path."`
	Port     *int          `json:"port,omitempty" doc:"1 to 65535; left out, the usual one for this security."`
	Security *crm.Security `json:"security,omitempty" enum:"tls,starttls,none" doc:"Left out, the usual one for this port, else tls."`
}

// usualPorts are those of a protocol (RFC 8314 section 7, RFC 6409 section 3.1).
type usualPorts struct{ tls, starttls, none int }

var (
	imapPorts = usualPorts{tls: 993, starttls: 143, none: 143}
	smtpPorts = usualPorts{tls: 465, starttls: 587, none: 25}
)

func (p usualPorts) of(s crm.Security) int {
	switch s {
	case crm.SecurityTLS:
		return p.tls
	case crm.SecuritySTARTTLS:
		return p.starttls
	default:
		return p.none
	}
}

// securityOf never guesses "none": who wants that has to say so.
func (p usualPorts) securityOf(port int) crm.Security {
	if port == p.starttls || port == p.none {
		return crm.SecuritySTARTTLS
	}
	return crm.SecurityTLS
}

// AsIMAP fills in what an IMAP server has as a rule.
func (in ServerInput) AsIMAP() (crm.Server, error) { return in.server("imap", imapPorts) }

// AsSMTP fills in what an SMTP server has as a rule.
func (in ServerInput) AsSMTP() (crm.Server, error) { return in.server("smtp", smtpPorts) }

// server fills in port and security from each other. Only a port that was left
// out is filled in: 0 is a mistake that somebody made.
func (in ServerInput) server(field string, usual usualPorts) (crm.Server, error) {
	host, err := hostName(field, in.Host)
	if err != nil {
		return crm.Server{}, err
	}
	srv := crm.Server{Host: host}
	switch {
	case in.Port != nil:
		srv.Port = *in.Port
	case in.Security != nil:
		srv.Port = usual.of(*in.Security)
	default:
		srv.Port = usual.tls
	}
	if srv.Port < 1 || srv.Port > 65535 {
		return crm.Server{}, crm.E(crm.Invalid, "port_invalid", field+".port must be from 1 to 65535; leave it out for the usual one.")
	}
	srv.Security = usual.securityOf(srv.Port)
	if in.Security != nil {
		srv.Security = *in.Security
	}
	return srv, nil
}

// hostName brings a host into the one form in which hosts are compared: an IP
// address, or a name in lower case and ASCII (RFC 5891). Underscores are let
// through, because names inside of private networks have them.
func hostName(field, raw string) (string, error) {
	host := strings.TrimSuffix(strings.TrimSpace(raw), ".")
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil && ip.Zone() == "" {
		return ip.String(), nil
	}
	ascii, err := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false)).ToASCII(host)
	if err != nil || !isHostName(ascii) {
		return "", crm.E(crm.Invalid, "host_invalid", field+".host must be a host name like imap.example.com, without a scheme, a port or a path.")
	}
	return ascii, nil
}

// isHostName checks the lengths of RFC 1035 section 2.3.4 and the letters.
func isHostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// ServerOf shows where a server is.
func ServerOf(s crm.Server) Server { return Server(s) }
