package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/seal"
	"mailsyncd.example/sync/dovecottest"
)

// linkedFirm is a firm whose data is in dir, and in which dan has linked his
// mailbox.
func linkedFirm(t *testing.T, dir string) (f *firm, dan client, l link) {
	t.Helper()
	f = openFirm(t, serve(t, dir), dovecottest.Start(t), "elena@rossi.example")
	dan = f.user("dan", crm.RoleUser)
	f.mailbox("dan@acme.example")
	return f, dan, f.link(dan, "dan@acme.example")
}

// Passwords are encrypted with another key after keys rotate, and still open
// the mailbox.
func TestKeysRotate(t *testing.T) {
	dir := t.TempDir()
	f, dan, l := linkedFirm(t, dir)
	daemon, dovecot := f.daemon, f.dovecot
	if code, _, stderr := run(t, nil, "keys", "rotate", "--data-dir", dir); code != exitProblem || !strings.Contains(stderr, "stop every process of it") {
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

// A daemon with other keys than those before, or without any, does not start: it
// would fail at every mailbox. Where the keys are lost for good, the users enter
// their passwords again.
func TestLostKeyset(t *testing.T) {
	dir := t.TempDir()
	f, dan, l := linkedFirm(t, dir)
	daemon, dovecot := f.daemon, f.dovecot
	expect := func(wantCode int, want string, args ...string) {
		t.Helper()
		code, stdout, stderr := run(t, nil, append(args, "--data-dir", dir)...)
		if code != wantCode || !strings.Contains(stdout+stderr, want) {
			t.Errorf("%v: code %d, want %d and %q:\n%s%s", args, code, wantCode, want, stdout, stderr)
		}
	}
	expect(exitOK, "it opens all of 1 passwords", "doctor", "--listen", "127.0.0.1:0")
	expect(exitProblem, "stop every process of it", "keys", "forget")
	daemon.stop()

	file := filepath.Join(dir, "keyset.json")
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	expect(exitProblem, "this process has no keyset", "doctor", "--listen", "127.0.0.1:0")
	for range 2 { // the first one leaves no keyset behind
		expect(exitProblem, "this process has no keyset", "serve", "--listen", "127.0.0.1:0")
	}
	expect(exitProblem, "keys forget --yes", "keys", "forget")
	stranger := filepath.Join(t.TempDir(), "keyset.json")
	if _, err := seal.Open(stranger); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(stranger, file); err != nil {
		t.Fatal(err)
	}
	expect(exitProblem, "opens none of the passwords", "doctor", "--listen", "127.0.0.1:0")
	expect(exitProblem, "opens none of the passwords", "serve", "--listen", "127.0.0.1:0")
	expect(exitOK, "does not open: 1.", "keys", "forget")

	// The right one is found after all.
	write(t, file, string(kept))
	expect(exitOK, "does not open: 0.", "keys", "forget")
	f = f.again(serve(t, dir))
	f.look(f.daemon.as(string(dan.token)), l)
	f.daemon.stop()

	// And then it is lost for good.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	expect(exitOK, "Passwords erased: 1.", "keys", "forget", "--yes")
	f = f.again(serve(t, dir))
	user := f.daemon.as(string(dan.token))
	if got := call[link](t, user, http.MethodGet, "/v1/links/"+l.ID, nil); got.Status != crm.LinkAuthFailed {
		t.Errorf("the link is %s", got.Status)
	}
	do(t, user, http.MethodPatch, "/v1/links/"+l.ID, map[string]any{"password": passwordOf("dan@acme.example")})
	dovecot.Deliver(t, "dan@acme.example", mailOf("ask@rossi", elena, danTo, "An offer, please", "x"))
	f.look(user, l)
	f.expectMail("An offer, please")
}
