package imapbox_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/imapbox"
	"mailsyncd.example/sync/intake"
)

var _ intake.Box = (*imapbox.Box)(nil)

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

func bodies(t testing.TB, b *imapbox.Box, limit int64, uids ...crm.UID) map[crm.UID]string {
	t.Helper()
	got := map[crm.UID]string{}
	must(t, b.Bodies(t.Context(), these(uids...), limit, func(uid crm.UID, r io.Reader) error {
		p, err := io.ReadAll(r)
		got[uid] = string(p)
		return err
	}))
	return got
}

func TestTheWholeWay(t *testing.T) {
	s := start(t, dovecottest.Folder("送信済み", `\Sent`))
	b := connect(t, s, crm.SecurityTLS)
	for i := range 5 {
		s.Append(t, user, "INBOX", mail(fmt.Sprintf("a%d@c.example", i), user, 10), time.Date(2026, 1, 1+i, 12, 0, 0, 0, time.UTC))
	}
	list, err := b.Folders(t.Context())
	must(t, err)
	t.Logf("%+v", list)
	_, err = b.Examine(t.Context(), "送信済み")
	must(t, err)
	_, err = b.Examine(t.Context(), "INBOX")
	must(t, err)
	uid, err := b.FirstUID(t.Context(), 1, time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC))
	if err != nil || uid != 3 {
		t.Errorf("first UID %d, %v", uid, err)
	}
	uid, err = b.FirstUID(t.Context(), 9, time.Time{})
	if err != nil || uid != 0 {
		t.Errorf("first UID %d, %v", uid, err)
	}
	must(t, b.UIDs(t.Context(), 2, 100, func(lo, hi crm.UID) { t.Log("run", lo, hi) }))
	found, err := b.Search(t.Context(), "10.a3@c.example")
	if err != nil || !slices.Equal(found, []crm.UID{4}) {
		t.Errorf("found %v, %v", found, err)
	}
	must(t, b.Heads(t.Context(), []crm.UID{1, 2, 9}, func(uid crm.UID, h []byte) { t.Logf("%d %q", uid, h) }))
	for uid, m := range bodies(t, b, 1000, 1, 5) {
		t.Logf("%d %q", uid, m)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		s.Append(t, user, "INBOX", mail("b@c.example", user, 10), time.Time{})
	}()
	news, err := b.Wait(t.Context(), time.Minute)
	t.Log(news, err)
	<-ctx.Done()
	_, err = b.Wait(ctx, time.Minute)
	t.Log(err)
	news, err = b.Wait(t.Context(), 10*time.Millisecond)
	t.Log(news, err)
	list, err = b.Folders(t.Context())
	must(t, err)
	t.Logf("%+v", list)
	must(t, b.Unselect(t.Context()))
}
