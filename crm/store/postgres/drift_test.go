package postgres_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm/store/sqlite"
)

// Both engines have the same tables, columns and indexes: the SQL is the same.
func TestSchemasAreTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mailsync.db")
	must(t, sqlite.Migrate(t.Context(), path))
	lite, err := sql.Open("sqlite", path)
	must(t, err)
	defer lite.Close()
	post, err := sql.Open("pgx", server.Database(t))
	must(t, err)
	defer post.Close()

	compare(t, lines(t, lite, `
		SELECT m.name || '.' || c.name || ' ' || c.type || CASE WHEN c."notnull" THEN ' not null' ELSE '' END || COALESCE(' default ' || c.dflt_value, '')
		FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'goose%' AND m.name NOT LIKE 'sqlite%'`),
		lines(t, post, `
		SELECT table_name || '.' || column_name || ' ' || data_type || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END || COALESCE(' default ' || column_default, '')
		FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'goose%'`))
	compare(t, lines(t, lite, `SELECT 'index ' || name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name NOT LIKE 'goose%'`),
		lines(t, post, `
		SELECT 'index ' || c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'public' AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)
		AND c.relname NOT LIKE '%\_by\_hash'`)) // where SQLite has the hash for a key
}

// The audit is only added to, whoever asks.
func TestAuditIsAppendOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mailsync.db")
	must(t, sqlite.Migrate(t.Context(), path))
	for driver, source := range map[string]string{"sqlite": path, "pgx": server.Database(t)} {
		db, err := sql.Open(driver, source)
		must(t, err)
		defer db.Close()
		for _, s := range []string{
			`INSERT INTO accounts (id, name, status, mail_enabled, contact_visibility, created_at) VALUES ('a', '', '', true, '', 0)`,
			`INSERT INTO audit (account, seq, at, actor_kind, actor_id, action, subject, detail) VALUES ('a', 1, 0, '', '', '', '', '')`,
		} {
			_, err := db.ExecContext(t.Context(), s)
			must(t, err)
		}
		if _, err := db.ExecContext(t.Context(), `UPDATE audit SET actor_id = 'somebody else'`); err == nil || !strings.Contains(err.Error(), "only added to") {
			t.Errorf("%s lets the audit be changed: %v", driver, err)
		}
	}
}

// lines reads one column of text, in one form for both engines.
func lines(t *testing.T, db *sql.DB, statement string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), statement)
	must(t, err)
	defer rows.Close()
	var all []string
	form := strings.NewReplacer("blob", "bytea", "::text", "")
	for rows.Next() {
		var line string
		must(t, rows.Scan(&line))
		all = append(all, form.Replace(strings.ToLower(line)))
	}
	must(t, rows.Err())
	return all
}

func compare(t *testing.T, lite, post []string) {
	t.Helper()
	if len(lite) == 0 {
		t.Error("nothing to compare")
	}
	for _, line := range lite {
		if !slices.Contains(post, line) {
			t.Errorf("PostgreSQL lacks %s", line)
		}
	}
	for _, line := range post {
		if !slices.Contains(lite, line) {
			t.Errorf("SQLite lacks %s", line)
		}
	}
}
