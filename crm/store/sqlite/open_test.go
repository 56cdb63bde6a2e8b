package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/sqlite"
)

// openAt opens the database of a path; the caller closes it.
func openAt(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, store.Options{Sealer: glass{}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// glass seals nothing, so that a test can look for secrets in the file.
type glass struct{}

func (glass) Seal(plain, _ []byte) ([]byte, error)  { return plain, nil }
func (glass) Open(sealed, _ []byte) ([]byte, error) { return sealed, nil }

var now = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// furnish adds an account with a user and a link that has this secret.
func furnish(t *testing.T, s *store.Store, secret crm.Secret) crm.Link {
	t.Helper()
	ctx := t.Context()
	must(t, s.CreateAccount(ctx, crm.Account{ID: "acc_1", Status: crm.AccountActive, MailEnabled: true, CreatedAt: now}))
	_, err := s.PutUser(ctx, crm.User{Account: "acc_1", ID: "u1", Email: "u1@sample.example", Active: true, CreatedAt: now, UpdatedAt: now}, now)
	must(t, err)
	l, err := s.CreateLink(ctx, crm.Link{Account: "acc_1", User: "u1", Username: "u1", LinkedAt: now}, secret, []crm.Folder{{Name: "INBOX", UIDValidity: 1}})
	must(t, err)
	return l
}

func wants(t *testing.T, err error, kind crm.Kind, code string) {
	t.Helper()
	if crm.KindOf(err) != kind || crm.CodeOf(err) != code {
		t.Errorf("error %v, want %s, %s", err, kind, code)
	}
}

func TestOpenAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a data folder?&%20#", "mailsync.db")
	s := openAt(t, path)
	l := furnish(t, s, "hunter2")
	must(t, s.Close())
	s = openAt(t, path)
	st, err := s.Standing(t.Context(), "acc_1", l.Mailbox)
	must(t, err)
	if st.Logins[0].Secret != "hunter2" {
		t.Error("the secret has changed")
	}
	files, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %v, %v", f.Name(), info.Mode(), err)
		}
		if !strings.HasPrefix(f.Name(), "mailsync.db") {
			t.Errorf("a file named %s", f.Name())
		}
	}
	must(t, s.Close())
}

// A killed process leaves the database as the last commit left it.
func TestKilled(t *testing.T) {
	if path := os.Getenv("STORE_TO_LEAVE_OPEN"); path != "" {
		furnish(t, openAt(t, path), "hunter2")
		os.Exit(9)
	}
	path := filepath.Join(t.TempDir(), "mailsync.db")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
	child.Env = append(os.Environ(), "STORE_TO_LEAVE_OPEN="+path)
	out, err := child.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 9 {
		t.Fatalf("%v: %s", err, out)
	}
	s := openAt(t, path)
	defer s.Close()
	events, err := s.ListEvents(t.Context(), "acc_1", 0, 10)
	if err != nil || len(events) != 1 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

func TestInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mailsync.db")
	s := openAt(t, path)
	_, err := sqlite.Open(t.Context(), path, store.Options{})
	wants(t, err, crm.Unavailable, "database_in_use")
	wants(t, sqlite.Migrate(t.Context(), path), crm.Unavailable, "database_in_use")
	must(t, s.Close())
	must(t, openAt(t, path).Close())
}

func TestVersions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mailsync.db")
	if _, _, err := sqlite.Versions(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("versions of no database: %v", err)
	}
	must(t, sqlite.Migrate(t.Context(), path))
	must(t, sqlite.Migrate(t.Context(), path)) // again: nothing to do
	stands, knows, err := sqlite.Versions(t.Context(), path)
	if err != nil || stands != knows || knows == 0 {
		t.Errorf("schema %d of %d, %v", stands, knows, err)
	}
}

// A database of before there were enrollments is brought along. Who wrote its
// mail nobody has noted: it counts as the contact's, so that no sequence goes on
// by mistake.
func TestOlderSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mailsync.db")
	must(t, sqlite.MigrateTo(t.Context(), path, 1))
	tamper(t, path,
		`INSERT INTO accounts (id, name, status, mail_enabled, contact_visibility, created_at) VALUES ('acc_1', '', 'active', TRUE, 'all', 0)`,
		`INSERT INTO contacts (account, id, name, owner, created_at, updated_at) VALUES ('acc_1', 'c1', '', '', 0, 0)`,
		`INSERT INTO messages (account, id, identity, thread, direction, kind, received_at, imported_at, raw, size, subject, snippet, people, details, text)
			VALUES ('acc_1', 'msg_1', x'01', 'thr_1', 'inbound', 'personal', 5000, 5000, '', 0, '', '', '', '{}', '')`,
		`INSERT INTO message_contacts (account, contact, received_at, message) VALUES ('acc_1', 'c1', 5000, 'msg_1')`)
	s := openAt(t, path)
	defer s.Close()
	check, err := s.ReplyCheck(t.Context(), "acc_1", "c1", time.UnixMilli(5000))
	if err != nil || check.Message != "msg_1" {
		t.Errorf("the reply is %+v, %v", check, err)
	}
	_, created, err := s.PutEnrollment(t.Context(), crm.Enrollment{Account: "acc_1", ID: "e1", Contact: "c1"}, time.UnixMilli(6000))
	if err != nil || !created {
		t.Errorf("enrolled: %v, %v", created, err)
	}
}

func TestNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mailsync.db")
	must(t, sqlite.Migrate(t.Context(), path))
	tamper(t, path, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`)
	before, err := os.ReadFile(path)
	must(t, err)
	_, err = sqlite.Open(t.Context(), path, store.Options{})
	wants(t, err, crm.Conflict, "schema_newer")
	wants(t, sqlite.Migrate(t.Context(), path), crm.Conflict, "schema_newer")
	after, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("a database that is not understood was changed")
	}
}

// tamper runs statements on a database that nobody has open.
func tamper(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	for _, s := range statements {
		_, err := db.ExecContext(t.Context(), s)
		must(t, err)
	}
	must(t, db.Close())
}

func TestUnusableFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for name, path := range map[string]string{
		"a file for a folder":   filepath.Join(file, "mailsync.db"),
		"a folder for the file": dir,
	} {
		_, err := sqlite.Open(t.Context(), path, store.Options{})
		if crm.CodeOf(err) != "data_dir_unwritable" {
			t.Errorf("%s: %v", name, err)
		}
	}
	garbage := filepath.Join(dir, "garbage.db")
	must(t, os.WriteFile(garbage, bytes.Repeat([]byte("no database "), 1000), 0o600))
	_, err := sqlite.Open(t.Context(), garbage, store.Options{})
	wants(t, err, crm.Unavailable, "database_corrupt")
}

// A full disk refuses the change as a whole, with words, and goes on when there
// is room again.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mailsync.db")
	s, write, _, err := sqlite.OpenWithPools(t.Context(), path, store.Options{Sealer: glass{}})
	must(t, err)
	defer s.Close()
	limit := func(pages int) {
		_, err := write.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages))
		must(t, err)
	}
	l := furnish(t, s, "hunter2")
	fs, err := s.Folders(t.Context(), "acc_1", l.Mailbox)
	must(t, err)
	page := func() crm.Page {
		m := &crm.Message{ReceivedAt: now, Letter: crm.Letter{Text: strings.Repeat("x", 1<<20)}}
		return crm.Page{
			Account: "acc_1", Mailbox: l.Mailbox, Folder: fs[0].ID, UIDValidity: 1, Through: 1,
			Arrivals: []crm.Arrival{{UID: 1, Identity: crm.Identity{1}, Message: m}},
		}
	}
	limit(100)
	_, err = s.Record(t.Context(), page(), now)
	wants(t, err, crm.Unavailable, "disk_full")
	limit(1 << 30)
	if _, err := s.Record(t.Context(), page(), now); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// Nothing of a credential remains in the files once its link has ended, even
// had it not been encrypted; nor of a message that was deleted.
func TestErased(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mailsync.db")
	s := openAt(t, path)
	const secret, text = "canary-of-the-credential", "canary of the letter"
	l := furnish(t, s, secret)
	fs, err := s.Folders(t.Context(), "acc_1", l.Mailbox)
	must(t, err)
	m := &crm.Message{
		ReceivedAt: now, Matches: []crm.Match{{Contact: "c1", Address: "canary@customer.example"}},
		Letter: crm.Letter{
			Head: crm.Head{Subject: text, HeaderID: "canary@header", From: []crm.Person{{Name: "canary", Address: "canary@customer.example"}}},
			Text: strings.Repeat(text+" ", 1000), Snippet: text,
		},
		Correspondents: []crm.Address{"canary@customer.example"},
	}
	r, err := s.Record(t.Context(), crm.Page{
		Account: "acc_1", Mailbox: l.Mailbox, Folder: fs[0].ID, UIDValidity: 1, Through: 1,
		Arrivals: []crm.Arrival{{UID: 1, Identity: crm.Identity{1}, Message: m}},
	}, now)
	must(t, err)
	if n := remains(t, path, secret) + remains(t, path, text); n == 0 {
		t.Fatal("the canaries were never there")
	}
	must(t, s.EndLink(t.Context(), "acc_1", l.ID, crm.EndedUnlinked, now))
	_, err = s.DeleteMessage(t.Context(), "acc_1", r.Imported[0], now)
	must(t, err)
	must(t, s.Close()) // which writes the log back into the file
	for _, canary := range []string{secret, text, "canary@header"} {
		if n := remains(t, path, canary); n != 0 {
			t.Errorf("%q is still in the files, %d times", canary, n)
		}
	}
}

// remains counts text in the database's files.
func remains(t *testing.T, path, text string) int {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	must(t, err)
	n := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		must(t, err)
		n += bytes.Count(b, []byte(text))
	}
	return n
}

// Who waits for the one connection that writes can go away.
func TestWaitingIsCancelled(t *testing.T) {
	s, write, _, err := sqlite.OpenWithPools(t.Context(), filepath.Join(t.TempDir(), "mailsync.db"), store.Options{})
	must(t, err)
	defer s.Close()
	busy, err := write.Conn(t.Context())
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.CreateAccount(ctx, crm.Account{ID: "acc_1"}) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	must(t, busy.Close())
	must(t, s.CreateAccount(t.Context(), crm.Account{ID: "acc_1", CreatedAt: now}))
}
