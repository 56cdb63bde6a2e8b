package imapbox

import (
	"context"
	"errors"
	"net"
	"os"

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
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return crm.Wrap(crm.Unreachable, "connect_timeout", "The server did not finish the TLS handshake in time; check the port.", err)
	}
	return talk.Untrusted(host, err)
}
