package postgres_test

import (
	"database/sql"
	"maps"
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm/store/postgres"
)

// contracting are the migrations that take something away from an older
// program, by number, each with the reason why none that would miss it runs
// any more: the release by which the last one had stopped using it. See
// "Rolling updates" in docs/operating.md.
var contracting = map[int64]string{}

// While processes are replaced one by one, older ones work on the newer schema:
// a migration only adds to what they know.
func TestMigrationsExpand(t *testing.T) {
	url := server.Empty(t)
	_, knows, err := postgres.Versions(t.Context(), url)
	must(t, err)
	must(t, postgres.MigrateTo(t.Context(), url, 1))
	before := shape(t, url)
	for version := int64(2); version <= knows; version++ {
		must(t, postgres.MigrateTo(t.Context(), url, version))
		after := shape(t, url)
		losses := lost(before, after)
		if reason, listed := contracting[version]; listed != (len(losses) > 0) || listed && reason == "" {
			t.Errorf("migration %d: listed with the reason %q, and %q", version, reason, losses)
		}
		before = after
	}
}

// The test above must be able to fail.
func TestContractionsAreSeen(t *testing.T) {
	url := server.Database(t)
	before := shape(t, url)
	for statement, want := range map[string]string{
		`ALTER TABLE events ADD COLUMN more TEXT`:                                "",
		`ALTER TABLE events ADD COLUMN much_more TEXT NOT NULL DEFAULT ''`:       "",
		`CREATE TABLE more (account TEXT NOT NULL PRIMARY KEY)`:                  "",
		`CREATE INDEX more_of_it ON events (account, type)`:                      "",
		`ALTER TABLE usage_by_month DROP COLUMN bytes`:                           "usage_by_month.bytes is gone",
		`ALTER TABLE presets RENAME COLUMN smtp TO submission`:                   "presets.smtp is gone",
		`ALTER TABLE thread_mailboxes RENAME TO mailboxes_of_thread`:             "thread_mailboxes.account is gone",
		`DROP TABLE user_tokens`:                                                 "user_tokens.hash is gone",
		`ALTER TABLE problems ALTER COLUMN tries TYPE TEXT`:                      "problems.tries is text",
		`ALTER TABLE links ALTER COLUMN ended_at SET NOT NULL`:                   "links.ended_at may not be NULL any more",
		`ALTER TABLE contacts ADD COLUMN rank BIGINT NOT NULL`:                   "contacts.rank must be filled",
		`ALTER TABLE users ALTER COLUMN email DROP NOT NULL`:                     "",
		`ALTER TABLE mailboxes ALTER COLUMN fence DROP DEFAULT`:                  "mailboxes.fence must be filled",
		`ALTER TABLE users ADD CHECK (role <> '')`:                               "users has a new constraint",
		`CREATE UNIQUE INDEX one_name ON contacts (account, name)`:               "contacts has a new constraint",
		`ALTER TABLE sightings ADD FOREIGN KEY (account) REFERENCES accounts`:    "sightings has a new constraint",
		`ALTER TABLE deliveries DROP CONSTRAINT deliveries_account_webhook_fkey`: "",
	} {
		execute(t, url, statement)
		after := shape(t, url)
		losses := strings.Join(lost(before, after), "; ")
		if !strings.Contains(losses, want) || want == "" && losses != "" {
			t.Errorf("%s: %q, want %q", statement, losses, want)
		}
		before = after
	}
}

// field is a column as those see it who write and read it.
type field struct {
	typ       string
	required  bool // it can't be NULL
	defaulted bool // it need not be named
}

// form is a schema: columns by table.column, and what restricts a table beside
// them, as table and definition.
type form struct {
	columns     map[string]field
	constraints map[[2]string]bool
}

func shape(t *testing.T, url string) form {
	t.Helper()
	db, err := sql.Open("pgx", url)
	must(t, err)
	defer db.Close()
	f := form{map[string]field{}, map[[2]string]bool{}}
	each(t, db, `SELECT table_name || '.' || column_name, data_type, is_nullable = 'NO', column_default IS NOT NULL
		FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'goose%'`, func(scan func(...any) error) error {
		var name string
		var c field
		err := scan(&name, &c.typ, &c.required, &c.defaulted)
		f.columns[name] = c
		return err
	})
	each(t, db, `SELECT r.relname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class r ON r.oid = k.conrelid
		WHERE k.connamespace = 'public'::regnamespace AND k.contype <> 'n'
		UNION SELECT tablename, REPLACE(indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes WHERE schemaname = 'public' AND indexdef LIKE 'CREATE UNIQUE%'`, func(scan func(...any) error) error {
		var key [2]string
		err := scan(&key[0], &key[1])
		f.constraints[key] = true
		return err
	})
	return f
}

// lost says what an older program, which knows the schema before, could not do
// any more after.
func lost(before, after form) (losses []string) {
	known := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(before.columns)) {
		table, _, _ := strings.Cut(name, ".")
		known[table] = true
		was, is := before.columns[name], after.columns[name]
		switch {
		case is.typ == "":
			losses = append(losses, name+" is gone")
		case is.typ != was.typ:
			losses = append(losses, name+" is "+is.typ)
		case is.required && !was.required:
			losses = append(losses, name+" may not be NULL any more")
		case is.required && was.defaulted && !is.defaulted:
			losses = append(losses, name+" must be filled")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after.columns)) {
		table, _, _ := strings.Cut(name, ".")
		is := after.columns[name]
		if _, was := before.columns[name]; !was && known[table] && is.required && !is.defaulted {
			losses = append(losses, name+" must be filled")
		}
	}
	for key := range after.constraints {
		if known[key[0]] && !before.constraints[key] {
			losses = append(losses, key[0]+" has a new constraint: "+key[1])
		}
	}
	return losses
}
