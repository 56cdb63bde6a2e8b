// Package postgres opens the store in a PostgreSQL database, version 15 or
// newer.
//
// Any number of processes may work on one database, as long as something
// shares the mailboxes out among them: OpenShared. Where nothing does, a
// process asks for the database alone: OpenAlone. Open asks nobody.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
)

// connections is how many connections a process opens at most unless the URL
// says so (pool_max_conns). Half of them write: a transaction that waits for
// its account's lock keeps its connection, and must not keep readers waiting.
const connections = 12

// Open opens the database of a URL (postgres://user:password@host/database,
// with the parameters of libpq and pgxpool) and brings its schema up to date.
//
// Errors are of kind crm.Invalid with the code database_url_bad; of kind
// crm.Unavailable with the code database_unreachable where no server answers,
// database_refused where it does not let us in or is too old, disk_full; or of
// kind crm.Conflict with the code schema_newer where a newer program has
// written the database.
func Open(ctx context.Context, url string, o store.Options) (*store.Store, error) {
	return open(ctx, url, o, nil)
}

// OpenAlone is Open for a process that shares its work with nobody. It fails
// with the code database_in_use where another process has the database alone.
//
// A lock says so, which PostgreSQL keeps for as long as one connection lives
// that does nothing else. When that connection is lost (the server was
// restarted, the network broke), the store hands out no connection any more:
// every method fails as crm.Unavailable until the lock is held again, so that
// whoever works with the store stops and backs off. The lock is asked for every
// second. If another process has taken it meanwhile, that one works on, and
// this one stands by with the code database_in_use until the other has ended.
// A transaction that had begun when the connection was lost may still end:
// this is harmless, as the database itself refuses what contradicts it.
func OpenAlone(ctx context.Context, url string, o store.Options) (*store.Store, error) {
	return openLocked(ctx, url, o, alone())
}

// OpenShared is Open for a process that shares its work with all others that
// open the database so. It fails with the code database_in_use where one has
// the database alone; otherwise what OpenAlone says of its lock holds here too.
func OpenShared(ctx context.Context, url string, o store.Options) (*store.Store, error) {
	return openLocked(ctx, url, o, shared())
}

func openLocked(ctx context.Context, url string, o store.Options, m mode) (*store.Store, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	held, err := takeLock(ctx, config.ConnConfig, m)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, url, o, held)
	if err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return s, nil
}

// Migrate brings the schema of a database up to date and does nothing else. Of
// several processes that do so at once one migrates and the others wait for
// it. Errors are those of Open.
func Migrate(ctx context.Context, url string) error {
	config, err := parse(url)
	if err != nil {
		return err
	}
	return migrate(ctx, config.ConnConfig)
}

// open makes the two pools. The lock, if there is one, belongs to the store
// once open has returned one.
func open(ctx context.Context, url string, o store.Options, held *hold) (*store.Store, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, config.ConnConfig); err != nil {
		return nil, err
	}
	if held != nil {
		config.PrepareConn = func(context.Context, *pgx.Conn) (bool, error) { return true, held.Held() }
	}
	write, err := pool(ctx, config, held)
	if err != nil {
		return nil, err
	}
	read, err := pool(ctx, config, nil)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return store.New(write, read, dialect, o), nil
}

// parse reads a URL, and fills in what it does not say. The words of pgx about
// a URL are left out: they may repeat the password.
func parse(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, crm.E(crm.Invalid, "database_url_bad", "The database's URL can't be understood; write postgres://user:password@host:5432/database.")
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = connections
	}
	config.MaxConns = max(2, config.MaxConns/2)
	if _, given := config.ConnConfig.RuntimeParams["application_name"]; !given {
		config.ConnConfig.RuntimeParams["application_name"] = "mailsyncd"
	}
	config.ConnConfig.DialFunc = dial(config.ConnConfig.ConnectTimeout)
	config.AfterConnect = settle
	return config, nil
}

// settings hold for every connection of the store, whatever the server's
// configuration says. A process that was paused in the middle of a transaction
// must not keep an account locked, nor a statement run for ever; the plans of
// our small queries are not worth compiling. They are set by statements, as
// PgBouncer refuses connections that come with them.
const settings = `
	SET default_transaction_isolation = 'read committed';
	SET idle_in_transaction_session_timeout = '30s';
	SET statement_timeout = '60s';
	SET jit = off;
	SET random_page_cost = 1.1`

func settle(ctx context.Context, conn *pgx.Conn) error {
	return conn.PgConn().Exec(ctx, settings).Close()
}

// pool makes a pool of connections, which are made when they are needed.
// Closing it lets go of the lock, if that is not nil.
func pool(ctx context.Context, config *pgxpool.Config, held *hold) (*sql.DB, error) {
	// The pool must outlive ctx, which bounds the opening alone.
	p, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), config.Copy())
	if err != nil {
		return nil, explain("The database could not be opened.", err)
	}
	db := sql.OpenDB(newConnector(p, held))
	db.SetMaxIdleConns(0) // idle ones wait in p
	return db, nil
}
