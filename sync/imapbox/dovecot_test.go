package imapbox_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/imapbox"
	"mailsyncd.example/sync/watch"
)

var _ watch.Box = (*imapbox.Box)(nil)

const user = "info@example.test"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start runs a Dovecot with one user.
func start(t testing.TB, opts ...dovecottest.Option) *dovecottest.Server {
	t.Helper()
	s := dovecottest.Start(t, opts...)
	must(t, s.AddUser(user, `p"w\ 1`))
	return s
}

// connect opens the user's mailbox until the test ends.
func connect(t testing.TB, s *dovecottest.Server, sec crm.Security) *imapbox.Box {
	t.Helper()
	return dial(t, imapbox.Dialer{RootCAs: s.CAPool}, s.Login(user, sec))
}

func dial(t testing.TB, d imapbox.Dialer, l crm.Login) *imapbox.Box {
	t.Helper()
	b, err := d.Connect(t.Context(), l)
	must(t, err)
	t.Cleanup(b.Close)
	return b
}

// mail makes a message; size is roughly that of its body.
func mail(from, to string, size int) []byte {
	line := strings.Repeat("x", 70) + "\r\n"
	return []byte(fmt.Sprintf("From: %s\r\nTo: %s\r\nCc: Carl <carl@third.example>\r\nSubject: hello\r\n"+
		"Message-ID: <%d.%s>\r\n\r\n%s", from, to, size, from, strings.Repeat(line, size/len(line))))
}

func TestEveryKindOfConnection(t *testing.T) {
	s := start(t)
	s.Deliver(t, user, mail("kunde@customer.example", user, 100))
	for _, sec := range []crm.Security{crm.SecurityTLS, crm.SecuritySTARTTLS, crm.SecurityNone} {
		t.Run(string(sec), func(t *testing.T) {
			b := connect(t, s, sec)
			sel, err := b.Examine(t.Context(), "INBOX")
			must(t, err)
			if sel.Messages != 1 || sel.UIDNext != 2 || sel.UIDValidity == 0 {
				t.Errorf("opened: %+v", sel)
			}
			envs := envelopes(t, b, 1, 10)
			if len(envs) != 1 {
				t.Fatalf("envelopes: %v", envs)
			}
			e := envs[0]
			if !slices.Equal(e.From, []crm.Address{"kunde@customer.example"}) || !slices.Equal(e.To, []crm.Address{user}) ||
				!slices.Equal(e.Copied, []crm.Address{"carl@third.example"}) || e.UID != 1 || e.Size == 0 || time.Since(e.ReceivedAt) > time.Minute {
				t.Errorf("envelope: %+v", e)
			}
			if b.Received() < 500 {
				t.Errorf("received %d bytes", b.Received())
			}
		})
	}
}

func envelopes(t testing.TB, b *imapbox.Box, lo, hi crm.UID) (envs []crm.Envelope) {
	t.Helper()
	must(t, b.Envelopes(t.Context(), lo, hi, func(e crm.Envelope, err error) {
		if err != nil {
			t.Errorf("envelope %d: %v", e.UID, err)
		}
		envs = append(envs, e)
	}))
	return envs
}

func bodies(t testing.TB, b *imapbox.Box, limit int64, of ...crm.Envelope) map[crm.UID]string {
	t.Helper()
	got := map[crm.UID]string{}
	must(t, b.Bodies(t.Context(), of, limit, func(uid crm.UID, r io.Reader) error {
		p, err := io.ReadAll(r)
		got[uid] = string(p)
		return err
	}))
	return got
}

func TestBodiesOfAllSizes(t *testing.T) {
	s := start(t)
	const mib = 1 << 20
	want := map[crm.UID]string{}
	for _, size := range []int{0, 1, 1000, 70_000, mib - 200, mib, mib + 1, 20 * mib} {
		raw := append([]byte("Subject: "+strconv.Itoa(size)+"\r\n\r\n"), random(size)...)
		want[crm.UID(s.Append(t, user, "INBOX", raw, time.Time{}))] = string(raw)
	}
	for _, sec := range []crm.Security{crm.SecurityTLS, crm.SecurityNone} {
		b := connect(t, s, sec)
		_, err := b.Examine(t.Context(), "INBOX")
		must(t, err)
		of := envelopes(t, b, 1, 100)
		for _, limit := range []int64{100 * mib, mib + 7, 500} {
			got := bodies(t, b, limit, of...)
			if len(got) != len(want) {
				t.Errorf("%d bodies, want %d", len(got), len(want))
			}
			for uid, raw := range want {
				if raw = raw[:min(int64(len(raw)), limit)]; got[uid] != raw {
					t.Errorf("%s, limit %d, UID %d: %d bytes that differ from the %d wanted", sec, limit, uid, len(got[uid]), len(raw))
				}
			}
		}
	}
}

// random makes lines of random text.
func random(n int) []byte {
	p := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(p)
	for i := range p {
		if p[i] = ' ' + p[i]%95; i%78 == 77 {
			p[i-1], p[i] = '\r', '\n'
		}
	}
	if n > 0 {
		p[n-1] = '.' // half a line end would be completed on the way
	}
	return p
}

// A connection that is cut in the middle of a body never makes a short body.
func TestBodyCutByTheNetwork(t *testing.T) {
	s := start(t)
	for range 5 {
		s.Deliver(t, user, mail("a@c.example", user, 100_000))
	}
	p := s.Proxy(t, s.IMAPSPort)
	l := s.Login(user, crm.SecurityTLS)
	l.Server.Port = p.Port()
	b := dial(t, imapbox.Dialer{RootCAs: s.CAPool}, l)
	_, err := b.Examine(t.Context(), "INBOX")
	must(t, err)
	of := envelopes(t, b, 1, 100)
	p.CutAfter(250_000)
	whole, failed := 0, 0
	err = b.Bodies(t.Context(), of, 1<<30, func(_ crm.UID, r io.Reader) error {
		n, err := io.Copy(io.Discard, r)
		switch {
		case err != nil:
			failed++
		case n > 100_000:
			whole++
		default:
			t.Errorf("a body of %d bytes without an error", n)
		}
		return err
	})
	wantError(t, err, crm.Unreachable, "connection_lost")
	if whole != 2 || failed != 1 {
		t.Errorf("%d whole bodies and %d that failed, want 2 and 1", whole, failed)
	}
}

func TestJapaneseFolders(t *testing.T) {
	s := start(t, dovecottest.Sdbox(), dovecottest.Folder("送信済みアイテム", `\Sent`))
	names := []string{"下書き", "営業/株式会社 例 & Co.", `"quoted" \ back`, "😀", "ガ", "カ\u3099"}
	for _, name := range names {
		s.Append(t, user, name, mail("a@c.example", user, 10), time.Time{})
	}
	b := connect(t, s, crm.SecurityTLS)
	list, err := b.Folders(t.Context())
	must(t, err)
	byName := map[string]crm.Listing{}
	for _, l := range list {
		byName[l.Name] = l
	}
	if sent := byName["送信済みアイテム"]; !slices.Contains(sent.Attrs, `\Sent`) || sent.Delimiter != "/" {
		t.Errorf("sent: %+v", sent)
	}
	if parent := byName["営業"]; !slices.Contains(parent.Attrs, `\Noselect`) || parent.UIDNext != 0 {
		t.Errorf("parent: %+v", parent)
	}
	for _, name := range names {
		l := byName[name]
		sel, err := b.Examine(t.Context(), name)
		if err != nil || sel.Messages != 1 || l.Messages != 1 || l.UIDNext != sel.UIDNext || l.UIDValidity != sel.UIDValidity {
			t.Errorf("%s: listed %+v, opened %+v, %v", name, l, sel, err)
		}
	}
	_, err = b.Examine(t.Context(), "無い")
	wantError(t, err, crm.NotFound, "folder_gone")
	_, err = b.Examine(t.Context(), "営業")
	if err == nil {
		t.Error("a folder that can't be opened was opened")
	}
}

// What Folders says of the folder that is open is never out of date: where it
// does not know, it says so.
func TestFoldersWhileOneIsOpen(t *testing.T) {
	for _, opts := range [][]dovecottest.Option{nil, {dovecottest.Without("LIST-STATUS")}} {
		s := start(t, opts...)
		b := connect(t, s, crm.SecurityTLS)
		_, err := b.Examine(t.Context(), "INBOX")
		must(t, err)
		for n := crm.UID(1); n <= 3; n++ {
			s.Deliver(t, user, mail("a@c.example", user, 10))
			list, err := b.Folders(t.Context())
			must(t, err)
			if l := list[0]; l.Name != "INBOX" || l.UIDNext != 0 && l.UIDNext != n+1 {
				t.Errorf("after %d messages: %+v", n, l)
			}
		}
	}
}

// allowed are the commands that may be sent, and nothing else: none changes a
// mailbox.
var allowed = regexp.MustCompile(`^(m\d+ (CAPABILITY|LOGIN|AUTHENTICATE|ID|LIST|STATUS|NOOP|EXAMINE|UID FETCH \S+ \(UID [^)]*\)?.*)( .*)?|` +
	`T\d+ (UID SEARCH .*|IDLE|LOGOUT)|DONE)$`)

func TestNothingIsChanged(t *testing.T) {
	for name, without := range map[string][]string{"able": nil, "basic": {"LIST-STATUS", "ESEARCH", "SASL-IR", "ID", "LITERAL+"}} {
		t.Run(name, func(t *testing.T) {
			s := start(t, dovecottest.Without(without...))
			for range 3 {
				s.Deliver(t, user, mail("a@c.example", user, 2<<20))
			}
			flags := func() string {
				out, err := s.Doveadm("fetch", "-u", user, "uid flags size.physical", "mailbox", "INBOX")
				must(t, err)
				return out
			}
			before := flags()
			p := s.Proxy(t, s.IMAPPort)
			p.Record()
			l := s.Login(user, crm.SecurityNone)
			l.Server.Port = p.Port()
			b := dial(t, imapbox.Dialer{}, l)
			everything(t, b)
			b.Close()
			said, _ := p.Transcript()
			for line := range strings.Lines(said) {
				line = strings.TrimRight(line, "\r\n")
				if !allowed.MatchString(line) && !regexp.MustCompile(`^[A-Za-z0-9+/=]+$`).MatchString(line) {
					t.Errorf("the client said %q", line)
				}
				if strings.Contains(line, "BODY[") {
					t.Errorf("not peeked: %q", line)
				}
			}
			if after := flags(); after != before {
				t.Errorf("flags before:\n%s\nafter:\n%s", before, after)
			}
		})
	}
}

// everything does all that can be done with a box.
func everything(t *testing.T, b *imapbox.Box) {
	t.Helper()
	_, err := b.Folders(t.Context())
	must(t, err)
	_, err = b.Examine(t.Context(), "INBOX")
	must(t, err)
	_, err = b.Folders(t.Context())
	must(t, err)
	of := envelopes(t, b, 1, 1000)
	bodies(t, b, 1<<30, of...)
	bodies(t, b, 1<<30, these(1, 2)...)
	must(t, b.Heads(t.Context(), []crm.UID{1, 3}, func(crm.UID, []byte) {}))
	_, err = b.FirstUID(t.Context(), 1, time.Now())
	must(t, err)
	_, err = runsOf(t, b, 1, 1000)
	must(t, err)
	_, err = b.Search(t.Context(), "2097152.a@c.example")
	must(t, err)
	_, err = b.Wait(t.Context(), time.Millisecond, nil)
	must(t, err)
}

// The end of the server is noticed, with its words if it has any.
func TestServerEnds(t *testing.T) {
	for name, end := range map[string]func(*dovecottest.Server){"stopped": (*dovecottest.Server).Stop, "killed": (*dovecottest.Server).Kill} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			b := connect(t, s, crm.SecurityTLS)
			_, err := b.Examine(t.Context(), "INBOX")
			must(t, err)
			done := make(chan error)
			go func() { _, err := b.Wait(t.Context(), time.Minute, nil); done <- err }()
			end(s)
			if err := <-done; crm.KindOf(err) != crm.Unreachable {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A password may hold anything, whatever way it is sent.
func TestPasswords(t *testing.T) {
	for _, mechanism := range []string{"plain", "login"} {
		s := dovecottest.Start(t, dovecottest.Setting("auth_mechanisms = "+mechanism))
		for i, password := range []string{"simple", `"quo\ted"`, "パスワード", "a b {5}"} {
			name := "u" + strconv.Itoa(i)
			must(t, s.AddUser(name, password))
			_, err := dial(t, imapbox.Dialer{}, s.Login(name, crm.SecurityNone)).Folders(t.Context())
			must(t, err)
		}
	}
}
