package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strconv"
	"strings"
)

// maxPrepared is how many statements a connection keeps prepared. The store
// has about that many texts; a caller with more of them pays in time only.
const maxPrepared = 300

// connector opens connections that keep what they have prepared, as pgx does
// for PostgreSQL. Closing it lets go of the lock, if it holds one.
type connector struct {
	driver.Connector
	lock io.Closer
	// patient connections finish a statement that has begun even where
	// nobody waits for it any more. To be able to stop one, the driver
	// starts a goroutine for each; a transaction of many short ones is
	// better off without.
	patient bool
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := inner.(fullConn)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver lacks what the store needs of it"), inner.Close())
	}
	return &conn{fullConn: full, patient: c.patient, prepared: map[string]*prepared{}}, nil
}

// Close implements io.Closer; (*sql.DB).Close calls it last.
func (c *connector) Close() error {
	if c.lock == nil {
		return nil
	}
	return c.lock.Close()
}

// fullConn is what the driver's connections can do and database/sql wants.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// fullStmt is the same of its statements.
type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// conn is a connection that keeps what it has prepared. database/sql lets one
// goroutine at a time use it.
type conn struct {
	fullConn
	patient  bool
	prepared map[string]*prepared
}

// prepared is a statement kept for the next use of its text.
type prepared struct {
	stmt  fullStmt
	order []int // which argument each ? stands for, from 0; nil for their own order
	busy  bool  // it runs, or its rows are being read
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	p, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	defer c.done(query, p)
	return p.stmt.ExecContext(c.patience(ctx), p.bind(args))
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	p, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	inner, err := p.stmt.QueryContext(c.patience(ctx), p.bind(args))
	if err != nil {
		c.done(query, p)
		return nil, err
	}
	return &rows{Rows: inner, closed: func() { c.done(query, p) }}, nil
}

func (c *conn) patience(ctx context.Context) context.Context {
	if c.patient {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// prepare finds the statement of a text, or makes it.
func (c *conn) prepare(ctx context.Context, query string) (*prepared, error) {
	if p := c.prepared[query]; p != nil && !p.busy {
		p.busy = true
		return p, nil
	}
	text, order := positional(query)
	stmt, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p := &prepared{order: order, busy: true}
	var ok bool
	if p.stmt, ok = stmt.(fullStmt); !ok {
		return nil, errors.Join(errors.New("the SQLite driver's statements know no contexts"), stmt.Close())
	}
	if c.prepared[query] == nil {
		c.makeRoom()
		c.prepared[query] = p
	}
	return p, nil
}

// done gives a statement back, or closes it where another stands for its text.
func (c *conn) done(query string, p *prepared) {
	p.busy = false
	if c.prepared[query] != p {
		_ = p.stmt.Close() // it has been read to its end or has failed already
	}
}

// makeRoom closes all statements that are not in use once there are too many.
func (c *conn) makeRoom() {
	if len(c.prepared) < maxPrepared {
		return
	}
	for query, p := range c.prepared {
		if !p.busy {
			_ = p.stmt.Close()
			delete(c.prepared, query)
		}
	}
}

// Close implements driver.Conn.
func (c *conn) Close() error {
	for _, p := range c.prepared {
		_ = p.stmt.Close()
	}
	clear(c.prepared)
	return c.fullConn.Close()
}

// bind puts the arguments into the order of the question marks.
func (p *prepared) bind(args []driver.NamedValue) []driver.NamedValue {
	if p.order == nil {
		return args
	}
	bound := make([]driver.NamedValue, len(p.order))
	for i, from := range p.order {
		if from >= len(args) {
			return args // too few: the driver has the words for it
		}
		bound[i] = driver.NamedValue{Ordinal: i + 1, Value: args[from].Value}
	}
	return bound
}

// positional writes ? for each $n. To SQLite $1 is a name, and the driver
// looks every name of a statement up among all of them: with the thousand
// placeholders of a long INSERT that costs more than the INSERT. order tells
// which argument each ? stands for, and is nil where it is their own order.
func positional(query string) (text string, order []int) {
	var b strings.Builder
	b.Grow(len(query))
	quoted, straight := false, true
	for i := 0; i < len(query); i++ {
		c := query[i]
		if c == '\'' {
			quoted = !quoted
		}
		end := i + 1
		for !quoted && c == '$' && end < len(query) && '0' <= query[end] && query[end] <= '9' {
			end++
		}
		n := 0
		if end > i+1 {
			n, _ = strconv.Atoi(query[i+1 : end]) // digits only
		}
		if n == 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('?')
		straight = straight && n == len(order)+1
		order = append(order, n-1)
		i = end - 1
	}
	if straight {
		order = nil
	}
	return b.String(), order
}

// rows tells when it is closed.
type rows struct {
	driver.Rows
	closed func()
}

// Close implements driver.Rows.
func (r *rows) Close() error {
	err := r.Rows.Close()
	r.closed()
	return err
}

var (
	_ driver.QueryerContext = (*conn)(nil)
	_ driver.ExecerContext  = (*conn)(nil)
)
