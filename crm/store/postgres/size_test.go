package postgres_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/postgrestest"
	"mailsyncd.example/crm/store/sqlite"
)

// space is what a table takes for so many messages, in bytes.
type space struct {
	rows, whole, indexes, lite int64
}

// BenchmarkSizes records b.N messages on both engines and tells what each table
// takes: docs/operating.md keeps the figures of
//
//	go test -run '^$' -bench Sizes -benchtime 100000x ./crm/store/postgres
func BenchmarkSizes(b *testing.B) {
	durable := postgrestest.Server{Durable: true}
	b.Cleanup(func() { must(b, durable.Close()) })
	url, path := durable.Database(b), filepath.Join(b.TempDir(), "mailsync.db")
	o := store.Options{Sealer: glass{}}
	fill(b, open(b, url, o))
	lite, err := sqlite.Open(b.Context(), path, o)
	must(b, err)
	fill(b, lite)
	must(b, lite.Close())

	sizes := map[string]space{}
	addPostgres(b, url, sizes)
	addSQLite(b, path, sizes)
	if b.N == 1 {
		return // the framework tries first
	}
	var out strings.Builder
	line := func(name string, s space) {
		each := func(bytes int64) float64 { return float64(bytes) / float64(b.N) }
		fmt.Fprintf(&out, "| %s | %.2f | %.0f | %.0f | %.0f |\n", name, each(s.rows), each(s.whole), each(s.indexes), each(s.lite))
	}
	var all space
	order := slices.SortedFunc(maps.Keys(sizes), func(x, y string) int { return cmp.Compare(sizes[y].whole, sizes[x].whole) })
	for _, name := range order {
		s := sizes[name]
		if s.whole > int64(b.N) {
			line("`"+name+"`", s)
		}
		all = space{all.rows + s.rows, all.whole + s.whole, all.indexes + s.indexes, all.lite + s.lite}
	}
	line("all", all)
	b.ReportMetric(float64(all.whole)/float64(b.N), "postgres-bytes/message")
	b.ReportMetric(float64(all.lite)/float64(b.N), "sqlite-bytes/message")
	// b.Logf would cut it.
	fmt.Printf("\n%d messages; a message has of each table:\n\n| table | rows | PostgreSQL, bytes | of which indexes | SQLite, bytes |\n|---|---|---|---|---|\n%s", b.N, &out)
}

// fill records b.N messages, a hundred at a time, with text that compresses as
// words do.
func fill(b *testing.B, s *store.Store) {
	d := newDesk(b, s)
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 4000)
	for i := range words {
		for range 2 + random.IntN(9) {
			words[i] += string(rune('a' + random.IntN(26)))
		}
	}
	for done := 0; done < b.N; {
		n := min(100, b.N-done)
		p := d.page(n)
		for _, arrival := range p.Arrivals {
			l := &arrival.Message.Letter
			l.Text = sentence(random, words, 500+random.IntN(3000))
			l.Snippet, l.Head.Subject = l.Text[:150], l.Text[:40]
			arrival.Message.Matches[0].Sender = random.IntN(2) == 0 // the other half is to the contact
			arrival.Message.ReceivedAt = now.AddDate(0, 0, done/100)
		}
		_, err := d.Record(b.Context(), p, now)
		must(b, err)
		done += n
	}
}

// sentence is about so many bytes of words, the frequent ones more often.
func sentence(random *rand.Rand, words []string, size int) string {
	var text strings.Builder
	for text.Len() < size {
		text.WriteString(words[random.IntN(1+random.IntN(len(words)))] + " ")
	}
	return text.String()
}

func addPostgres(b *testing.B, url string, sizes map[string]space) {
	db, err := sql.Open("pgx", url)
	must(b, err)
	defer db.Close()
	_, err = db.ExecContext(b.Context(), `VACUUM ANALYZE`)
	must(b, err)
	each(b, db, `SELECT relname, reltuples::bigint, pg_total_relation_size(oid), pg_indexes_size(oid) FROM pg_class
		WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'goose%'`, func(scan func(...any) error) error {
		var name string
		var s space
		err := scan(&name, &s.rows, &s.whole, &s.indexes)
		sizes[name] = s
		return err
	})
}

func addSQLite(b *testing.B, path string, sizes map[string]space) {
	db, err := sql.Open("sqlite", path)
	must(b, err)
	defer db.Close()
	each(b, db, `SELECT m.tbl_name, SUM(d.pgsize) FROM dbstat d JOIN sqlite_master m ON m.name = d.name
		WHERE m.tbl_name NOT LIKE 'goose%' AND m.tbl_name NOT LIKE 'sqlite%' GROUP BY 1`, func(scan func(...any) error) error {
		var name string
		var bytes int64
		err := scan(&name, &bytes)
		s := sizes[name]
		s.lite = bytes
		sizes[name] = s
		return err
	})
}

// each calls row with what scans each row of a query.
func each(t testing.TB, db *sql.DB, query string, row func(scan func(...any) error) error) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		must(t, row(rows.Scan))
	}
	must(t, rows.Err())
}
