package talk

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailsyncd.example/crm"
)

// Saying puts what the server says behind our own sentence.
func Saying(sentence, words string) string {
	if words == "" {
		return sentence
	}
	return sentence + " The server says: " + words
}

// Farewell makes an error of a server's BYE.
func Farewell(words string, err error) error {
	if asksForPatience(words) {
		e := busy(words)
		e.Err = err
		return e
	}
	return crm.Wrap(crm.Unreachable, "server_bye", Saying("The mail server closed the connection.", words), err)
}

// busy makes an error of words that ask for patience, with the wait if they
// state one.
func busy(words string) *crm.Error {
	e := crm.E(crm.Throttled, "server_busy", Saying("The mail server asks for patience; it is tried again later.", words))
	e.After = statedWait(words)
	return e
}

// ProtocolError makes an error of an answer that is no IMAP.
func ProtocolError(words string) error {
	return crm.E(crm.Unreachable, "protocol_error", Saying("The mail server does not answer as IMAP asks for.", words))
}

// Refused makes an error of a command that was answered NO or BAD.
func Refused(s Status) error {
	switch {
	case s.Cond == "BAD":
		return ProtocolError(s.Words())
	case busyCode(s.Code) || s.Code == "" && asksForPatience(s.Text):
		return busy(s.Words())
	}
	return crm.E(crm.Unavailable, "server_refused", Saying("The mail server refused a command.", s.Words()))
}

// LoginRefused makes an error of a login that was answered NO or BAD. Only
// what is definite counts as a wrong password: a link that stops for the wrong
// reason needs its user to start again.
func LoginRefused(s Status) error {
	const wrong = "The mail server refused the user name or the password; enter the right ones. " +
		"Some providers ask for an app password."
	return loginRefused(s, wrong)
}

func loginRefused(s Status, wrong string) error {
	switch {
	case s.Cond == "BAD":
		return ProtocolError(s.Words())
	case slices.Contains([]string{"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED"}, s.Code):
		return crm.E(crm.Rejected, "credential_rejected", Saying(wrong, s.Words()))
	case s.Code == "PRIVACYREQUIRED":
		return LoginDisabled(s.Words())
	case s.Code == "CONTACTADMIN" || busyCode(s.Code) || asksForPatience(s.Text):
		return busy(s.Words())
	}
	return crm.E(crm.Rejected, "credential_rejected", Saying(wrong, s.Words()))
}

// LoginDisabled makes an error of a server that takes no password.
func LoginDisabled(words string) error {
	return crm.E(crm.Unreachable, "login_disabled",
		Saying("The mail server takes no password over this connection; choose TLS or STARTTLS.", words))
}

// busyCode tells response codes (RFC 5530) that ask to come again later.
func busyCode(code string) bool {
	switch code {
	case "UNAVAILABLE", "INUSE", "LIMIT", "THROTTLED":
		return true
	}
	return false
}

// patience is what servers say when they have had too much. Not "try again"
// alone: that is what some say to a wrong password.
var patience = regexp.MustCompile(`(?i)\b(try (again )?(later|in)|retry (later|in|after)|too many|temporar|throttl|backoff|rate limit|` +
	`limit (exceeded|reached)|maximum number|simultaneous|overload|unavailable|busy|frequen)`)

// asksForPatience tells whether words mean that it may go better later.
func asksForPatience(words string) bool { return patience.MatchString(words) }

// wait finds a number with its unit, and Exchange's form without one.
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

// Unopened makes an error of a folder that was not opened.
func Unopened(s Status) error {
	e := Refused(s)
	switch {
	case crm.CodeOf(e) != "server_refused":
		return e
	case s.Code == "" || s.Code == "NONEXISTENT" || s.Code == "TRYCREATE":
		return crm.E(crm.NotFound, "folder_gone", Saying("The folder is not there any more.", s.Words()))
	}
	return crm.E(crm.Unavailable, "folder_refused", Saying("The mail server does not open this folder.", s.Words()))
}
