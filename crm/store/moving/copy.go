package moving

import (
	"context"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5"

	"mailsyncd.example/crm/store/postgres"
)

// copyTable carries the rows of a table that come after those that the target
// has. Nobody else writes there, so they are the first ones of the source.
func (m *Move) copyTable(ctx context.Context, t table) error {
	m.tell(t, 0)
	key, err := m.lastKey(ctx, t)
	if err != nil {
		return m.target.Explain(err)
	}
	for {
		p, err := m.copyPage(ctx, t, key)
		if err != nil {
			return err
		}
		m.changed += p.changed
		m.tell(t, p.rows)
		if !p.more {
			return nil
		}
		key = t.keyOf(p.row)
	}
}

// lastKey is the key of the last row that the target has of a table; nil where
// it has none.
func (m *Move) lastKey(ctx context.Context, t table) ([]any, error) {
	rows, err := m.target.Query(ctx, t.selectLast())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, rows.Err()
	}
	return rows.Values()
}

// copyPage carries the rows after a key, up to the size of a page.
func (m *Move) copyPage(ctx context.Context, t table, after []any) (*page, error) {
	rows, err := m.source.QueryContext(ctx, t.selectRows(t.after(after))+" LIMIT "+strconv.Itoa(m.pageRows), after...)
	if err != nil {
		return nil, m.source.Explain(err)
	}
	defer rows.Close()
	p := &page{table: t, from: rows, limit: m.pageRows}
	err = m.inTransaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.names(), p); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE `+postgres.MoveTable+` SET rows = rows + $1`, p.rows)
		return err
	})
	if p.err != nil {
		return nil, m.source.Explain(p.err)
	}
	return p, m.target.Explain(err)
}

// page hands rows of the source to COPY, one at a time. It implements
// pgx.CopyFromSource.
type page struct {
	table   table
	from    cursor
	limit   int   // of rows
	row     []any // the last one
	rows    int
	bytes   int
	changed int
	more    bool // there may be rows after these
	err     error
}

// Next reads a row.
func (p *page) Next() bool {
	if p.err != nil || p.bytes >= pageBytes || !p.from.Next() {
		p.more = p.bytes >= pageBytes || p.rows == p.limit
		p.err = errors.Join(p.err, p.from.Err())
		return false
	}
	var changed int
	if p.row, p.err = p.table.scan(p.from); p.err == nil {
		changed, p.err = p.table.carry(p.row)
	}
	if p.err != nil {
		return false
	}
	p.rows++
	p.bytes += size(p.row)
	p.changed += changed
	return true
}

// Values is the row that Next has read.
func (p *page) Values() ([]any, error) { return p.row, nil }

// Err tells why there are no more.
func (p *page) Err() error { return p.err }
