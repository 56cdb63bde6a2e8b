package dovecottest

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/servertest"
)

const letter = "From: a@customer.example\r\nTo: u@x.test\r\nSubject: hello\r\n\r\n.dot\r\n"

// count returns how many messages a folder has.
func count(t *testing.T, s *Server, user, folder string) uint32 {
	t.Helper()
	c, err := s.Client(user)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	data, err := c.Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		t.Fatal(err)
	}
	return data.NumMessages
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMailIsKeptAcrossRestartAndKill(t *testing.T) {
	for name, opts := range map[string][]Option{"maildir": nil, "sdbox": {Sdbox()}} {
		t.Run(name, func(t *testing.T) {
			s := Start(t, opts...)
			must(t, s.AddUser("u@x.test", `p:w "\`))
			s.Deliver(t, "u@x.test", []byte(letter))
			s.Deliver(t, "u@x.test", []byte(letter))
			must(t, s.Restart())
			s.Deliver(t, "u@x.test", []byte(letter))
			s.Kill()
			must(t, s.Start())
			if n := count(t, s, "u@x.test", "INBOX"); n != 3 {
				t.Errorf("%d messages in INBOX, want 3", n)
			}
		})
	}
}

func TestAppendMakesTheFolderAndKeepsTheDate(t *testing.T) {
	s := Start(t)
	must(t, s.AddUser("u", "pw"))
	date := time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)
	s.Append(t, "u", "送信済み", []byte(letter), time.Time{})
	if uid := s.Append(t, "u", "送信済み", []byte(letter), date); uid != 2 {
		t.Errorf("UID %d, want 2", uid)
	}
	out, err := s.Doveadm("fetch", "-u", "u", "date.received", "mailbox", "送信済み", "uid", "2")
	must(t, err)
	if !strings.Contains(out, "2020-02-03") {
		t.Errorf("doveadm says %q", out)
	}
}

func TestSetPasswordTakesEffect(t *testing.T) {
	s := Start(t)
	must(t, s.AddUser("u", "old"))
	old := s.Login("u", crm.SecurityNone)
	count(t, s, "u", "INBOX")
	must(t, s.SetPassword("u", "new"))
	c, err := s.Client("u")
	must(t, err)
	must(t, c.Close())
	s.accounts["u"] = string(old.Secret)
	if _, err := s.Client("u"); err == nil {
		t.Error("the old password is still accepted")
	}
}

func TestCapabilitiesAndFolders(t *testing.T) {
	s := Start(t, Without("IDLE", "LIST-STATUS"), Folder("送信済み", `\Sent`), Folder("Plain", ""))
	must(t, s.AddUser("u", "pw"))
	c, err := s.Client("u")
	must(t, err)
	defer c.Close()
	caps, err := c.Capability().Wait()
	must(t, err)
	if caps.Has(imap.CapIdle) || caps.Has(imap.CapListStatus) || !caps.Has(imap.CapSpecialUse) || !caps.Has(imap.CapESearch) {
		t.Errorf("capabilities: %v", caps)
	}
	list, err := c.List("", "*", nil).Collect()
	must(t, err)
	var names []string
	for _, l := range list {
		names = append(names, l.Mailbox)
	}
	if got := strings.Join(names, " "); !strings.Contains(got, "送信済み") || !strings.Contains(got, "Plain") {
		t.Errorf("folders: %s", got)
	}
}

func TestTLSWithItsOwnAuthority(t *testing.T) {
	s := Start(t)
	for _, name := range []string{Host, "localhost"} {
		c, err := tls.Dial("tcp", servertest.Address(s.IMAPSPort), &tls.Config{RootCAs: s.CAPool, ServerName: name})
		must(t, err)
		line, err := bufio.NewReader(c).ReadString('\n')
		must(t, err)
		if !strings.HasPrefix(line, "* OK") {
			t.Errorf("greeting %q", line)
		}
		must(t, c.Close())
	}
	if pem, err := os.ReadFile(s.CAFile); err != nil || !strings.Contains(string(pem), "BEGIN CERTIFICATE") {
		t.Errorf("CA file: %q, %v", pem, err)
	}
}

// echo is a server that sends back what it gets.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", servertest.Address(0))
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	return l.Addr().String()
}

func TestProxyCountsRecordsAndCuts(t *testing.T) {
	p := NewProxy(t, echo(t))
	p.Record()
	c, err := net.Dial("tcp", p.Addr())
	must(t, err)
	defer c.Close()
	_, err = c.Write([]byte("hello"))
	must(t, err)
	_, err = io.ReadFull(c, make([]byte, 5))
	must(t, err)
	if said, heard := p.Transcript(); said != "hello" || heard != "hello" {
		t.Errorf("said %q, heard %q", said, heard)
	}
	if p.Sent() != 5 || p.Received() != 5 || p.Accepted() != 1 || p.Open() != 1 {
		t.Errorf("sent %d, received %d, accepted %d, open %d", p.Sent(), p.Received(), p.Accepted(), p.Open())
	}
	p.CutAfter(3)
	_, err = c.Write([]byte("farewell"))
	must(t, err)
	if got, _ := io.ReadAll(c); string(got) != "far" {
		t.Errorf("got %q before the cut, want %q", got, "far")
	}
}

func TestProxyStallsAndGoesOn(t *testing.T) {
	p := NewProxy(t, echo(t))
	c, err := net.Dial("tcp", p.Addr())
	must(t, err)
	defer c.Close()
	p.Stall()
	_, err = c.Write([]byte("hello"))
	must(t, err)
	must(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	if n, err := c.Read(make([]byte, 9)); !os.IsTimeout(err) {
		t.Fatalf("read %d bytes, %v, through a stalled proxy", n, err)
	}
	must(t, c.SetReadDeadline(time.Time{}))
	p.Slow(1000)
	p.Resume()
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}
