package main

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/moving"
	"mailsyncd.example/crm/store/sqlite"
	"mailsyncd.example/sync/dovecottest"
)

// An office goes from one machine with SQLite to another with PostgreSQL: the
// same links, threads and messages, and the sync goes on without a double.
func TestMove(t *testing.T) {
	dovecot := dovecottest.Start(t)
	here, there := t.TempDir(), t.TempDir()
	f := openFirm(t, serve(t, here), dovecot, "elena@rossi.example")
	dan := f.user("dan", crm.RoleUser)
	f.mailbox("dan@acme.example")
	l := f.link(dan, "dan@acme.example")
	deliver := func(id, subject string, headers ...string) {
		dovecot.Deliver(t, "dan@acme.example", mailOf(id, elena, danTo, subject, "株式会社 "+subject, headers...))
	}
	deliver("ask@rossi", "An offer, please")
	dovecot.Deliver(t, "dan@acme.example", mailOf("tooth@dentist", doctor, danTo, "Tuesday", "private"))
	f.look(dan, l)
	messages, events := f.messages(), f.events()
	f.daemon.stop()
	deliver("more@rossi", "Re: An offer, please", "In-Reply-To: <ask@rossi>") // while nobody is there

	url := postgresql.Empty(t)
	move := []string{"move", "--from", "sqlite://" + filepath.Join(here, "mailsync.db"), "--to", url, "--data-dir", there}
	refused := func(env []string, want string) {
		t.Helper()
		if code, _, stderr := run(t, env, move...); code != exitProblem || !strings.Contains(stderr, want) {
			t.Errorf("code %d, %s, want %q", code, stderr, want)
		}
	}
	refused(nil, "There is no keyset at "+there)
	serve(t, there).stop() // makes one of its own
	refused(nil, "can't be decrypted")

	must(t, os.RemoveAll(there))
	must(t, os.CopyFS(there, os.DirFS(here)))
	must(t, os.Remove(filepath.Join(there, "mailsync.db")))
	must(t, os.Chmod(filepath.Join(there, "keyset.json"), 0o600)) // CopyFS makes it readable for others
	code, stdout, stderr := run(t, nil, move...)
	if code != exitOK || !strings.Contains(stdout, "copy "+filepath.Join(here, "blobs")) || !strings.Contains(stderr, "checking 100 %") {
		t.Fatalf("code %d, %s%s", code, stdout, stderr)
	}

	f = f.again(serve(t, there, "--database-url", url))
	if got := f.messages(); !reflect.DeepEqual(got, messages) {
		t.Errorf("the messages are %+v, were %+v", got, messages)
	}
	if got := f.events()[:len(events)]; !reflect.DeepEqual(got, events) {
		t.Errorf("the events are %+v, were %+v", got, events)
	}
	deliver("last@rossi", "Still there?", "References: <ask@rossi>")
	dan = f.daemon.as(string(dan.token))
	f.look(dan, l)
	f.expectMail("An offer, please", "Re: An offer, please", "Still there?")
	for _, m := range f.messages() {
		if m.ThreadID != messages[0].ThreadID {
			t.Errorf("%s is in another thread", m.Subject)
		}
	}
	if h := f.balance(l.MailboxID); h.Balance.Unexplained != 0 || h.Imported != 3 || h.Refused[crm.NoContact] != 1 {
		t.Errorf("the mailbox is %+v", h)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The command is killed again and again, each time in the middle of a page;
// the last one ends what they began.
func TestMoveKilled(t *testing.T) {
	const rows = 30_000
	dir, url := t.TempDir(), postgresql.Database(t)
	path := filepath.Join(dir, "mailsync.db")
	serve(t, dir).stop()
	lite, err := sql.Open("sqlite", path)
	must(t, err)
	_, err = lite.ExecContext(t.Context(), `
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO events SELECT 'acc_' || (i % 3), i, 'evt_' || i, 'message.imported', i, '{"message_id": "msg_' || i || '"}' FROM n`, rows)
	must(t, err)
	must(t, lite.Close())
	post, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer func() { must(t, post.Close(t.Context())) }()
	for _, n := range []int{15_000, 1, 14_999} {
		killAt(t, url, n, "move", "--data-dir", dir, "--to", url)
	}
	code, _, stderr := run(t, nil, serveArgs(dir, "--database-url", url)...)
	if code != exitProblem || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "run mailsyncd move again") {
		t.Errorf("a daemon on half a database: code %d, %s", code, stderr)
	}
	if code, stdout, _ := run(t, nil, "doctor", "--data-dir", dir, "--database-url", url); code != exitProblem || !strings.Contains(stdout, "run mailsyncd move again") {
		t.Errorf("doctor: code %d, %s", code, stdout)
	}
	code, stdout, stderr := run(t, nil, "move", "--data-dir", dir, "--to", url)
	if code != exitOK || !strings.Contains(stdout, "Moved 30,000 rows") || !strings.Contains(stdout, "stays where it is") {
		t.Errorf("code %d, %s%s", code, stdout, stderr)
	}
	var events, sum int64
	must(t, post.QueryRow(t.Context(), `SELECT COUNT(*), SUM(seq) FROM events`).Scan(&events, &sum))
	if events != rows || sum != rows*(rows+1)/2 {
		t.Errorf("%d events with numbers that add up to %d", events, sum)
	}
}

// killAt kills a command that waits, in the middle of a page, to bring the n-th
// event: the key is taken, by a transaction that does not end before that.
func killAt(t *testing.T, url string, n int, args ...string) {
	t.Helper()
	holder, err := pgx.Connect(t.Context(), url)
	must(t, err)
	looker, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer looker.Close(t.Context())
	tx, err := holder.Begin(t.Context())
	must(t, err)
	_, err = tx.Exec(t.Context(), `INSERT INTO events VALUES ('acc_' || ($1::int % 3), $1, 'taken', '', 0, '')`, n)
	must(t, err)
	log := newLogWatch(t)
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdout, cmd.Stderr = log, log
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	others := func(doing string) (count int) {
		must(t, looker.QueryRow(t.Context(), `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND `+doing).Scan(&count))
		return count
	}
	for others(`wait_event_type = 'Lock' AND query ILIKE 'copy%'`) == 0 {
		select {
		case err := <-ended:
			t.Fatalf("it ended before it could be killed: %v, %s", err, log)
		default:
		}
	}
	must(t, cmd.Process.Kill())
	<-ended
	must(t, holder.Close(t.Context()))
	for others(`application_name = 'mailsyncd'`) > 0 { // until the server has noticed
	}
}

func TestMoveCommandLine(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "--to: give postgres://"},
		{[]string{"--to", "sqlite:///x"}, "--to: give postgres://"},
		{[]string{"--to", "postgres:///x", "--from", "postgres:///y"}, "--from: give sqlite://"},
	} {
		code, _, stderr := run(t, nil, append([]string{"move"}, c.args...)...)
		if code != exitUsage || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: code %d, %s", c.args, code, stderr)
		}
	}
	dir := t.TempDir()
	must(t, sqlite.Migrate(t.Context(), filepath.Join(dir, "mailsync.db")))
	serve(t, dir).stop()
	code, stdout, stderr := run(t, []string{"MAILSYNC_DATABASE_URL=" + postgresql.Empty(t)}, "move", "--data-dir", dir)
	if code != exitOK || !strings.Contains(stdout, "Accounts: 0.") {
		t.Errorf("with everything by default: code %d, %s%s", code, stdout, stderr)
	}
}

// What is not in the database has a place before the move and one after it.
func TestMoveSaysWhatElse(t *testing.T) {
	old := t.TempDir()
	must(t, os.Mkdir(filepath.Join(old, "blobs"), 0o700))
	from := "sqlite://" + old + "/mailsync.db"
	for name, c := range map[string]struct {
		config Config
		from   string
		wants  []string
	}{
		"the same folder": {Config{DataDir: old}, "", []string{"raw mail          " + old + "/blobs stays where it is", old + "/operator-token stays"}},
		"another machine": {Config{DataDir: "/new"}, from, []string{"copy " + old + "/blobs to /new/blobs", "/new/keyset.json fits", "copy " + old + "/operator-token to /new/operator-token"}},
		"a bucket":        {Config{DataDir: "/new", BlobURL: "s3://mail", Keyset: "{}"}, from, []string{"copy " + old + "/blobs to the bucket", "keys              given by the configuration"}},
		"still a bucket":  {Config{DataDir: "/new", BlobURL: "s3://mail"}, "sqlite:///old/mailsync.db", []string{"raw mail          stays in the bucket", "copy /old/operator-token to"}},
	} {
		c.config.DatabaseURL = "postgres:///x"
		said := moveCommand{Config: c.config, From: c.from}.summary(moving.Report{})
		for _, want := range c.wants {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q is not in\n%s", name, want, said)
			}
		}
	}
}
