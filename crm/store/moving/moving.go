// Package moving carries an office from SQLite to PostgreSQL: every row of
// every table, whatever tables there are. What it knows of them it reads from
// the two databases; there is no list that could be forgotten when a table is
// added.
//
// Rows go over in pages, in the order of their primary keys and one table after
// the other, each page by one COPY in a transaction of its own. So the last key
// that the target has of a table says how far the move has come: killed at any
// moment, it goes on from there. In the end both sides are read whole and
// compared. Until then a table of its own (postgres.MoveTable) keeps every
// store off the target.
package moving

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/postgres"
	"mailsyncd.example/crm/store/sqlite"
)

// A page ends with so many rows, or so many bytes. Its rows stream through:
// they are never all in memory.
const (
	pageRows  = 5000
	pageBytes = 8 << 20
)

// Move is one office on its way.
type Move struct {
	source   *sqlite.Source
	target   *postgres.Target
	tables   []table // in the order in which they are carried
	pageRows int
	hear     func(Progress)
	progress Progress
	changed  int
}

// Step is a part of the work.
type Step string

// The steps, one after the other.
const (
	Copying  Step = "copying"
	Checking Step = "checking"
)

// Progress says how far a step has come.
type Progress struct {
	Step        Step
	Table       string // the one that is worked on
	Done, Total int64  // rows; those that an earlier run has carried are done
}

// Report says what was carried.
type Report struct {
	Tables   []string
	Accounts int64
	Rows     int64
	// Changed is how many texts held bytes that PostgreSQL does not take, each
	// of which is U+FFFD now. Only this run's are counted.
	Changed int
}

// Open takes hold of the database in the file at path, and of that of the URL,
// to which it is to be carried. hear is told of the progress.
//
// Errors are those of sqlite.OpenSource and postgres.OpenTarget, or of kind
// crm.Conflict: move_schema where the two have different tables,
// target_not_empty where there is something in the target already, or
// move_other_source where a move of another database, or of this one before it
// was changed, has not ended.
func Open(ctx context.Context, path, url string, hear func(Progress)) (*Move, error) {
	source, err := sqlite.OpenSource(ctx, path)
	if err != nil {
		return nil, err
	}
	target, err := postgres.OpenTarget(ctx, url)
	if err != nil {
		return nil, errors.Join(err, source.Close())
	}
	m := &Move{source: source, target: target, pageRows: pageRows, hear: hear}
	if err := m.readSchema(ctx); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	if err := m.mayBegin(ctx); err != nil {
		return nil, errors.Join(m.target.Explain(err), m.Close())
	}
	return m, nil
}

// Close lets go of both databases.
func (m *Move) Close() error { return errors.Join(m.source.Close(), m.target.Close()) }

// TrySealer fails where the sealer does not open what is encrypted in the
// source: after the move nobody could.
func (m *Move) TrySealer(ctx context.Context, s store.Sealer) error {
	return m.source.Store(store.Options{Sealer: s}).TrySealer(ctx)
}

// Run carries what is not carried yet, compares both sides, and makes the
// target ready to be served from. Where it is interrupted, or the target's
// server goes away, it is to be run again, by another process too.
//
// Errors are those of Open, or of kind crm.Conflict: move_value where a value
// can't be carried, move_differs where the two sides are not the same in the
// end. Then the target is of no use.
func (m *Move) Run(ctx context.Context) (Report, error) {
	if err := m.begin(ctx); err != nil {
		return Report{}, m.target.Explain(err)
	}
	for _, t := range m.tables {
		if err := m.copyTable(ctx, t); err != nil {
			return Report{}, err
		}
	}
	report, err := m.check(ctx)
	if err != nil {
		return Report{}, err
	}
	report.Changed = m.changed
	return report, m.target.Explain(m.end(ctx))
}

// tell reports n more rows of a table.
func (m *Move) tell(t table, n int) {
	m.progress.Table = t.name
	m.progress.Done += int64(n)
	m.hear(m.progress)
}

// begin starts to count.
func (m *Move) begin(ctx context.Context) error {
	m.progress = Progress{Step: Copying}
	for _, t := range m.tables {
		n, err := m.count(ctx, t)
		if err != nil {
			return err
		}
		m.progress.Total += n
	}
	return m.mark(ctx)
}

func (m *Move) count(ctx context.Context, t table) (n int64, err error) {
	err = m.source.QueryRowContext(ctx, `SELECT COUNT(*) FROM "`+t.name+`"`).Scan(&n)
	return n, m.source.Explain(err)
}

// end gives the planner its statistics, and the target to whoever serves from
// it.
func (m *Move) end(ctx context.Context) error {
	for _, t := range m.tables {
		if _, err := m.target.Exec(ctx, `ANALYZE `+pgx.Identifier{t.name}.Sanitize()); err != nil {
			return err
		}
	}
	_, err := m.target.Exec(ctx, `DROP TABLE `+postgres.MoveTable)
	return err
}
