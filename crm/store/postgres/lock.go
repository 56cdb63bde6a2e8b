package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"mailsyncd.example/crm"
)

const (
	// lockKey names our lock among those that programs take in this database:
	// the letters "mailsync".
	lockKey = 0x6d61696c73796e63
	// databaseInUse is the code of the error where another process holds it.
	databaseInUse = "database_in_use"
	// lookEvery is how often the connection is tried. A server that closes it
	// is noticed at once; this is for one that vanished.
	lookEvery = 5 * time.Second
	// retakeEvery is how often a lost lock is asked for.
	retakeEvery = time.Second
)

// lockSettings let the server notice within seconds that we have vanished, as
// until then the lock is nobody else's.
const lockSettings = `
	SET idle_session_timeout = 0;
	SET tcp_keepalives_idle = 5;
	SET tcp_keepalives_interval = 5;
	SET tcp_keepalives_count = 3`

// mode is how a process has the database.
type mode struct {
	take    string // the statement that takes the lock
	refused string // what to say where it is not to be had
}

// alone keeps every other process off.
func alone() mode {
	return mode{
		take:    `SELECT pg_try_advisory_lock($1)`,
		refused: "Another mailsyncd works on this database; stop it first, or set MAILSYNC_REDIS_URL for all of them, so that they share the work.",
	}
}

// shared keeps those off that want to be alone.
func shared() mode {
	return mode{
		take:    `SELECT pg_try_advisory_lock_shared($1)`,
		refused: "A mailsyncd without Redis works on this database, and would share the work with nobody; stop it first, or set MAILSYNC_REDIS_URL for it too.",
	}
}

// moves keeps every other process off while an office is carried into the
// database.
func moves() mode {
	return mode{
		take:    alone().take,
		refused: "A mailsyncd works on the database that the office is to be moved to; stop it first.",
	}
}

// hold holds the lock, on a connection of its own. See OpenAlone.
type hold struct {
	config *pgx.ConnConfig
	mode   mode
	stop   context.CancelFunc
	done   chan struct{} // closed once nothing is left of it

	mu   sync.Mutex
	lost error // why the lock is not held; nil while it is
}

// takeLock takes the lock, or fails with database_in_use. From then on it is
// looked after until Close.
func takeLock(ctx context.Context, config *pgx.ConnConfig, m mode) (*hold, error) {
	conn, err := lockOn(ctx, config, m)
	if err != nil {
		return nil, err
	}
	// What looks after it lives for as long as the store, not as the call.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	h := &hold{config: config, mode: m, stop: stop, done: make(chan struct{})}
	go h.keep(ctx, conn)
	return h, nil
}

// lockOn makes a connection that holds the lock.
func lockOn(ctx context.Context, config *pgx.ConnConfig, m mode) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, config.Copy())
	if err != nil {
		return nil, explain("The database could not be opened.", err)
	}
	err = conn.PgConn().Exec(ctx, lockSettings).Close()
	var held bool
	if err == nil {
		err = conn.QueryRow(ctx, m.take, int64(lockKey)).Scan(&held)
	}
	switch {
	case err != nil:
		err = explain("The database could not be locked.", err)
	case !held:
		err = crm.E(crm.Unavailable, databaseInUse, m.refused)
	default:
		return conn, nil
	}
	hangUp(conn)
	return nil, err
}

// Held returns nil while the lock is held, otherwise why it is not.
func (h *hold) Held() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lost
}

func (h *hold) set(lost error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost = lost
}

// Close lets go of the lock.
func (h *hold) Close() error {
	h.stop()
	<-h.done
	return nil
}

// keep holds the lock, and takes it again when it is lost.
func (h *hold) keep(ctx context.Context, conn *pgx.Conn) {
	defer close(h.done)
	for conn != nil {
		err := watch(ctx, conn)
		h.set(unreachable(err))
		hangUp(conn)
		conn = h.retake(ctx)
		if conn != nil {
			h.set(nil)
		}
	}
}

// retake returns a connection that holds the lock again, or nil once ctx ends.
func (h *hold) retake(ctx context.Context) *pgx.Conn {
	again := time.NewTicker(retakeEvery)
	defer again.Stop()
	for ctx.Err() == nil {
		conn, err := lockOn(ctx, h.config, h.mode)
		if err == nil {
			return conn
		}
		h.set(err)
		select {
		case <-ctx.Done():
		case <-again.C:
		}
	}
	return nil
}

// watch returns when the connection is lost, or ctx ends.
func watch(ctx context.Context, conn *pgx.Conn) error {
	for {
		look, cancel := context.WithTimeout(ctx, lookEvery)
		_, err := conn.WaitForNotification(look) // nobody sends one
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !pgconn.Timeout(err) || conn.IsClosed() {
			return err
		}
		look, cancel = context.WithTimeout(ctx, lookEvery)
		err = conn.Ping(look)
		cancel()
		if err != nil {
			return err
		}
	}
}

// hangUp lets go of the lock and closes the connection, politely if the server
// still listens. Closing alone would not do: the server lets go of the lock some
// time after, and whoever starts meanwhile would find the database in use.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), lookEvery)
	defer cancel()
	_ = conn.PgConn().Exec(ctx, `SELECT pg_advisory_unlock_all()`).Close() // a connection that is lost has lost the lock, too
	_ = conn.Close(ctx)                                                    // closed it is in any case
}
