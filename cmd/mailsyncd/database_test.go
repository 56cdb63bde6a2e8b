package main

import (
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/postgrestest"
	"mailsyncd.example/sync/dovecottest"
)

// The daemon on PostgreSQL, and what the other commands say of its database.
func TestServeOnPostgreSQL(t *testing.T) {
	var server postgrestest.Server // of its own: it is stopped in between
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	dir := t.TempDir()
	url := server.Empty(t)
	env := []string{"MAILSYNC_DATABASE_URL=" + url}
	says := func(command string, want string, wantCode int) {
		t.Helper()
		code, stdout, stderr := run(t, env, command, "--data-dir", dir)
		if code != wantCode || !strings.Contains(stdout+stderr, want) {
			t.Errorf("%s: code %d, %s%s, want %q", command, code, stdout, stderr, want)
		}
	}
	says("doctor", "the tables are made on first start", exitOK)
	dovecot := dovecottest.Start(t)
	d := serve(t, dir, "--database-url", url)
	f := openFirm(t, d, dovecot, "elena@rossi.example")
	dan := f.user("dan", crm.RoleUser)
	f.mailbox("dan@acme.example")
	link := f.link(dan, "dan@acme.example")
	dovecot.Deliver(t, "dan@acme.example", mailOf("ask@rossi", elena, danTo, "An offer, please", "40 chairs"))
	dovecot.Deliver(t, "dan@acme.example", mailOf("tooth@dentist", doctor, danTo, "Tuesday", "private"))
	f.look(dan, link)
	if got := f.subjects(); !slices.Equal(got, []string{"An offer, please"}) {
		t.Errorf("imported %q", got)
	}
	says("doctor", "as this version has it", exitOK)
	says("migrate", "up to date", exitOK)

	code, _, stderr := run(t, nil, serveArgs(t.TempDir(), "--database-url", url)...)
	if code != exitProblem || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "Another mailsyncd works on this database") {
		t.Errorf("a second daemon: code %d, %s", code, stderr)
	}
	d.stop()
	server.Stop()
	for _, command := range []string{"doctor", "migrate", "serve"} {
		says(command, "PostgreSQL does not answer", exitProblem)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	f = f.again(serve(t, dir, "--database-url", url))
	if got := f.subjects(); len(got) != 1 {
		t.Errorf("after a restart of everything there are %q", got)
	}
}
