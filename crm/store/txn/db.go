// Package txn is the little that stands between the store's SQL and
// database/sql: transactions that hold an account's lock, number its events and
// tell what they did once they are committed; statements in groups; columns and
// cursors. It knows no table but accounts and events.
package txn

import (
	"context"
	"database/sql"
	"errors"

	"mailsyncd.example/crm"
)

// DB is a database. It is safe for use by many goroutines.
type DB struct {
	write   *sql.DB
	read    *sql.DB
	dialect Dialect
	signals Signals
	turns   turns
}

// Dialect is how the databases differ where their SQL does not.
type Dialect struct {
	// Lock ends the SELECT that locks an account's row; "" where only one
	// transaction writes at a time anyway.
	Lock string
	// Like matches text whatever its case: LIKE or ILIKE.
	Like string
	// Snapshot is the isolation under which several SELECTs see one state.
	Snapshot sql.IsolationLevel
	// Classify turns an error that a person can do something about into one
	// that says so, and returns nil for any other.
	Classify func(error) *crm.Error
	// Again tells whether a transaction that failed so is to be run once more:
	// another one stood in its way. Nil where that can't be.
	Again func(error) bool
	// Send runs statements in one round trip, on a connection of the driver
	// that is inside a transaction. Nil where a round trip costs nothing. It
	// must not return driver.ErrBadConn, for which database/sql would wait
	// for the transaction to end.
	Send func(ctx context.Context, driverConn any, all []Statement) error
}

// attempts is how often a transaction is run at most.
const attempts = 5

// Signals hears what was committed, after the commit, so that no caller can
// forget to wake whoever acts on it. Its methods must not block.
type Signals interface {
	// EventsWritten says that the account has new events.
	EventsWritten(a crm.AccountID)
	// LinksChanged says that a link of the mailbox was made, ended or given
	// another credential, or what is read of the mailbox has changed.
	LinksChanged(a crm.AccountID, m crm.MailboxID)
}

// New makes a DB of two pools of connections to one database, one to write and
// one to read with. Signals may be nil.
func New(write, read *sql.DB, d Dialect, signals Signals) *DB {
	if signals == nil {
		signals = silence{}
	}
	return &DB{write: write, read: read, dialect: d, signals: signals, turns: turns{all: map[crm.AccountID]*turn{}}}
}

type silence struct{}

func (silence) EventsWritten(crm.AccountID)               {}
func (silence) LinksChanged(crm.AccountID, crm.MailboxID) {}

// Close waits for statements that run and closes the database.
func (db *DB) Close() error {
	return errors.Join(db.read.Close(), db.write.Close())
}

// Ping tells whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	return db.Fail(ctx, "ping", db.read.PingContext(ctx))
}

// Like is the operator that matches text whatever its case.
func (db *DB) Like() string { return db.dialect.Like }

// Look runs do with several SELECTs that see one state of the database. op
// names it in errors.
func (db *DB) Look(ctx context.Context, op string, do func(Session) error) error {
	on, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: db.dialect.Snapshot})
	if err != nil {
		return db.Fail(ctx, op, err)
	}
	err = do(Session{ctx: ctx, on: on})
	_ = on.Rollback() // nothing was written, so nothing can be lost
	return db.Fail(ctx, op, err)
}

// Reading is a session for a method that needs one SELECT.
func (db *DB) Reading(ctx context.Context) Session {
	return Session{ctx: ctx, on: db.read}
}

// Change runs do in a transaction that holds the account's lock. op names it
// in errors.
func (db *DB) Change(ctx context.Context, op string, a crm.AccountID, do func(*Tx) error) error {
	giveBack, err := db.turns.take(ctx, a)
	if err != nil {
		return db.Fail(ctx, op, err)
	}
	defer giveBack()
	return db.Transact(ctx, op, func(t *Tx) error {
		if err := t.Enter(a); err != nil {
			return err
		}
		return do(t)
	})
}

// Transact runs do in a transaction that may enter any account. It runs do
// again, from the beginning, where the database asks for that.
func (db *DB) Transact(ctx context.Context, op string, do func(*Tx) error) error {
	var err error
	for range attempts {
		if err = db.attempt(ctx, do); err == nil || db.dialect.Again == nil || !db.dialect.Again(err) || ctx.Err() != nil {
			break
		}
	}
	return db.Fail(ctx, op, err)
}

func (db *DB) attempt(ctx context.Context, do func(*Tx) error) error {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() // gives it back to the pool
	on, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	t := &Tx{Session: Session{ctx: ctx, on: on}, lock: db.dialect.Lock}
	if db.dialect.Send != nil {
		t.queue = &queue{conn: conn, send: db.dialect.Send}
	}
	err = do(t)
	if err == nil {
		err = t.flushTold()
	}
	if err == nil {
		err = t.flush()
	}
	if err != nil {
		_ = on.Rollback() // the connection is lost where this fails, and with it the transaction
		return err
	}
	if err := on.Commit(); err != nil {
		return err
	}
	t.told.tell(db.signals)
	return nil
}
