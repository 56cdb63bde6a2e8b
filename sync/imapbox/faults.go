package imapbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox/talk"
)

// lost makes an error out of a failed read or write; bye is the server's
// farewell, and alert what else it wanted people to know.
func lost(err error, bye, alert string) error {
	if errors.Is(err, talk.ErrTooLong) || errors.Is(err, talk.ErrSyntax) {
		return crm.Wrap(crm.Unreachable, "protocol_error", "The mail server sent an answer that is no IMAP.", err)
	}
	if bye != "" {
		return talk.Farewell(bye, err)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return crm.Wrap(crm.Unreachable, "connection_lost", talk.Saying("The mail server stopped answering.", alert), err)
	}
	return crm.Wrap(crm.Unreachable, "connection_lost", talk.Saying("The connection to the mail server broke off.", alert), err)
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
		return badCertificate("The server's certificate is for "+talk.Clean([]byte(strings.Join(names, ", ")))+
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
	return crm.Wrap(crm.Unreachable, "not_imap", talk.Saying(sentence, talk.Clean([]byte(words))), err)
}
