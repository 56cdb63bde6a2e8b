package moving_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/moving"
	"mailsyncd.example/crm/store/postgres"
	"mailsyncd.example/crm/store/postgrestest"
	"mailsyncd.example/crm/store/sqlite"
)

// Every table that the migrations make goes over, with all that can be in it;
// the source stays as it is.
func TestEverythingIsMoved(t *testing.T) {
	path, url := office(t), server.Empty(t)
	before, err := os.ReadFile(path)
	must(t, err)
	var last moving.Progress
	m, err := open(t, path, url, func(p moving.Progress) { last = p })
	must(t, err)
	r, err := m.Run(t.Context())
	must(t, err)
	must(t, m.Close())
	after, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("the source was changed")
	}
	sameContent(t, path, url)

	post, err := sql.Open("pgx", url)
	must(t, err)
	defer post.Close()
	all := names(t, post, `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'goose%'`)
	if left := names(t, post, `SELECT sequencename FROM pg_sequences WHERE sequencename NOT LIKE 'goose%'`); len(left) > 0 {
		t.Errorf("these would begin at 1 again: %q", left)
	}
	rows := int64(rowsEach*(len(all)-1) + len(odd))
	if slices.Sort(r.Tables); !slices.Equal(r.Tables, all) || r.Accounts != int64(len(odd)) || r.Rows != rows || r.Changed != 0 {
		t.Errorf("moved %+v, want %d rows of %v", r, rows, all)
	}
	if want := (moving.Progress{Step: moving.Checking, Table: last.Table, Done: rows, Total: rows}); last != want {
		t.Errorf("in the end the progress was %+v, want %+v", last, want)
	}
	s, err := postgres.OpenAlone(t.Context(), url, store.Options{})
	must(t, err)
	must(t, s.Close())
	_, err = open(t, path, url, deaf)
	wants(t, err, crm.Conflict, "target_not_empty", "is not empty")
}

// A move that is stopped every few pages comes to the same end, and until then
// nobody can take the target for a whole database.
func TestMoveGoesOn(t *testing.T) {
	path, url := office(t), server.Database(t)
	runs, done := 0, int64(0)
	for ; runs < 1000; runs++ {
		ctx, cancel := context.WithCancel(t.Context())
		begun := int64(-1)
		m, err := open(t, path, url, func(p moving.Progress) {
			if begun < 0 {
				begun = p.Done
			}
			if p.Done > begun+20 && p.Step == moving.Copying {
				done = p.Done
				cancel()
			}
		})
		must(t, err)
		_, err = m.Run(ctx)
		cancel()
		must(t, m.Close())
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("run %d: %v", runs, err)
		}
		if begun > done {
			t.Fatalf("run %d began at row %d, and %d were there", runs, begun, done)
		}
		_, _, err = postgres.Versions(t.Context(), url)
		wants(t, err, crm.Conflict, "move_unfinished")
	}
	if runs < 20 {
		t.Errorf("it ended after %d runs", runs)
	}
	sameContent(t, path, url)
}

func TestHalfMovedIsRefused(t *testing.T) {
	path, url := office(t), server.Database(t)
	m, err := open(t, path, url, deaf)
	must(t, err)
	must(t, m.Copy(t.Context()))
	must(t, m.Close())
	for name, do := range map[string]func() error{
		"open":    func() error { _, err := postgres.Open(t.Context(), url, store.Options{}); return err },
		"alone":   func() error { _, err := postgres.OpenAlone(t.Context(), url, store.Options{}); return err },
		"migrate": func() error { return postgres.Migrate(t.Context(), url) },
	} {
		t.Run(name, func(t *testing.T) { wants(t, do(), crm.Conflict, "move_unfinished", "run mailsyncd move again") })
	}
	_, err = open(t, office(t), url, deaf)
	wants(t, err, crm.Conflict, "move_other_source", path)
	lite := onFile(t, path)
	_, err = lite.ExecContext(t.Context(), `DELETE FROM events`)
	must(t, err)
	must(t, lite.Close())
	must(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Second))) // clocks of files are coarse
	_, err = open(t, path, url, deaf)
	wants(t, err, crm.Conflict, "move_other_source", "worked on")
}

func TestWrongDatabases(t *testing.T) {
	path := office(t)
	for name, c := range map[string]struct {
		prepare    func(t *testing.T, url string) (from string)
		kind       crm.Kind
		code, word string
	}{
		"no source": {func(*testing.T, string) string { return path + ".not" }, crm.NotFound, "database_missing", ".not"},
		"a source in use": {func(t *testing.T, _ string) string {
			s, err := sqlite.Open(t.Context(), path, store.Options{})
			must(t, err)
			t.Cleanup(func() { must(t, s.Close()) })
			return path
		}, crm.Unavailable, "database_in_use", path},
		"a target in use by many": {func(t *testing.T, url string) string {
			s, err := postgres.OpenShared(t.Context(), url, store.Options{})
			must(t, err)
			t.Cleanup(func() { must(t, s.Close()) })
			return path
		}, crm.Unavailable, "database_in_use", "moved to"},
		"a target in use by one": {func(t *testing.T, url string) string {
			s, err := postgres.OpenAlone(t.Context(), url, store.Options{})
			must(t, err)
			t.Cleanup(func() { must(t, s.Close()) })
			return path
		}, crm.Unavailable, "database_in_use", ""},
		"a target with something in it": {func(t *testing.T, url string) string {
			execute(t, url, `INSERT INTO accounts (id, name, status, mail_enabled, contact_visibility, created_at) VALUES ('acc_1', '', '', true, '', 0)`)
			return path
		}, crm.Conflict, "target_not_empty", "accounts"},
		"an older target":  {schema(`DELETE FROM goose_db_version WHERE version_id > 1`, path), crm.Conflict, "schema_older", "migrate"},
		"a newer target":   {schema(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`, path), crm.Conflict, "schema_newer", ""},
		"a table too many": {schema(`CREATE TABLE more (account TEXT PRIMARY KEY)`, path), crm.Conflict, "move_schema", "only the target has the table more"},
		"a table too few":  {schema(`DROP TABLE events`, path), crm.Conflict, "move_schema", "only the source has the table events"},
		"another column":   {schema(`ALTER TABLE events ADD COLUMN more TEXT`, path), crm.Conflict, "move_schema", "events"},
		"another key":      {schema(`ALTER TABLE events DROP CONSTRAINT events_pkey`, path), crm.Conflict, "move_schema", "events"},
		"a strange type":   {schema(`ALTER TABLE events ALTER COLUMN at TYPE NUMERIC`, path), crm.Internal, "move_schema", "events.at"},
	} {
		t.Run(name, func(t *testing.T) {
			url := server.Database(t)
			m, err := open(t, c.prepare(t, url), url, deaf)
			wants(t, err, c.kind, c.code, c.word)
			if m != nil {
				must(t, m.Close())
			}
		})
	}
}

// schema changes the target beforehand.
func schema(statement, path string) func(*testing.T, string) string {
	return func(t *testing.T, url string) string { execute(t, url, statement); return path }
}

func TestOlderSource(t *testing.T) {
	path := office(t)
	lite := onFile(t, path)
	_, err := lite.ExecContext(t.Context(), `DELETE FROM goose_db_version WHERE version_id > 1`)
	must(t, err)
	_, err = open(t, path, server.Empty(t), deaf)
	wants(t, err, crm.Conflict, "schema_older", "mailsyncd migrate --database-url sqlite://"+path)
}

// Whatever is not the same in the end is found, and named.
func TestDifferencesAreFound(t *testing.T) {
	path := office(t)
	for name, c := range map[string]struct {
		damage string
		words  []string
	}{
		"another text":     {`UPDATE messages SET text = text || ' ' WHERE id LIKE '005%'`, []string{"messages (account 株式会社サンプル 見積書, id 005", "another text"}},
		"another byte":     {`UPDATE messages SET identity = '\x00' WHERE id LIKE '001%'`, []string{"messages (account plain, id 001 plain", "another identity"}},
		"no NULL any more": {`UPDATE links SET ended_at = 0 WHERE id LIKE '001%'`, []string{"links (account plain, id 001 plain", "another ended_at"}},
		"a row less":       {`DELETE FROM events WHERE seq = 13`, []string{"events (account plain, seq 13)"}},
		"a row more":       {`INSERT INTO usage_by_month VALUES ('plain', 'more', 1, 1)`, []string{"only the target has usage_by_month (account plain, month more)"}},
		"an account less":  {`DELETE FROM usage_by_month WHERE account = 'plain'`, []string{"the target lacks usage_by_month (account plain"}},
		"an account more":  {`INSERT INTO usage_by_month VALUES ('more', '', 1, 1)`, []string{"only the target has usage_by_month (account more"}},
	} {
		t.Run(name, func(t *testing.T) {
			url := server.Database(t)
			m, err := open(t, path, url, deaf)
			must(t, err)
			must(t, m.Copy(t.Context()))
			must(t, m.Close())
			execute(t, url, c.damage)
			m, err = open(t, path, url, deaf)
			must(t, err)
			defer m.Close()
			_, err = m.Run(t.Context())
			wants(t, err, crm.Conflict, "move_differs", c.words...)
			_, _, err = postgres.Versions(t.Context(), url)
			wants(t, err, crm.Conflict, "move_unfinished")
		})
	}
}

// What PostgreSQL can't hold becomes what its store would have written.
func TestBytesThatAreNoText(t *testing.T) {
	path, url := office(t), server.Empty(t)
	lite := onFile(t, path)
	set := func(statement string, args ...any) {
		t.Helper()
		_, err := lite.ExecContext(t.Context(), statement, args...)
		must(t, err)
	}
	set(`UPDATE mailboxes SET last_error = CAST(x'61FF00' AS TEXT) WHERE id LIKE '004%'`)
	if r := move(t, path, url); r.Changed != 1 {
		t.Errorf("%d texts were changed", r.Changed)
	}
	post, err := sql.Open("pgx", url)
	must(t, err)
	defer post.Close()
	if got := names(t, post, `SELECT last_error FROM mailboxes WHERE id LIKE '004%'`); got[0] != "a\uFFFD\uFFFD" {
		t.Errorf("it says %q now", got)
	}

	for name, c := range map[string]struct{ statement, word string }{
		"in a key":        {`UPDATE events SET account = CAST(x'FF' AS TEXT) WHERE seq = 5`, `"\xff"`},
		"of another type": {`UPDATE events SET at = 'yesterday' WHERE seq = 5`, "events (account 株式会社サンプル 見積書, seq 5) holds a string in its column at"},
	} {
		t.Run(name, func(t *testing.T) {
			path := office(t)
			db := onFile(t, path)
			_, err := db.ExecContext(t.Context(), c.statement)
			must(t, err)
			m, err := open(t, path, server.Empty(t), deaf)
			must(t, err)
			defer m.Close()
			_, err = m.Run(t.Context())
			wants(t, err, crm.Conflict, "move_value", c.word)
		})
	}
}

// lock is a Sealer with a key.
type lock string

func (l lock) Seal(plain, ad []byte) ([]byte, error) { return append([]byte(l), plain...), nil }

func (l lock) Open(sealed, _ []byte) ([]byte, error) {
	plain, ok := bytes.CutPrefix(sealed, []byte(l))
	if !ok {
		return nil, fmt.Errorf("not sealed by %s", l)
	}
	return plain, nil
}

func TestSealerMustFit(t *testing.T) {
	path := t.TempDir() + "/mailsync.db"
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	s, err := sqlite.Open(t.Context(), path, store.Options{Sealer: lock("one")})
	must(t, err)
	must(t, s.CreateAccount(t.Context(), crm.Account{ID: "acc_1", Status: crm.AccountActive, MailEnabled: true, CreatedAt: now}))
	try := func(with lock, fits bool) {
		t.Helper()
		m, err := open(t, path, server.Empty(t), deaf)
		must(t, err)
		defer m.Close()
		if err := m.TrySealer(t.Context(), with); (err == nil) != fits {
			t.Errorf("with the key %s: %v", with, err)
		} else if !fits {
			wants(t, err, crm.Internal, "credential_unreadable")
		}
	}
	must(t, s.Close())
	try("two", true) // nothing is sealed yet

	s, err = sqlite.Open(t.Context(), path, store.Options{Sealer: lock("one")})
	must(t, err)
	_, err = s.PutUser(t.Context(), crm.User{Account: "acc_1", ID: "u1", Email: "u1@sample.example", Active: true, CreatedAt: now, UpdatedAt: now}, now)
	must(t, err)
	_, err = s.CreateLink(t.Context(), crm.Link{Account: "acc_1", User: "u1", Username: "u1", LinkedAt: now}, "secret", []crm.Folder{{Name: "INBOX", UIDValidity: 1}})
	must(t, err)
	must(t, s.Close())
	try("one", true)
	try("two", false)
}

// The target's server goes away in the middle, and comes back.
func TestServerRestarts(t *testing.T) {
	var own postgrestest.Server
	defer func() { must(t, own.Close()) }()
	path, url := office(t), own.Database(t)
	stop := sync.OnceFunc(own.Kill)
	m, err := open(t, path, url, func(p moving.Progress) {
		if p.Done > 100 {
			stop()
		}
	})
	must(t, err)
	_, err = m.Run(t.Context())
	wants(t, err, crm.Unavailable, "database_unreachable")
	must(t, m.Close())
	must(t, own.Start())
	move(t, path, url)
	sameContent(t, path, url)
}
