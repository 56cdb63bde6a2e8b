package main

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html/charset"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

// Each round shows every outcome that the demo is there to show; the rules
// themselves decide, this only keeps the letters honest.
func TestRoundShowsWhatTheRulesDecide(t *testing.T) {
	customers := map[string]bool{mori.address: true, rossi.address: true, baker.address: true}
	internal := func(p mailPerson) bool { return strings.HasSuffix(p.address, "@acme.example") }
	shown := map[string]int{}
	for _, l := range round(1) {
		switch {
		case internal(l.from) && internal(l.to):
			shown["internal"]++
		case customers[l.from.address] && l.automatic:
			shown["absence notice"]++
		case customers[l.from.address] && l.answers != "":
			shown["reply"]++
		case customers[l.from.address] && len(l.into) > 1:
			shown["copy"]++
		case customers[l.from.address], customers[l.to.address]:
			shown["contact"]++
		case customers[l.cc.address]:
			shown["only in Cc"]++
		default:
			shown["private"]++
		}
	}
	for _, kind := range []string{"internal", "absence notice", "reply", "copy", "contact", "only in Cc", "private"} {
		if shown[kind] == 0 {
			t.Errorf("no letter is of the kind %q", kind)
		}
	}
}

func TestLettersAreMail(t *testing.T) {
	words := &mime.WordDecoder{CharsetReader: charset.NewReaderLabel}
	addresses := mail.AddressParser{WordDecoder: words}
	for _, l := range round(7) {
		raw, err := l.wire(time.Unix(1800000000, 0))
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", l.subject, err)
		}
		if from, err := addresses.ParseList(m.Header.Get("From")); err != nil || from[0].Address != l.from.address || from[0].Name != l.from.name {
			t.Errorf("%s: From is %v, %v", l.subject, from, err)
		}
		if _, err := m.Header.Date(); err != nil {
			t.Errorf("%s: %v", l.subject, err)
		}
		if _, params, err := mime.ParseMediaType(m.Header.Get("Content-Type")); err != nil || params["boundary"] == "" {
			t.Errorf("%s: %v", l.subject, err)
		}
		body, err := io.ReadAll(m.Body)
		if err != nil || !bytes.HasSuffix(bytes.TrimSpace(body), []byte("--")) {
			t.Errorf("%s: the last part is not closed", l.subject)
		}
		for line := range bytes.Lines(raw) {
			if !bytes.HasSuffix(line, []byte("\r\n")) {
				t.Errorf("%s: the line %q does not end as it should", l.subject, line)
			}
		}
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"short", 10, "short"},
		{"just right", 10, "just right"},
		{"eleven long", 10, "eleven lo…"},
		{"見積もり", 8, "見積もり"},
		{"見積もりのお願い", 8, "見積も…"},
		{"a見積もり", 8, "a見積も…"},
		{"aa見積もり", 8, "aa見積…"},
	} {
		if got := fit(c.text, c.most); got != c.want || cells(got) > c.most {
			t.Errorf("fit(%q, %d) = %q of %d columns, want %q", c.text, c.most, got, cells(got), c.want)
		}
	}
	if got := pad("見", 4); got != "見  " {
		t.Errorf("pad = %q", got)
	}
}

func TestEveryOutcomeHasWords(t *testing.T) {
	for _, refusal := range crm.Refusals {
		if mark, why := whyShort(refusal); mark != "refused" || why == "" {
			t.Errorf("%s: %q, %q", refusal, mark, why)
		}
		for _, read := range []crm.Outcome{refusal, ""} {
			e := explained{Watched: true, Outcome: read, Rule: refusal}
			if words := e.japanese(); words == "" {
				t.Errorf("%s, outcome %q: no words in Japanese", refusal, read)
			}
		}
	}
}

// demo runs the demo until stop is called, which returns how it ended.
func demo(t *testing.T, stdin string, more ...string) (out *logWatch, stop func() int) {
	t.Helper()
	out = newLogWatch(t)
	ctx, cancel := context.WithCancel(context.Background())
	args := append([]string{"demo", "--listen", "127.0.0.1:0", "--every", "10ms"}, more...)
	p := Program{Args: args, Stdin: strings.NewReader(stdin), Stdout: out, Stderr: out}
	code := make(chan int, 1)
	go func() {
		code <- p.Run(ctx)
		out.end()
	}()
	stop = sync.OnceValue(func() int { cancel(); return <-code })
	t.Cleanup(func() { stop() })
	return out, stop
}

func TestDemo(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	out, stop := demo(t, "")
	out.waitText("imported dan ", "imported info ", "refused  aoi ", "no contact in From or To", "only in Cc",
		"colleagues", "自動返信", "copy ", "dan Sent", "aoi 送信済み", "to Elena Rossi")

	// The lines of curl must work when pasted.
	var paste []string
	for line := range strings.Lines(out.String()) {
		if command, ok := strings.CutPrefix(line, "  "); ok && strings.ContainsAny(command, "=$") && !strings.Contains(command, "stream") {
			paste = append(paste, strings.Replace(command, "curl ", "curl -f ", 1))
		}
	}
	answers, err := exec.CommandContext(t.Context(), "bash", "-euc", strings.Join(paste, "")).CombinedOutput()
	if err != nil || bytes.Count(answers, []byte(`"items":[{`)) != 3 {
		t.Errorf("pasting\n%sanswers %v\n%s", strings.Join(paste, ""), err, answers)
	}

	for line := range strings.Lines(out.String()) {
		if n := cells(strings.TrimSuffix(line, "\n")); n > columns {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
	if code := stop(); code != exitOK {
		t.Errorf("code %d", code)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("the demo has left %v, %v", left, err)
	}
}

func TestDemoEndsByItself(t *testing.T) {
	out, _ := demo(t, "", "--for", "50ms")
	out.waitEnd()
}

// A mailbox that can't be linked is asked for again.
func TestDemoLinksARealMailbox(t *testing.T) {
	dovecot := dovecottest.Start(t)
	if err := dovecot.AddUser("me@home.example", "my password"); err != nil {
		t.Fatal(err)
	}
	server := net.JoinHostPort(dovecottest.Host, strconv.Itoa(dovecot.IMAPSPort))
	answers := "me@home.example\n" + server + "\n\nelena@rossi.example\n"
	out, stop := demo(t, answers+"wrong\n"+answers+"my password\n", "--link", "--ca-file", dovecot.CAFile)
	out.waitText("password: ", "links me@home.example", "imported dan")
	dovecot.Deliver(t, "me@home.example", mailOf("me@rossi", elena, "me@home.example", "To you", "x"))
	out.waitText("imported me ")
	if code := stop(); code != exitOK {
		t.Errorf("code %d", code)
	}
	if said := out.String(); strings.Count(said, "its address") != 2 || strings.Contains(said, "my password") {
		t.Errorf("the dialogue was:\n%s", said)
	}
}
