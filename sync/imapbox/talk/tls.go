package talk

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"time"

	"mailsyncd.example/crm"
)

// Untrusted makes an error of a failed TLS handshake.
func Untrusted(host string, err error) error {
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		names := slices.Clone(e.Certificate.DNSNames)
		for _, ip := range e.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		if len(names) > 5 {
			names = append(names[:5], "…")
		}
		return badCertificate("The server's certificate is for "+Clean([]byte(strings.Join(names, ", ")))+
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
		return NotIMAP("This is no port for IMAP over TLS; it is usually 993.", string(e.RecordHeader[:]), err)
	}
	return crm.Wrap(crm.Unreachable, "tls_failed", "No TLS connection to the mail server could be made.", err)
}

func badCertificate(sentence string, err error) error {
	return crm.Wrap(crm.Unreachable, "certificate_invalid", sentence, err)
}

// NotIMAP makes an error of a server that says what no mail server would.
func NotIMAP(sentence, words string, err error) error {
	return crm.Wrap(crm.Unreachable, "not_imap", Saying(sentence, Clean([]byte(words))), err)
}
