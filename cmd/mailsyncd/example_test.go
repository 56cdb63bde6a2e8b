package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/servertest"
	"mailsyncd.example/sync/dovecottest"
)

// The worked example of docs/automation.md does what it says: pasted, it hears
// of the customer's answer, once, and of nothing that somebody else signed.
func TestConsumerOfManual(t *testing.T) {
	_, example, found := strings.Cut(document(t, "docs/automation.md"), "## A worked example")
	program := regexp.MustCompile("(?s)```go\n(.*?)```").FindStringSubmatch(example)
	lines := regexp.MustCompile("(?s)```sh\n(.*?)```").FindStringSubmatch(example)
	if !found || program == nil || lines == nil {
		t.Fatal("docs/automation.md has no worked example in Go and shell")
	}
	if n := strings.Count(program[1], "\n"); n > 60 {
		t.Errorf("the example has %d lines; it is to be read at a glance", n)
	}
	dovecot := dovecottest.Start(t)
	f := openFirm(t, serve(t, t.TempDir()), dovecot)
	f.contact("1", "elena@rossi.example")
	dan := f.user("dan", crm.RoleUser)
	f.mailbox("dan@acme.example")
	f.look(dan, f.link(dan, "dan@acme.example"))
	ports, err := servertest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Release)
	address := servertest.Address(ports.Numbers[0])

	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "main.go"), []byte(program[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	said := paste(t, home, strings.ReplaceAll(lines[1], "127.0.0.1:8490", address),
		"URL="+f.daemon.url+"/v1", "KEY="+string(f.key.token))
	if line := <-said; !strings.Contains(line, `"id":"1042"`) {
		t.Fatalf("enrolled: %s", line)
	}
	if line := <-said; line != "send it" {
		t.Fatalf("asked before there was an answer: %s", line)
	}
	dovecot.Deliver(t, "dan@acme.example", mailOf("answer@rossi", elena, danTo, "Re: Spring offer", "Yes, please."))
	if line := <-said; line != "stop 1042" {
		t.Fatalf("after the answer: %s", line)
	}

	hook := call[struct{ Items []struct{ ID string } }](t, f.key, http.MethodGet, "/v1/webhooks", nil).Items[0].ID
	deliveries := "/v1/webhooks/" + hook + "/deliveries"
	var posted []struct{ ID string }
	eventually(t, "the delivery is written down, which is after its answer", func() bool {
		posted = all[struct{ ID string }](t, f.key, deliveries, nil)
		return len(posted) > 0
	})
	do(t, f.key, http.MethodPost, deliveries+"/"+posted[0].ID+"/redeliver", nil)
	forged := strings.NewReader(`{"type":"sequence.halted","data":{"enrollment_id":"1043"}}`)
	resp, err := http.Post("http://"+address+"/mail", "application/json", forged)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a forged event: %s", resp.Status)
	}
	do(t, f.key, http.MethodPut, "/v1/enrollments/1044", map[string]any{"contact_id": "1"})
	dovecot.Deliver(t, "dan@acme.example", mailOf("again@rossi", elena, danTo, "Re: Spring offer", "And two more."))
	if line := <-said; line != "stop 1044" {
		t.Errorf("after an event that came twice, one that was forged and another answer: %s", line)
	}
}

// paste runs lines of shell, and what they leave running, until the test ends;
// the lines that they print come through the channel.
func paste(t *testing.T, folder, script string, env ...string) <-chan string {
	t.Helper()
	shell := exec.Command("bash", "-c", "set -euo pipefail\n"+script+"\nwait")
	shell.Dir, shell.Env = folder, append(os.Environ(), env...)
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	shell.Stdout, shell.Stderr = w, w
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	said := make(chan string)
	done := make(chan struct{})
	go func() {
		defer close(said)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			select {
			case said <- lines.Text():
			case <-done:
				_, _ = io.Copy(io.Discard, r)
			}
		}
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)
		close(done)
		_ = shell.Wait() // it was killed
	})
	return said
}
