package txn

import (
	"context"
	"database/sql"
)

// runner is what *sql.DB and *sql.Tx have in common. Both drivers keep the
// statements that a connection has prepared by their text, so nothing is
// prepared by hand here; it pays to let texts repeat.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Session runs statements, inside a transaction or each on its own.
type Session struct {
	ctx   context.Context
	on    runner
	queue *queue // nil where every statement is sent at once
}

// Scan copies the columns of a row, as (*sql.Rows).Scan does.
type Scan func(dest ...any) error

// Exec runs a statement and returns how many rows it touched.
func (s Session) Exec(query string, args ...any) (int64, error) {
	if err := s.flush(); err != nil {
		return 0, err
	}
	res, err := s.on.ExecContext(s.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Touch runs a statement about one thing; crm.NotFound where that is not there.
func (s Session) Touch(what, query string, args ...any) error {
	n, err := s.Exec(query, args...)
	if err == nil && n == 0 {
		return NotFound(what)
	}
	return err
}

// Add runs an INSERT … ON CONFLICT DO NOTHING of one thing; crm.Conflict where
// its id is taken.
func (s Session) Add(what, query string, args ...any) error {
	n, err := s.Exec(query, args...)
	if err == nil && n == 0 {
		return Exists(what)
	}
	return err
}

// Each hands the rows of a query over one by one. The row function must not
// run statements: the connection is busy until the last row was read.
func (s Session) Each(row func(Scan) error, query string, args ...any) error {
	if err := s.flush(); err != nil {
		return err
	}
	rows, err := s.on.QueryContext(s.ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// First copies the first row of a query into dest and tells whether there is
// one.
func (s Session) First(dest []any, query string, args ...any) (bool, error) {
	found := false
	err := s.Each(func(scan Scan) error {
		if found {
			return nil
		}
		found = true
		return scan(dest...)
	}, query, args...)
	return found, err
}

// Into lists where the columns of a row go.
func Into(dest ...any) []any { return dest }

// All collects the rows of a query.
func All[T any](s Session, row func(Scan) (T, error), query string, args ...any) ([]T, error) {
	var items []T
	err := s.Each(func(scan Scan) error {
		item, err := row(scan)
		items = append(items, item)
		return err
	}, query, args...)
	return items, err
}

// One reads the thing that a query finds; crm.NotFound where there is none.
func One[T any](s Session, what string, row func(Scan) (T, error), query string, args ...any) (T, error) {
	var none T
	found, err := All(s, row, query, args...)
	if err != nil {
		return none, err
	}
	if len(found) == 0 {
		return none, NotFound(what)
	}
	return found[0], nil
}
