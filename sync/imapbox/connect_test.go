package imapbox_test

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/guard"
	"mailsyncd.example/sync/imapbox"
)

// steps records what Connect reports.
func steps(d imapbox.Dialer) (imapbox.Dialer, func() string) {
	var all []string
	d.Trace = func(s crm.Step) {
		all = append(all, fmt.Sprintf("%s %v", s.Name, s.OK))
	}
	return d, func() string { return strings.Join(all, ", ") }
}

// hello begins a script: the capabilities follow.
const hello = "S: * OK ready\nC: m1 CAPABILITY\nS: * CAPABILITY IMAP4rev1 "

// loginCase is a script for a login, and how it ends.
type loginCase struct {
	script     string
	user, pass string         // u and pass where empty
	auth       crm.AuthMethod // by password where empty
	kind       crm.Kind       // empty where it succeeds
	code, says string
}

func (c loginCase) test(t *testing.T) {
	s := lie(t, c.script)
	l := s.login()
	l.Username = cmp.Or(c.user, l.Username)
	l.Secret = cmp.Or(crm.Secret(c.pass), l.Secret)
	l.Auth = cmp.Or(c.auth, l.Auth)
	b, err := imapbox.Dialer{}.Connect(t.Context(), l)
	if c.kind == "" {
		must(t, err)
		b.Close()
		return
	}
	wantError(t, err, c.kind, c.code, c.says)
	for _, secret := range []string{"tops3cret", "dG9wczNjcmV0", "AHUAdG9wczNjcmV0"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error holds the secret: %v", err)
		}
	}
}

func TestLogin(t *testing.T) {
	for name, c := range map[string]loginCase{
		"plain, at once": {script: hello + `AUTH=PLAIN SASL-IR
			S: m1 OK done
			C: m2 AUTHENTICATE PLAIN AHUAcGFzcw==
			S: m2 OK [CAPABILITY IMAP4rev1] in`},
		"plain, when asked": {script: hello + `AUTH=PLAIN
			S: m1 OK done
			C: m2 AUTHENTICATE PLAIN
			S: +
			C: AHUAcGFzcw==
			S: * CAPABILITY IMAP4rev1 IDLE
			S: m2 OK in`},
		"login, capabilities asked again": {script: hello + `
			S: m1 OK done
			C: m2 LOGIN "u" "pass"
			S: m2 OK
			C: m3 CAPABILITY
			S: * CAPABILITY IMAP4rev1
			S: m3 OK done`},
		"odd capabilities": {script: "S: * OK [CAPABILITY IMAP4rev1 (] hello\n" + `
			C: m1 LOGIN "u" "pass"
			S: * CAPABILITY IMAP4rev1 (( ] ) "x {5
			S: m1 OK in`},
		"quoting": {user: `a"\`, pass: "é", script: hello + `
			S: m1 OK done
			C: m2 LOGIN "a\"\\" {2}
			S: + go on
			C: é
			S: m2 OK [CAPABILITY IMAP4rev1] in`},
		"literals without asking": {user: "u", pass: "é\r\nm9 LOGOUT", script: hello + `LITERAL+
			S: m1 OK done
			C: m2 LOGIN "u" {13+}
			C: é
			C: m9 LOGOUT
			S: m2 OK [CAPABILITY IMAP4rev1] in`},
		"introduces itself": {script: hello + `
			S: m1 OK done
			C: m2 LOGIN "u" "pass"
			S: m2 OK [CAPABILITY IMAP4rev1 ID] in
			C: m3 ID ("name" "mailsyncd")
			S: * ID ("name" NIL "x" nil)
			S: m3 BAD none of your business`},
		"token": {auth: crm.AuthOAuth2, script: hello + `AUTH=XOAUTH2 SASL-IR
			S: m1 OK done
			C: m2 AUTHENTICATE XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHBhc3MBAQ==
			S: m2 OK [CAPABILITY IMAP4rev1] in`},
		"token, the standard's way": {pass: "tops3cret", auth: crm.AuthOAuth2, script: hello + `AUTH=OAUTHBEARER SASL-IR
			S: m1 OK done
			C: m2 AUTHENTICATE OAUTHBEARER BEARER64
			S: m2 OK [CAPABILITY IMAP4rev1] in`},
		"token, two ways": {auth: crm.AuthOAuth2, script: hello + `AUTH=OAUTHBEARER AUTH=XOAUTH2 SASL-IR
			S: m1 OK done
			C: m2 AUTHENTICATE XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHBhc3MBAQ==
			S: m2 OK [CAPABILITY IMAP4rev1] in`},
	} {
		t.Run(name, c.test)
	}
}

func TestLoginFails(t *testing.T) {
	for name, c := range map[string]loginCase{
		"login disabled": {kind: crm.Unreachable, code: "login_disabled", script: hello + `LOGINDISABLED
			S: m1 OK done`},
		"no tokens": {auth: crm.AuthOAuth2, kind: crm.Unreachable, code: "login_disabled", script: hello + `AUTH=PLAIN
			S: m1 OK done`},
		"unknown auth": {auth: "magic", kind: crm.Invalid, code: "auth_unknown", script: hello + `AUTH=PLAIN
			S: m1 OK done`},
		"token refused": {auth: crm.AuthOAuth2, kind: crm.Rejected, code: "credential_rejected", says: "expired", script: hello + `AUTH=XOAUTH2
			S: m1 OK done
			C: m2 AUTHENTICATE XOAUTH2
			S: +
			C: dXNlcj11AWF1dGg9QmVhcmVyIHBhc3MBAQ==
			S: + eyJzdGF0dXMiOiI0MDEifQ==
			C: 
			S: m2 NO [AUTHENTICATIONFAILED] token expired`},
		"token refused, the standard's way": {auth: crm.AuthOAuth2, pass: "tops3cret", kind: crm.Rejected, code: "credential_rejected", says: "[secret] is over", script: hello + `AUTH=OAUTHBEARER
			S: m1 OK done
			C: m2 AUTHENTICATE OAUTHBEARER
			S: +
			C: BEARER64
			S: + eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=
			C: AQ==
			S: m2 NO BEARER64 is over`},
		"token asks for patience": {auth: crm.AuthOAuth2, kind: crm.Throttled, code: "server_busy", script: hello + `AUTH=XOAUTH2 SASL-IR
			S: m1 OK done
			C: m2 AUTHENTICATE XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHBhc3MBAQ==
			S: m2 NO [UNAVAILABLE] Temporary authentication failure`},
		"password refused": {kind: crm.Rejected, code: "credential_rejected", says: "The server says: no no", script: hello + `AUTH=PLAIN SASL-IR
			S: m1 OK done
			C: m2 AUTHENTICATE PLAIN AHUAcGFzcw==
			S: m2 NO [AUTHENTICATIONFAILED] no no`},
		"refused, bare": {kind: crm.Rejected, code: "credential_rejected", script: hello + `
			S: m1 OK done
			C: m2 LOGIN "u" "pass"
			S: m2 NO`},
		"refused before the password": {pass: "é", kind: crm.Rejected, code: "credential_rejected", says: "no such user", script: hello + `
			S: m1 OK done
			C: m2 LOGIN "u" {2}
			S: m2 NO no such user`},
		"the secret comes back": {pass: "tops3cret", kind: crm.Rejected, code: "credential_rejected", says: "[secret] for AHU=", script: hello + `
			S: m1 OK done
			C: m2 LOGIN "u" "tops3cret"
			S: m2 NO tops3cret for AHU=, dG9wczNjcmV0, AHUAdG9wczNjcmV0`},
		"bad": {kind: crm.Unreachable, code: "protocol_error", says: "what?", script: hello + `
			S: m1 OK done
			C: m2 LOGIN "u" "pass"
			S: m2 BAD what?`},
		"thrown out": {kind: crm.Throttled, code: "server_busy", says: "Too many", script: hello + `
			S: m1 OK done
			C: m2 LOGIN "u" "pass"
			S: * BYE Too many connections from your address
			X`},
	} {
		t.Run(name, c.test)
	}
}

func TestGreetings(t *testing.T) {
	for name, c := range map[string]loginCase{
		"not welcome":    {kind: crm.Unreachable, code: "server_bye", says: "go away", script: "S: * BYE go away"},
		"busy":           {kind: crm.Throttled, code: "server_busy", script: "S: * BYE Server is busy, try again later"},
		"SMTP":           {kind: crm.Unreachable, code: "not_imap", says: "220 mx ESMTP", script: "S: 220 mx ESMTP"},
		"HTTP":           {kind: crm.Unreachable, code: "not_imap", script: "S: HTTP/1.1 400 Bad Request"},
		"POP3":           {kind: crm.Unreachable, code: "not_imap", script: "S: +OK ready"},
		"closes at once": {kind: crm.Unreachable, code: "connection_lost", script: "X"},
		"no capabilities": {kind: crm.Unreachable, code: "protocol_error", script: `S: * OK ready
			C: m1 CAPABILITY
			S: m1 OK done`},
	} {
		t.Run(name, c.test)
	}
}

func TestStartTLSOrNothing(t *testing.T) {
	for name, c := range map[string]struct{ script, code string }{
		"not offered": {"S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready", "starttls_missing"},
		"refused":     {"S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready\nC: m1 STARTTLS\nS: m1 NO not now", "starttls_missing"},
		"preauth":     {"S: * PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] come in", "protocol_error"},
		"injected":    {"S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready\nC: m1 STARTTLS\ns: m1 OK go\\r\\n* OK [CAPABILITY IMAP4rev1] hi\\r\\n", "protocol_error"},
		"no TLS":      {"S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready\nC: m1 STARTTLS\nS: m1 OK go\nX", "tls_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			l := lie(t, c.script).login()
			l.Server.Security = crm.SecuritySTARTTLS
			_, err := imapbox.Dialer{}.Connect(t.Context(), l)
			wantError(t, err, crm.Unreachable, c.code)
		})
	}
}

// Who knocks learns whether a connection can be made, and says nothing.
func TestKnock(t *testing.T) {
	if err := (imapbox.Dialer{}).Knock(t.Context(), silence(t)); err != nil {
		t.Error(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	gone := crm.Server{Host: "127.0.0.1", Port: port, Security: crm.SecurityTLS}
	wantError(t, imapbox.Dialer{}.Knock(t.Context(), gone), crm.Unreachable, "connect_failed")
	guarded := imapbox.Dialer{DialContext: guard.New(nil).DialContext}
	wantError(t, guarded.Knock(t.Context(), gone), crm.Forbidden, "host_not_allowed")
}

func TestConnectFails(t *testing.T) {
	closed := lie(t, "X").login()
	quiet := silence(t)
	for name, c := range map[string]struct {
		dialer imapbox.Dialer
		server crm.Server
		kind   crm.Kind
		code   string
		cause  error
		steps  string
	}{
		"unknown host": {
			dialer: imapbox.Dialer{Resolve: func(context.Context, string) ([]string, error) {
				return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
			}},
			server: crm.Server{Host: "nowhere.invalid", Port: 993, Security: crm.SecurityTLS},
			kind:   crm.Unreachable, code: "host_unknown", steps: "resolve false",
		},
		"nobody listens": {
			dialer: imapbox.Dialer{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }},
			server: closed.Server, kind: crm.Unreachable, code: "connect_failed", cause: syscall.ECONNREFUSED, steps: "resolve true, connect false",
		},
		"not allowed": {
			dialer: imapbox.Dialer{DialContext: guard.New(nil).DialContext},
			server: closed.Server, kind: crm.Forbidden, code: "host_not_allowed", steps: "resolve true, connect false",
		},
		"no answer": {
			dialer: imapbox.Dialer{Timeout: silent, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
			}},
			server: closed.Server, kind: crm.Unreachable, code: "connect_timeout", steps: "resolve true, connect false",
		},
		"silence": {
			dialer: imapbox.Dialer{Timeout: silent},
			server: quiet, kind: crm.Unreachable, code: "connect_timeout", cause: os.ErrDeadlineExceeded, steps: "resolve true, connect true",
		},
		"silence instead of TLS": {
			dialer: imapbox.Dialer{Timeout: silent},
			server: with(quiet, crm.SecurityTLS), kind: crm.Unreachable, code: "connect_timeout", steps: "resolve true, connect true, tls false",
		},
		"silence before STARTTLS": {
			dialer: imapbox.Dialer{Timeout: silent},
			server: with(quiet, crm.SecuritySTARTTLS), kind: crm.Unreachable, code: "connect_timeout", steps: "resolve true, connect true, tls false",
		},
		"unknown security": {server: with(quiet, "maybe"), kind: crm.Invalid, code: "security_unknown", steps: "resolve true, connect true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of them wait, and do little else
			d, said := steps(c.dialer)
			_, err := d.Connect(t.Context(), crm.Login{Server: c.server, Username: "u", Secret: "pass", Auth: crm.AuthPassword})
			wantError(t, err, c.kind, c.code)
			if c.cause != nil && !errors.Is(err, c.cause) {
				t.Errorf("the cause is lost: %v", err)
			}
			if said() != c.steps {
				t.Errorf("steps: %s, want %s", said(), c.steps)
			}
		})
	}
}

func with(s crm.Server, sec crm.Security) crm.Server { s.Security = sec; return s }

// silence is a server that accepts connections and says nothing.
func silence(t *testing.T) crm.Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() }) // with it, what was never accepted
	return crm.Server{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Security: crm.SecurityNone}
}

func TestConnectEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d, _ := steps(imapbox.Dialer{})
	d.Trace = func(s crm.Step) {
		if s.Name == "connect" {
			cancel()
		}
	}
	_, err := d.Connect(ctx, crm.Login{Server: silence(t), Username: "u", Secret: "pass", Auth: crm.AuthPassword})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestWrongPassword(t *testing.T) {
	s := start(t)
	l := s.Login(user, crm.SecurityTLS)
	l.Secret = "wrong"
	d, said := steps(imapbox.Dialer{RootCAs: s.CAPool})
	_, err := d.Connect(t.Context(), l)
	wantError(t, err, crm.Rejected, "credential_rejected", "Authentication failed")
	if want := "resolve true, connect true, tls true, login false"; said() != want {
		t.Errorf("steps: %s, want %s", said(), want)
	}
}

func TestStepsOfAGoodLogin(t *testing.T) {
	s := start(t)
	for _, sec := range []crm.Security{crm.SecurityTLS, crm.SecuritySTARTTLS} {
		d, said := steps(imapbox.Dialer{RootCAs: s.CAPool})
		b := dial(t, d, s.Login(user, sec))
		if want := "resolve true, connect true, tls true, login true, capabilities true"; said() != want {
			t.Errorf("steps: %s, want %s", said(), want)
		}
		if !b.Idles() || b.Gmail() {
			t.Errorf("idles: %v, Gmail: %v", b.Idles(), b.Gmail())
		}
	}
}

func TestWrongCertificate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		trust  bool
		says   string
	}{
		"other name": {func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"mail.other.example"}, nil }, true, "mail.other.example"},
		"expired": {func(c *x509.Certificate) {
			c.NotAfter = time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC)
			c.NotBefore = c.NotAfter.AddDate(-1, 0, 0)
		}, true, "2020-01-02"},
		"unknown": {nil, false, "MAILSYNC_CA_FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, dovecottest.Certificate(c.change))
			d := imapbox.Dialer{RootCAs: x509.NewCertPool()}
			if c.trust {
				d.RootCAs = s.CAPool
			}
			for _, sec := range []crm.Security{crm.SecurityTLS, crm.SecuritySTARTTLS} {
				_, err := d.Connect(t.Context(), s.Login(user, sec))
				wantError(t, err, crm.Unreachable, "certificate_invalid", c.says)
			}
		})
	}
}

func TestWrongPort(t *testing.T) {
	s := start(t)
	clear, encrypted := s.Login(user, crm.SecurityNone), s.Login(user, crm.SecurityTLS)
	clear.Server.Security, encrypted.Server.Security = crm.SecurityTLS, crm.SecurityNone
	_, err := imapbox.Dialer{}.Connect(t.Context(), clear)
	wantError(t, err, crm.Unreachable, "tls_failed", "STARTTLS")
	_, err = imapbox.Dialer{Timeout: silent}.Connect(t.Context(), encrypted)
	wantError(t, err, crm.Unreachable, "connect_timeout")
	lmtp := clear
	lmtp.Server = crm.Server{Host: dovecottest.Host, Port: s.LMTPPort, Security: crm.SecurityNone}
	_, err = imapbox.Dialer{}.Connect(t.Context(), lmtp)
	wantError(t, err, crm.Unreachable, "not_imap", "220")
	lmtp.Server.Security = crm.SecurityTLS
	_, err = imapbox.Dialer{}.Connect(t.Context(), lmtp)
	wantError(t, err, crm.Unreachable, "not_imap", "220")
}

func TestNoCapabilityIsNeeded(t *testing.T) {
	all := []string{"IDLE", "LIST-STATUS", "LIST-EXTENDED", "SPECIAL-USE", "ESEARCH", "CONDSTORE", "QRESYNC", "ENABLE", "UIDPLUS", "ID", "SASL-IR", "LITERAL+"}
	for _, without := range [][]string{all, {"IDLE", "ID"}, {"LIST-STATUS"}, {"SPECIAL-USE", "SASL-IR"}, {"ESEARCH"}} {
		t.Run(strings.Join(without, " "), func(t *testing.T) {
			s := start(t, dovecottest.Without(without...), dovecottest.Folder("送信済み", `\Sent`))
			date := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
			s.Append(t, user, "送信済み", mail("a@c.example", user, 100), date)
			s.Append(t, user, "送信済み", mail("b@c.example", user, 100), date.AddDate(0, 0, 3))
			b := connect(t, s, crm.SecurityTLS)
			if slices.Contains(without, "IDLE") == b.Idles() {
				t.Errorf("idles: %v", b.Idles())
			}
			list, err := b.Folders(t.Context())
			must(t, err)
			if len(list) != 2 || !slices.ContainsFunc(list, func(l crm.Listing) bool { return l.Name == "送信済み" && l.UIDNext == 3 && l.Messages == 2 }) {
				t.Errorf("listed: %+v", list)
			}
			sel, err := b.Examine(t.Context(), "送信済み")
			must(t, err)
			if sel.UIDNext != 3 || sel.Messages != 2 {
				t.Errorf("opened: %+v", sel)
			}
			if got := envelopes(t, b, 1, 100); len(got) != 2 || !got[0].ReceivedAt.Equal(date) {
				t.Errorf("envelopes: %+v", got)
			}
			if uid, err := b.FirstUID(t.Context(), 1, date.AddDate(0, 0, 2)); err != nil || uid != 2 {
				t.Errorf("first UID %d, %v", uid, err)
			}
			got, err := runsOf(t, b, 1, 100)
			wantLines(t, got, err, "1-2")
		})
	}
}
