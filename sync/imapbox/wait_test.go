package imapbox_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox"
)

const idling = "C: T1 IDLE\nS: + idling\n"

func TestWait(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		news   bool
		kind   crm.Kind
		code   string
	}{
		"mail":            {idling + "S: * 10 EXISTS\nC: DONE\nS: T1 OK", true, "", ""},
		"gone":            {idling + "S: * 3 expunge\nC: DONE\nS: T1 OK", true, "", ""},
		"mail, then more": {idling + strings.Repeat("S: * 10 EXISTS\nS: * 1 RECENT\nS: * 4 EXPUNGE\n", 300) + "C: DONE\nS: T1 OK", true, "", ""},
		"before the plus": {"C: T1 IDLE\nS: * 10 EXISTS\nS: + idling\nC: DONE\nS: T1 OK", true, "", ""},
		"after DONE":      {idling + "S: * 10 EXISTS\nC: DONE\nS: * OK Still here\nS:\nS: * 11 EXISTS\nS: + what?\nS: T1 OK", true, "", ""},
		"it gives up":     {idling + "S: * 10 EXISTS\nS: T1 OK enough", true, "", ""},
		"refused":         {"C: T1 IDLE\nS: T1 NO not for you", false, crm.Unavailable, "server_refused"},
		"bad":             {"C: T1 IDLE\nS: T1 BAD what?", false, crm.Unreachable, "protocol_error"},
		"bye":             {idling + "S: * BYE Idle for too long\nX", false, crm.Unreachable, "server_bye"},
		"cut":             {idling + "X", false, crm.Unreachable, "connection_lost"},
		"garbage":         {idling + "S: * 9 FETCH (FLAGS (\\Seen) BODY[] {3}\ns: abc\nS: )\nS: ?!\nS: * VANISHED 1:2\nS: * 9 EXISTS\nS: * 10 EXISTS\nC: DONE\nS: T1 OK", true, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := lyingFolder(t, "IDLE", c.script)
			news, err := b.Wait(t.Context(), time.Minute, nil)
			if c.code != "" {
				wantError(t, err, c.kind, c.code)
			} else {
				must(t, err)
			}
			if news != c.news {
				t.Errorf("news: %v, want %v", news, c.news)
			}
			if c.code == "server_refused" && b.Idles() {
				t.Error("the box still believes that it can wait")
			}
		})
	}
}

func TestWaitEndsInTime(t *testing.T) {
	b := lyingFolder(t, "IDLE", idling+"C: DONE\nS: T1 OK\nC: T2 IDLE\nS: + again\nC: DONE\nS: T2 OK\nC: T3 UID SEARCH UID 1:*\nS: * SEARCH 3\nS: T3 OK")
	for range 2 {
		if news, err := b.Wait(t.Context(), time.Millisecond, nil); news || err != nil {
			t.Errorf("news: %v, %v", news, err)
		}
	}
	if uid, err := b.FirstUID(t.Context(), 1, zero); uid != 3 || err != nil {
		t.Errorf("afterwards: %d, %v", uid, err)
	}
}

// The end of the context ends the waiting; the box stays good.
func TestWaitEndsWithItsContext(t *testing.T) {
	s := start(t)
	b := connect(t, s, crm.SecurityTLS)
	_, err := b.Examine(t.Context(), "INBOX")
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := b.Wait(ctx, time.Hour, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if _, err := b.Wait(ctx, time.Hour, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	_, err = b.Folders(t.Context())
	must(t, err)
}

// silent is how long a server may keep silent where a test waits for the end of
// that; what has an answer gets it in time on a slow machine, too.
const silent = 2 * time.Second

// A server that does not answer IDLE, or DONE, is given up when its time is
// over.
func TestWaitUnanswered(t *testing.T) {
	for name, script := range map[string]string{
		"IDLE": "C: T1 IDLE",
		"DONE": idling + "C: DONE",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits, and does little else
			s := lie(t, "S: * OK [CAPABILITY IMAP4rev1 IDLE] hi\nC: m1 LOGIN \"u\" \"pass\"\nS: m1 OK [CAPABILITY IMAP4rev1 IDLE] in\n"+opened+script)
			b := dial(t, imapbox.Dialer{Timeout: silent}, s.login())
			_, err := b.Examine(t.Context(), "INBOX")
			must(t, err)
			_, err = b.Wait(t.Context(), time.Millisecond, nil)
			wantError(t, err, crm.Unreachable, "connection_lost", "stopped answering")
		})
	}
}

func TestWaitHearsOfMail(t *testing.T) {
	for _, sec := range []crm.Security{crm.SecurityTLS, crm.SecurityNone} {
		t.Run(string(sec), func(t *testing.T) {
			s := start(t)
			b := connect(t, s, sec)
			_, err := b.Examine(t.Context(), "INBOX")
			must(t, err)
			type heard struct {
				news bool
				err  error
			}
			done := make(chan heard)
			for uid := crm.UID(1); uid <= 3; uid++ {
				go func() {
					news, err := b.Wait(t.Context(), time.Minute, nil)
					done <- heard{news, err}
				}()
				s.Deliver(t, user, mail("a@c.example", user, 10))
				if h := <-done; !h.news || h.err != nil {
					t.Fatalf("heard %+v", h)
				}
				if got := envelopes(t, b, uid, uid+100); len(got) != 1 || got[0].UID != uid {
					t.Errorf("envelopes: %+v", got)
				}
			}
		})
	}
}

// Another's changes to flags are no news; a message that goes is.
func TestWaitHearsOfDeletion(t *testing.T) {
	s := start(t)
	s.Deliver(t, user, mail("a@c.example", user, 10))
	b := connect(t, s, crm.SecurityTLS)
	_, err := b.Examine(t.Context(), "INBOX")
	must(t, err)
	done := make(chan error)
	go func() {
		news, err := b.Wait(t.Context(), time.Minute, nil)
		if err == nil && !news {
			err = errors.New("no news")
		}
		done <- err
	}()
	c, err := s.Client(user)
	must(t, err)
	defer c.Close()
	_, err = c.Select("INBOX", nil).Wait()
	must(t, err)
	must(t, c.Store(imap.SeqSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close())
	must(t, c.Expunge().Close())
	must(t, <-done)
}

// hasty is a connection on which every deadline has come once the test says so:
// what comes before that may take its time.
type hasty struct {
	net.Conn
	now *atomic.Bool
}

func (c hasty) SetReadDeadline(at time.Time) error {
	if c.now.Load() && !at.IsZero() {
		at = time.Now()
	}
	return c.Conn.SetReadDeadline(at)
}

// dialTo makes connections of that kind.
func dialTo(now *atomic.Bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		return hasty{c, now}, err
	}
}

// A peer that has vanished without a word is noticed by every kind of command.
func TestVanishedPeer(t *testing.T) {
	s := start(t)
	s.Deliver(t, user, mail("a@c.example", user, 10))
	for name, use := range map[string]func(context.Context, *imapbox.Box) error{
		"folders": func(ctx context.Context, b *imapbox.Box) error { _, err := b.Folders(ctx); return err },
		"examine": func(ctx context.Context, b *imapbox.Box) error { _, err := b.Examine(ctx, "INBOX"); return err },
		"envelopes": func(ctx context.Context, b *imapbox.Box) error {
			return b.Envelopes(ctx, 1, 9, func(crm.Envelope, error) {})
		},
		"search": func(ctx context.Context, b *imapbox.Box) error { _, err := b.FirstUID(ctx, 1, zero); return err },
		"wait":   func(ctx context.Context, b *imapbox.Box) error { _, err := b.Wait(ctx, time.Hour, nil); return err },
	} {
		open := func(t *testing.T, gone *atomic.Bool) *imapbox.Box {
			p := s.Proxy(t, s.IMAPSPort)
			l := s.Login(user, crm.SecurityTLS)
			l.Server.Port = p.Port()
			b := dial(t, imapbox.Dialer{RootCAs: s.CAPool, Timeout: time.Hour, DialContext: dialTo(gone)}, l)
			_, err := b.Examine(t.Context(), "INBOX")
			must(t, err)
			p.Stall()
			return b
		}
		t.Run(name+", in time", func(t *testing.T) {
			gone := &atomic.Bool{}
			b := open(t, gone)
			gone.Store(true)
			err := use(t.Context(), b)
			wantError(t, err, crm.Unreachable, "connection_lost", "stopped answering")
			if again := use(t.Context(), b); fmt.Sprint(again) != fmt.Sprint(err) {
				t.Errorf("afterwards: %v, want %v", again, err)
			}
		})
		t.Run(name+", by its context", func(t *testing.T) {
			b := open(t, &atomic.Bool{})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if err := use(ctx, b); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Closing never waits long for a server that is not there any more.
func TestCloseAfterThePeerVanished(t *testing.T) {
	s := start(t)
	p := s.Proxy(t, s.IMAPSPort)
	l := s.Login(user, crm.SecurityTLS)
	l.Server.Port = p.Port()
	b := dial(t, imapbox.Dialer{RootCAs: s.CAPool, Timeout: time.Hour}, l)
	p.Stall()
	b.Close()
	b.Close()
	_, err := b.Folders(t.Context())
	wantError(t, err, crm.Unreachable, "connection_lost")
}
