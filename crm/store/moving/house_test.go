package moving_test

import (
	"database/sql"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/moving"
	"mailsyncd.example/crm/store/postgrestest"
	"mailsyncd.example/crm/store/sqlite"
)

// server is for all tests of this package.
var server postgrestest.Server

func TestMain(m *testing.M) { goleak.VerifyTestMain(server.Around(m)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t *testing.T, err error, kind crm.Kind, code string, words ...string) {
	t.Helper()
	if crm.KindOf(err) != kind || crm.CodeOf(err) != code {
		t.Fatalf("error %v, want %s, %s", err, kind, code)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %v does not say %q", err, word)
		}
	}
}

// odd are texts that a database could trip over.
var odd = []string{
	"", "plain", "it's \"quoted\" \\ and\ttabbed\nand\r\nbroken", `\N`, `\.`, "株式会社サンプル 見積書", "e\u0301 and é", "\U0001F600\u200D\uFE0F",
	"\u202Eright to left", "\x01\x7f", "\uFFFD\uFFFF\U0010FFFF", strings.Repeat("long ", 100),
}

// rowsEach is how many rows the office has in each table but accounts, which
// has one for each odd text.
const rowsEach = 30

// office makes a database with rows in each of its tables, whatever tables the
// migrations make: all that a column may hold, and NULL where it may.
func office(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "mailsync.db")
	must(t, sqlite.Migrate(t.Context(), path))
	db := onFile(t, path)
	db.SetMaxOpenConns(1)
	_, err := db.ExecContext(t.Context(), `BEGIN`)
	must(t, err)
	for _, table := range names(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'goose%'`) {
		rows := rowsEach
		if table == "accounts" {
			rows = len(odd)
		}
		for n := range rows {
			insert(t, db, table, n)
		}
	}
	_, err = db.ExecContext(t.Context(), `COMMIT`)
	must(t, err)
	must(t, db.Close())
	return path
}

// insert adds the n-th row of a table. Rows with the same n refer to each other.
func insert(t *testing.T, db *sql.DB, table string, n int) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT name, UPPER(type), "notnull" FROM pragma_table_info($1)`, table)
	must(t, err)
	defer rows.Close()
	var columns, marks []string
	var full, sparse []any
	for rows.Next() {
		var name, typ string
		var required bool
		must(t, rows.Scan(&name, &typ, &required))
		columns = append(columns, `"`+name+`"`)
		marks = append(marks, "?")
		v := value(typ, n)
		switch {
		case name == "account" || table == "accounts" && typ == "TEXT":
			v = odd[n%len(odd)]
		case name == "text":
			v = strings.Repeat(odd[n%len(odd)], 1000) // beyond what a page of PostgreSQL holds
		}
		full = append(full, v)
		if !required {
			v = nil
		}
		sparse = append(sparse, v)
	}
	must(t, rows.Err())
	must(t, rows.Close()) // the one connection is needed
	add := fmt.Sprintf(`INSERT INTO "%s" (%s) VALUES (%s)`, table, strings.Join(columns, ", "), strings.Join(marks, ", "))
	if n%2 == 0 {
		if _, err := db.ExecContext(t.Context(), add, full...); err == nil {
			return // else a CHECK minds that all columns are filled
		}
	}
	_, err = db.ExecContext(t.Context(), add, sparse...)
	must(t, err)
}

// value is what the columns of a type hold in the n-th row.
func value(typ string, n int) any {
	switch {
	case typ == "TEXT":
		return fmt.Sprintf("%03d %s", n, odd[n%len(odd)])
	case typ == "BOOLEAN":
		return n%3 == 0
	case typ == "BLOB" && n == 0:
		return []byte{}
	case typ == "BLOB":
		return []byte{0, 255, byte(n), '\\', 0x80}
	case n == 0:
		return int64(math.MinInt64)
	case n == 1:
		return int64(math.MaxInt64)
	default:
		return int64(n)
	}
}

// onFile opens a database without asking anybody, with no regard for foreign keys.
func onFile(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

func execute(t *testing.T, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	_, err = conn.Exec(t.Context(), statement)
	must(t, err)
	must(t, conn.Close(t.Context()))
}

func names(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		all = append(all, name)
	}
	must(t, rows.Err())
	slices.Sort(all)
	return all
}

// content is all of a table, by the names of its columns, as both drivers can
// be made to say it.
func content(t *testing.T, db *sql.DB, table string) (all []map[string]any) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT * FROM "`+table+`" ORDER BY 1, 2, 3`)
	must(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	must(t, err)
	for rows.Next() {
		row := make([]any, len(columns))
		to := make([]any, len(columns))
		for i := range row {
			to[i] = &row[i]
		}
		must(t, rows.Scan(to...))
		named := map[string]any{}
		for i, c := range columns {
			switch v := row[i].(type) {
			case []byte:
				named[c] = fmt.Sprintf("bytes %x", v)
			case bool:
				named[c] = int64(0)
				if v {
					named[c] = int64(1)
				}
			default:
				named[c] = v
			}
		}
		all = append(all, named)
	}
	must(t, rows.Err())
	return all
}

// sameContent compares source and target without what the move compares with.
func sameContent(t *testing.T, path, url string) {
	t.Helper()
	source := onFile(t, path)
	target, err := sql.Open("pgx", url)
	must(t, err)
	defer target.Close()
	for _, table := range names(t, target, `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'goose%'`) {
		want, got := content(t, source, table), content(t, target, table)
		if len(want) == 0 || !reflect.DeepEqual(want, got) {
			t.Errorf("%s: %d rows in the source, %d in the target, or not the same ones", table, len(want), len(got))
		}
	}
}

// open begins a move with small pages.
func open(t *testing.T, path, url string, hear func(moving.Progress)) (*moving.Move, error) {
	t.Helper()
	m, err := moving.Open(t.Context(), path, url, hear)
	if err == nil {
		m.SmallPages(7)
	}
	return m, err
}

func deaf(moving.Progress) {}

// move is a whole move that must succeed.
func move(t *testing.T, path, url string) moving.Report {
	t.Helper()
	m, err := open(t, path, url, deaf)
	must(t, err)
	r, err := m.Run(t.Context())
	must(t, err)
	must(t, m.Close())
	return r
}
