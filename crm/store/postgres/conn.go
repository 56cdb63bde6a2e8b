package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"mailsyncd.example/crm/store"
)

// connector lends connections of a pool to database/sql.
type connector struct {
	driver.Connector
	pool *pgxpool.Pool
	held *hold // nil where nobody asked for one
}

func newConnector(p *pgxpool.Pool, held *hold) *connector {
	return &connector{Connector: stdlib.GetPoolConnector(p), pool: p, held: held}
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := inner.(*stdlib.Conn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("pgx made a connection of type %T", inner), inner.Close())
	}
	return conn{full}, nil
}

// Close implements io.Closer; (*sql.DB).Close calls it last.
func (c *connector) Close() error {
	c.pool.Close()
	if c.held == nil {
		return nil
	}
	return c.held.Close()
}

// conn is a connection that never sends text which PostgreSQL refuses.
type conn struct{ *stdlib.Conn }

// CheckNamedValue implements driver.NamedValueChecker. PostgreSQL takes no NUL
// in a text and nothing that is no UTF-8, and would refuse a message for one
// byte of what it says; SQLite takes both. Such bytes become U+FFFD.
func (conn) CheckNamedValue(v *driver.NamedValue) (err error) {
	v.Value, err = argument(v.Value)
	return err
}

// argument is a value as it is sent.
func argument(v any) (any, error) {
	value, err := driver.DefaultParameterConverter.ConvertValue(v)
	if text, ok := value.(string); ok {
		return clean(text), err
	}
	return value, err
}

// send pipelines statements: all of them go out before the first answer is
// awaited.
func send(ctx context.Context, driverConn any, all []store.Statement) error {
	c, ok := driverConn.(conn)
	if !ok || c.Conn.Conn().PgConn().TxStatus() != inTransaction {
		return pgx.ErrTxClosed // on its own the batch would be a transaction
	}
	var batch pgx.Batch
	for _, statement := range all {
		args := make([]any, len(statement.Args))
		for i, v := range statement.Args {
			var err error
			if args[i], err = argument(v); err != nil {
				return err
			}
		}
		batch.Queue(statement.Query, args...)
	}
	answers := c.Conn.Conn().SendBatch(ctx, &batch)
	for range all {
		if _, err := answers.Exec(); err != nil {
			return errors.Join(err, answers.Close())
		}
	}
	return answers.Close()
}

// inTransaction is the state of a connection in the middle of a transaction
// that has not failed: PostgreSQL's manual, ReadyForQuery.
const inTransaction = 'T'

func clean(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if strings.IndexByte(text, 0) < 0 {
		return text
	}
	return strings.ReplaceAll(text, "\x00", "\uFFFD")
}

// How long a server may be silent: while a connection is made, and while bytes
// that were sent wait for their receipt.
const (
	connectTimeout = 10 * time.Second
	silence        = 20 * time.Second
)

// dial makes connections that notice a server which vanished without a word.
func dial(timeout time.Duration) pgconn.DialFunc {
	if timeout == 0 {
		timeout = connectTimeout
	}
	d := net.Dialer{
		Timeout:         timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silence / 4, Interval: silence / 4, Count: 3},
		Control:         limitSilence,
	}
	return d.DialContext
}
