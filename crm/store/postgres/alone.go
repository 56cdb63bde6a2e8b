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

// alone holds the lock that keeps other processes off the database, on a
// connection of its own. See OpenAlone.
type alone struct {
	config *pgx.ConnConfig
	stop   context.CancelFunc
	done   chan struct{} // closed once nothing is left of it

	mu   sync.Mutex
	lost error // why the lock is not held; nil while it is
}

// takeLock takes the lock, or fails with database_in_use. From then on it is
// looked after until Close.
func takeLock(ctx context.Context, config *pgx.ConnConfig) (*alone, error) {
	conn, err := lockOn(ctx, config)
	if err != nil {
		return nil, err
	}
	// What looks after it lives for as long as the store, not as the call.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	a := &alone{config: config, stop: stop, done: make(chan struct{})}
	go a.keep(ctx, conn)
	return a, nil
}

// lockOn makes a connection that holds the lock.
func lockOn(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, config.Copy())
	if err != nil {
		return nil, explain("The database could not be opened.", err)
	}
	err = conn.PgConn().Exec(ctx, lockSettings).Close()
	var held bool
	if err == nil {
		err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(lockKey)).Scan(&held)
	}
	switch {
	case err != nil:
		err = explain("The database could not be locked.", err)
	case !held:
		err = crm.E(crm.Unavailable, "database_in_use", "Another mailsyncd works on this database; stop it first, or set MAILSYNC_REDIS_URL for all of them, so that they share the work.")
	default:
		return conn, nil
	}
	hangUp(conn)
	return nil, err
}

// Held returns nil while the lock is held, otherwise why it is not.
func (a *alone) Held() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lost
}

func (a *alone) set(lost error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lost = lost
}

// Close lets go of the lock.
func (a *alone) Close() error {
	a.stop()
	<-a.done
	return nil
}

// keep holds the lock, and takes it again when it is lost.
func (a *alone) keep(ctx context.Context, conn *pgx.Conn) {
	defer close(a.done)
	for conn != nil {
		err := watch(ctx, conn)
		a.set(unreachable(err))
		hangUp(conn)
		conn = a.retake(ctx)
		if conn != nil {
			a.set(nil)
		}
	}
}

// retake returns a connection that holds the lock again, or nil once ctx ends.
func (a *alone) retake(ctx context.Context) *pgx.Conn {
	again := time.NewTicker(retakeEvery)
	defer again.Stop()
	for ctx.Err() == nil {
		conn, err := lockOn(ctx, a.config)
		if err == nil {
			return conn
		}
		a.set(err)
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

// hangUp closes a connection, politely if the server still listens.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // closed it is in any case
}
