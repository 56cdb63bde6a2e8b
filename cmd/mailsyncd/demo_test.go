package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"mailsyncd.example/cmd/mailsyncd/terminal"
	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
	"mailsyncd.example/sync/dovecottest"
)

func TestEveryOutcomeHasWords(t *testing.T) {
	for _, refusal := range crm.Refusals {
		if mark, why := whyShort(refusal); mark != "refused" || why == "" {
			t.Errorf("%s: %q, %q", refusal, mark, why)
		}
		for _, read := range []crm.Outcome{refusal, ""} {
			e := wire.Explanation{Watched: true, Outcome: read, Rule: refusal}
			if words := japanese(e); words == "" {
				t.Errorf("%s, outcome %q: no words in Japanese", refusal, read)
			}
		}
	}
}

// showDemo runs the demo until stop is called, which returns how it ended.
func showDemo(t *testing.T, stdin string, more ...string) (out *logWatch, stop func() int) {
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
	out, stop := showDemo(t, "")
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
		if n := terminal.Cells(strings.TrimSuffix(line, "\n")); n > columns {
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
	out, _ := showDemo(t, "", "--for", "50ms")
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
	out, stop := showDemo(t, answers+"wrong\n"+answers+"my password\n", "--link", "--ca-file", dovecot.CAFile)
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
