package postgres_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/moving"
	"mailsyncd.example/crm/store/sqlite"
	"mailsyncd.example/crm/store/storetest"
)

// partitions is the SQL by which docs/operating.md cuts tables into parts, with
// fewer of them.
func partitions(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operating.md"))
	must(t, err)
	_, rest, _ := strings.Cut(string(text), "```sql\nDO $$")
	block, _, found := strings.Cut(rest, "```")
	const parts = "parts    INT := 32;"
	if !found || !strings.Contains(block, parts) {
		t.Fatal("docs/operating.md does not show how tables are partitioned")
	}
	return "DO $$" + strings.Replace(block, parts, "parts    INT := 2;", 1)
}

// The store works on tables in parts as it does on whole ones: the foreign and
// unique keys permit it, and so do all statements.
func TestPromiseOnPartitions(t *testing.T) {
	parted := server.Database(t)
	before := shape(t, parted)
	execute(t, parted, partitions(t))
	after := shape(t, parted)
	if losses := lost(before, after); len(losses) > 0 {
		t.Errorf("the parts are not what the whole was: %q", losses)
	}
	for key := range before.constraints {
		if !after.constraints[key] {
			t.Errorf("%s lacks %s", key[0], key[1])
		}
	}
	same(t, "tables in parts", query[int](t, parted, `SELECT COUNT(*) FROM pg_class WHERE relkind = 'p'`), 11)
	storetest.Run(t, func(t *testing.T, o store.Options) *store.Store {
		return open(t, server.Copy(t, parted), o)
	}, "AccountDeleted", "Record", "Ledger", "Thread", "LateParents", "Message", "Deleted", "Events", "Deliveries", "WebhookClaims", "Halts", "Reply", "Blobs", "Tenancy")
}

// What is there already goes into the parts.
func TestPartitionsOfFullTables(t *testing.T) {
	url := server.Database(t)
	execute(t, url, `
		INSERT INTO events SELECT 'acc_' || n % 20, n, 'evt_' || n, '', n, '{}' FROM generate_series(1, 1000) n;
		INSERT INTO webhooks (account, id, url, types, include, status, secret, position, created_at, updated_at) SELECT id, 'w', '', '', '', '', '', 0, 0, 0 FROM accounts`)
	execute(t, url, partitions(t))
	same(t, "events", query[int](t, url, `SELECT SUM(seq) FROM events`), 500500)
	if most := query[int](t, url, `SELECT MAX(n) FROM (SELECT COUNT(*) n FROM events GROUP BY tableoid) parts`); most > 800 {
		t.Errorf("one part has %d of 1,000", most)
	}
}

// An office can be moved into parts right away.
func TestMoveIntoPartitions(t *testing.T) {
	url, path := server.Database(t), filepath.Join(t.TempDir(), "mailsync.db")
	execute(t, url, partitions(t))
	must(t, sqlite.Migrate(t.Context(), path))
	lite, err := sql.Open("sqlite", path)
	must(t, err)
	_, err = lite.ExecContext(t.Context(), `INSERT INTO events VALUES ('acc_1', 1, 'evt_1', '', 0, ''), ('acc_2', 1, 'evt_2', '', 0, ''), ('acc_3', 1, 'evt_3', '', 0, '')`)
	must(t, err)
	must(t, lite.Close())
	m, err := moving.Open(t.Context(), path, url, func(moving.Progress) {})
	must(t, err)
	_, err = m.Run(t.Context())
	must(t, err)
	must(t, m.Close())
	same(t, "events", query[int](t, url, `SELECT COUNT(*) FROM events`), 3)
}
