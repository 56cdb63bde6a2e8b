package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/postgres"
)

// Of three instances that start together exactly one migrates.
func TestMigrateTogether(t *testing.T) {
	url := server.Empty(t)
	stands, knows, err := postgres.Versions(t.Context(), url)
	if err != nil || stands != 0 || knows < 1 {
		t.Fatalf("schema %d of %d, %v", stands, knows, err)
	}
	if tables := query[int](t, url, `SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'`); tables != 0 {
		t.Errorf("asking for the version made %d tables", tables)
	}
	var starting errgroup.Group
	for range 3 {
		starting.Go(func() error { return postgres.Migrate(t.Context(), url) })
	}
	must(t, starting.Wait())
	same(t, "migrations that were run", query[int64](t, url, `SELECT COUNT(*) FROM goose_db_version WHERE version_id > 0`), knows)
	stands, _, err = postgres.Versions(t.Context(), url)
	must(t, err)
	same(t, "schema", stands, knows)
}

func TestSchemaNewer(t *testing.T) {
	url := server.Database(t)
	execute(t, url, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`)
	_, err := postgres.Open(t.Context(), url, store.Options{})
	wants(t, err, crm.Conflict, "schema_newer")
	wants(t, postgres.Migrate(t.Context(), url), crm.Conflict, "schema_newer")
	stands, _, err := postgres.Versions(t.Context(), url)
	must(t, err)
	same(t, "schema", stands, 9999)
}

// A database of before there were enrollments is brought along. Who wrote its
// mail nobody has noted: it counts as the contact's.
func TestSchemaOlder(t *testing.T) {
	url := server.Empty(t)
	must(t, postgres.MigrateTo(t.Context(), url, 1))
	execute(t, url, `
		INSERT INTO accounts (id, name, status, mail_enabled, contact_visibility, created_at) VALUES ('acc_1', '', 'active', TRUE, 'all', 0);
		INSERT INTO contacts (account, id, name, owner, created_at, updated_at) VALUES ('acc_1', 'c1', '', '', 0, 0);
		INSERT INTO messages (account, id, identity, thread, direction, kind, received_at, imported_at, raw, size, subject, snippet, people, details, text)
			VALUES ('acc_1', 'msg_1', '\x01', 'thr_1', 'inbound', 'personal', 5000, 5000, '', 0, '', '', '', '{}', '');
		INSERT INTO message_contacts (account, contact, received_at, message) VALUES ('acc_1', 'c1', 5000, 'msg_1')`)
	must(t, postgres.Migrate(t.Context(), url))
	s := open(t, url, store.Options{})
	check, err := s.ReplyCheck(t.Context(), "acc_1", "c1", time.UnixMilli(5000))
	must(t, err)
	same(t, "reply", check.Message, "msg_1")
}

// Every key begins with the account, so that a table can be partitioned by it.
func TestKeysBeginWithAccount(t *testing.T) {
	url := server.Database(t)
	wrong := query[*string](t, url, `
		SELECT string_agg(c.relname, ', ') FROM pg_index i
		JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_class r ON r.oid = i.indrelid
		JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
		JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
		WHERE i.indisunique AND a.attname <> 'account' AND r.relname NOT IN ('accounts', 'goose_db_version')`)
	if wrong != nil {
		t.Errorf("keys that begin with something else: %s", *wrong)
	}
}

// What cursors and ids rely on is the order of bytes, whatever the database's is.
func TestOrderOfBytes(t *testing.T) {
	url := server.Database(t)
	if query[bool](t, url, `SELECT 'B' < 'a'`) {
		t.Fatal("this database orders by bytes of its own accord; the test proves nothing")
	}
	s := open(t, url, store.Options{})
	must(t, s.CreateAccount(t.Context(), crm.Account{ID: "acc_1", Status: crm.AccountActive, CreatedAt: now}))
	for _, id := range []crm.ContactID{"b", "B", "a-1", "A", "a", "ä", "_"} {
		_, err := s.PutContacts(t.Context(), []crm.Contact{{Account: "acc_1", ID: id, CreatedAt: now, UpdatedAt: now}})
		must(t, err)
	}
	var got []crm.ContactID
	page := crm.Paging{Limit: 2}
	for {
		list, err := s.ListContacts(t.Context(), "acc_1", page)
		must(t, err)
		for _, c := range list.Items {
			got = append(got, c.ID)
		}
		if page.Cursor = list.Next; page.Cursor == "" {
			break
		}
	}
	same(t, "contacts", got, []crm.ContactID{"A", "B", "_", "a", "a-1", "b", "ä"})
	keys := query[*string](t, url, `
		SELECT string_agg(DISTINCT r.relname || '.' || a.attname, ', ') FROM pg_index i
		JOIN pg_class r ON r.oid = i.indrelid
		JOIN pg_namespace n ON n.oid = r.relnamespace AND n.nspname = 'public'
		JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
		JOIN pg_collation c ON c.oid = a.attcollation
		WHERE c.collname <> 'C'`)
	if keys != nil {
		t.Errorf("columns with keys that are not in the order of bytes: %s", *keys)
	}
}

// query reads one value.
func query[T any](t *testing.T, url, statement string) T {
	t.Helper()
	var v T
	ctx, conn := connect(t, url)
	must(t, conn.QueryRow(ctx, statement).Scan(&v))
	must(t, conn.Close(ctx))
	return v
}

func execute(t testing.TB, url, statement string) {
	t.Helper()
	ctx, conn := connect(t, url)
	_, err := conn.Exec(ctx, statement)
	must(t, err)
	must(t, conn.Close(ctx))
}

// connect makes a connection, and a context that holds while a test is cleaned
// up too.
func connect(t testing.TB, url string) (context.Context, *pgx.Conn) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, url)
	must(t, err)
	return ctx, conn
}
