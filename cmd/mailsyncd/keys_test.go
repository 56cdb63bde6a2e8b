package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

// Passwords are encrypted with another key after keys rotate, and still open
// the mailbox.
func TestKeysRotate(t *testing.T) {
	dovecot := dovecottest.Start(t)
	dir := t.TempDir()
	daemon := serve(t, dir)
	f := openFirm(t, daemon, dovecot, "elena@rossi.example")
	dan := f.user("dan", crm.RoleUser)
	f.mailbox("dan@acme.example")
	l := f.link(dan, "dan@acme.example")
	if code, _, stderr := run(t, nil, "keys", "rotate", "--data-dir", dir); code != exitProblem || !strings.Contains(stderr, "Another process") {
		t.Errorf("while the daemon runs: code %d, %q", code, stderr)
	}
	daemon.stop()
	before, err := os.ReadFile(filepath.Join(dir, "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := run(t, nil, "keys", "rotate", "--data-dir", dir)
	if code != exitOK || !strings.Contains(stdout, "key: 1.") {
		t.Fatalf("code %d, %q, %q", code, stdout, stderr)
	}
	after, err := os.ReadFile(filepath.Join(dir, "keyset.json"))
	if err != nil || string(before) == string(after) {
		t.Errorf("the keyset is as it was (%v)", err)
	}

	f = f.again(serve(t, dir))
	dovecot.Deliver(t, "dan@acme.example", mailOf("ask@rossi", elena, danTo, "An offer, please", "x"))
	f.look(f.daemon.as(string(dan.token)), l)
	f.expectMail("An offer, please")

	f.daemon.stop()
	if code, _, stderr := run(t, []string{"MAILSYNC_KEYSET=" + string(after)}, "keys", "rotate", "--data-dir", dir); code != exitOK {
		t.Errorf("with the keyset given: %s", stderr)
	}
	if code, _, stderr := run(t, []string{"MAILSYNC_KEYSET=nonsense"}, "keys", "rotate", "--data-dir", dir); code != exitProblem || strings.Count(stderr, "\n") != 1 {
		t.Errorf("with a keyset that is none: code %d, %q", code, stderr)
	}
}
