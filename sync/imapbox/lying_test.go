package imapbox_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox"
)

// A lying server says what its script tells it to, whatever the client wants.
// The script is a transcript, line by line:
//
//	C: what the client must say next
//	S: what the server says
//	s: the same without the end of the line; \r\n and the like are understood
//	X  closes the connection
//
// At the end of the script it waits for LOGOUT, or for the client to hang up.
type lyingServer struct {
	t        *testing.T
	listener net.Listener
	done     chan struct{}
}

// lie starts a server with a script for one connection.
func lie(t *testing.T, script string) *lyingServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &lyingServer{t: t, listener: l, done: make(chan struct{})}
	bearer := fmt.Sprintf("n,a=u,\x01host=127.0.0.1\x01port=%d\x01auth=Bearer tops3cret\x01\x01", l.Addr().(*net.TCPAddr).Port)
	script = strings.ReplaceAll(script, "BEARER64", base64.StdEncoding.EncodeToString([]byte(bearer)))
	go func() {
		defer close(s.done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		s.play(c, script)
	}()
	t.Cleanup(func() {
		l.Close()
		<-s.done
	})
	return s
}

func (s *lyingServer) play(c net.Conn, script string) {
	in := bufio.NewReader(c)
	for line := range strings.Lines(script) {
		line = strings.Trim(line, "\t\n")
		what, text, _ := strings.Cut(line, " ")
		switch what {
		case "C:":
			got, err := in.ReadString('\n')
			if got = strings.TrimRight(got, "\r\n"); got != text {
				s.t.Errorf("the client says %q (%v), want %q", got, err, text)
				return
			}
		case "S:":
			_, _ = io.WriteString(c, text+"\r\n")
		case "s:":
			_, _ = io.WriteString(c, strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(text))
		case "X":
			return
		case "":
		default:
			s.t.Errorf("bad line in the script: %q", line)
			return
		}
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		tag, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		if tag == "DONE" { // crossed with an end of IDLE that the script came up with
			continue
		}
		if command != "LOGOUT" {
			s.t.Errorf("after the end of the script the client says %q", line)
			return
		}
		_, _ = io.WriteString(c, "* BYE bye\r\n"+tag+" OK bye\r\n")
	}
}

func (s *lyingServer) login() crm.Login {
	return crm.Login{
		Server:   crm.Server{Host: "127.0.0.1", Port: s.listener.Addr().(*net.TCPAddr).Port, Security: crm.SecurityNone},
		Username: "u", Secret: "pass", Auth: crm.AuthPassword,
	}
}

// box connects to the server. Its script goes on after the login, at tag m2.
func (s *lyingServer) box() *imapbox.Box {
	s.t.Helper()
	return dial(s.t, imapbox.Dialer{}, s.login())
}

// lyingBox is a box on a server that announces these capabilities and then
// follows the script.
func lyingBox(t *testing.T, capabilities, script string) *imapbox.Box {
	t.Helper()
	return lie(t, "S: * OK [CAPABILITY IMAP4rev1 "+capabilities+"] ready\n"+
		"C: m1 LOGIN \"u\" \"pass\"\n"+
		"S: m1 OK [CAPABILITY IMAP4rev1 "+capabilities+"] welcome\n"+script).box()
}

// opened is the part of a script in which INBOX is opened, at tag m2.
const opened = `
	C: m2 EXAMINE "INBOX"
	S: * 9 EXISTS
	S: * OK [UIDVALIDITY 7] fine
	S: * OK [UIDNEXT 100] fine
	S: m2 OK [READ-ONLY] done
`

// lyingFolder is lyingBox with INBOX open; the script goes on at tag m3.
func lyingFolder(t *testing.T, capabilities, script string) *imapbox.Box {
	t.Helper()
	b := lyingBox(t, capabilities, opened+script)
	_, err := b.Examine(t.Context(), "INBOX")
	must(t, err)
	return b
}

func wantError(t *testing.T, err error, kind crm.Kind, code string, words ...string) {
	t.Helper()
	if crm.KindOf(err) != kind || crm.CodeOf(err) != code {
		t.Errorf("error %v (kind %q), want %s, %s", err, crm.KindOf(err), kind, code)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}
