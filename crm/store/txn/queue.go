package txn

import (
	"context"
	"database/sql"
)

// Statement is one that waits to be sent.
type Statement struct {
	Query string
	Args  []any
}

// queue holds the writes of a transaction until somebody wants to know
// something: then they go to the database together, which saves a round trip
// for each.
type queue struct {
	conn    *sql.Conn // the transaction's
	send    func(ctx context.Context, driverConn any, all []Statement) error
	waiting []Statement
}

// Write runs a statement of which nobody wants to know how many rows it
// touched. An error may come only from a later statement, or from the end of
// the transaction; the arguments must stay as they are until then.
func (s Session) Write(query string, args ...any) error {
	if s.queue == nil {
		_, err := s.on.ExecContext(s.ctx, query, args...)
		return err
	}
	s.queue.waiting = append(s.queue.waiting, Statement{query, args})
	return nil
}

// flush sends what waits.
func (s Session) flush() error {
	if s.queue == nil || len(s.queue.waiting) == 0 {
		return nil
	}
	all := s.queue.waiting
	s.queue.waiting = nil
	return s.queue.conn.Raw(func(driverConn any) error {
		// A transaction whose context has ended is rolled back behind our
		// back, but its connection is still here.
		if err := s.ctx.Err(); err != nil {
			return err
		}
		return s.queue.send(s.ctx, driverConn, all)
	})
}
