package imapbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailsyncd.example/crm"
)

// What the server says is put behind our own sentence.
func saying(sentence, words string) string {
	if words == "" {
		return sentence
	}
	return sentence + " The server says: " + words
}

// lost makes an error out of a failed read or write; bye is the server's
// farewell, if there was one. It ends the use of the box.
func lost(err error, bye string) error {
	if errors.Is(err, errTooLong) {
		return crm.Wrap(crm.Unreachable, "protocol_error", "The mail server sent an answer that is no IMAP.", err)
	}
	if bye != "" {
		return refusedService(bye, err)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return crm.Wrap(crm.Unreachable, "connection_lost", "The mail server stopped answering.", err)
	}
	return crm.Wrap(crm.Unreachable, "connection_lost", "The connection to the mail server broke off.", err)
}

// refusedService makes an error of a server's BYE.
func refusedService(words string, err error) error {
	if asksForPatience(words) {
		e := busy(words)
		e.Err = err
		return e
	}
	return crm.Wrap(crm.Unreachable, "server_bye", saying("The mail server closed the connection.", words), err)
}

func busy(words string) *crm.Error {
	e := crm.E(crm.Throttled, "server_busy", saying("The mail server asks for patience; it is tried again later.", words))
	e.After = statedWait(words)
	return e
}

func protocolError(words string) error {
	return crm.E(crm.Unreachable, "protocol_error", saying("The mail server does not answer as IMAP asks for.", words))
}

// refused makes an error of a command that was answered NO or BAD.
func refused(s status) error {
	switch {
	case s.cond == "BAD":
		return protocolError(s.words())
	case busyCode(s.code) || s.code == "" && asksForPatience(s.text):
		return busy(s.words())
	}
	return crm.E(crm.Unavailable, "server_refused", saying("The mail server refused a command.", s.words()))
}

// loginRefused makes an error of a login that was answered NO or BAD. Only
// what is definite counts as a wrong password: a link that stops for the wrong
// reason needs its user to start again.
func loginRefused(s status) error {
	const wrong = "The mail server refused the user name or the password; enter the right ones. " +
		"Some providers ask for an app password."
	switch {
	case s.cond == "BAD":
		return protocolError(s.words())
	case slices.Contains([]string{"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED"}, s.code):
		return crm.E(crm.Rejected, "credential_rejected", saying(wrong, s.words()))
	case s.code == "PRIVACYREQUIRED":
		return loginDisabled(s.words())
	case s.code == "CONTACTADMIN" || busyCode(s.code) || asksForPatience(s.text):
		return busy(s.words())
	}
	return crm.E(crm.Rejected, "credential_rejected", saying(wrong, s.words()))
}

func loginDisabled(words string) error {
	return crm.E(crm.Unreachable, "login_disabled",
		saying("The mail server takes no password over this connection; choose TLS or STARTTLS.", words))
}

// busyCode tells response codes (RFC 5530) that ask to come again later.
func busyCode(code string) bool {
	switch code {
	case "UNAVAILABLE", "INUSE", "LIMIT", "THROTTLED":
		return true
	}
	return false
}

var patience = regexp.MustCompile(`(?i)\b(try (again )?(later|in)|retry (later|in|after)|too many|temporar|throttl|backoff|rate limit|` +
	`limit (exceeded|reached)|maximum number|simultaneous|overload|unavailable|busy|frequen)`)

// asksForPatience tells whether words mean that it may go better later.
func asksForPatience(words string) bool { return patience.MatchString(words) }

var wait = regexp.MustCompile(`(?i)(\d{1,9})\s*(ms|millisec|sec|s\b|min|hour|h\b)|backoff time:?\s*(\d{1,9})`)

// statedWait finds how long a server asks to wait; 0 where it does not say.
func statedWait(words string) time.Duration {
	m := wait.FindStringSubmatch(words)
	if m == nil {
		return 0
	}
	n, unit := m[1], time.Millisecond // Exchange states its backoff time in these
	if n == "" {
		n = m[3]
	}
	switch strings.ToLower(m[2]) {
	case "sec", "s":
		unit = time.Second
	case "min":
		unit = time.Minute
	case "hour", "h":
		unit = time.Hour
	}
	v, _ := strconv.Atoi(n) // at most nine digits
	return min(time.Duration(v)*unit, 24*time.Hour)
}

// unreached makes an error of a failed attempt to connect. What the guard
// says is passed on as it is.
func unreached(err error) error {
	if _, ok := errors.AsType[*crm.Error](err); ok {
		return err
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		if e.IsNotFound {
			return crm.Wrap(crm.Unreachable, "host_unknown", "There is no mail server of this name; check the host.", err)
		}
		return crm.Wrap(crm.Unreachable, "host_unknown", "The host's name can't be looked up at the moment.", err)
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return crm.Wrap(crm.Unreachable, "connect_timeout", "The mail server did not answer in time; check host and port.", err)
	}
	return crm.Wrap(crm.Unreachable, "connect_failed", "There is no mail server at this host and port; check both.", err)
}

// untrusted makes an error of a failed TLS handshake.
func untrusted(host string, err error) error {
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		names := slices.Clone(e.Certificate.DNSNames)
		for _, ip := range e.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		if len(names) > 5 {
			names = append(names[:5], "…")
		}
		return badCertificate("The server's certificate is for "+clean([]byte(strings.Join(names, ", ")))+
			", not for "+host+"; use the name that it is for.", err)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return badCertificate("The server's certificate is not signed by an authority that is trusted here. "+
			"For your own authority the operator sets MAILSYNC_CA_FILE.", err)
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return badCertificate("The server's certificate is not valid now (from "+e.Cert.NotBefore.UTC().Format(time.DateOnly)+
			" to "+e.Cert.NotAfter.UTC().Format(time.DateOnly)+"); its administrator must renew it.", err)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return badCertificate("The server's certificate can't be trusted.", err)
	}
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		if strings.HasPrefix(string(e.RecordHeader[:]), "* ") {
			return crm.Wrap(crm.Unreachable, "tls_failed", "The server speaks in the clear on this port; choose STARTTLS, or TLS and port 993.", err)
		}
		return notIMAP("This is no port for IMAP over TLS; it is usually 993.", string(e.RecordHeader[:]), err)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return crm.Wrap(crm.Unreachable, "connect_timeout", "The server did not finish the TLS handshake in time; check the port.", err)
	}
	return crm.Wrap(crm.Unreachable, "tls_failed", "No TLS connection to the mail server could be made.", err)
}

func badCertificate(sentence string, err error) error {
	return crm.Wrap(crm.Unreachable, "certificate_invalid", sentence, err)
}

func notIMAP(sentence, words string, err error) error {
	return crm.Wrap(crm.Unreachable, "not_imap", saying(sentence, clean([]byte(words))), err)
}
