package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// oldest is the oldest version of PostgreSQL that the store works on, as
// server_version_num has it.
const oldest = 150000

// Migrators that come late look every second, for an hour, whether the first
// one has done: a big table takes its time.
const (
	lockPeriod = 1 // seconds
	lockTries  = 3600
)

// migrate brings the schema up to date. A schema that this program does not
// know is left alone.
func migrate(ctx context.Context, config *pgx.ConnConfig) error {
	// A pool of its own: a migration may run for longer than a statement of
	// the store may.
	db := stdlib.OpenDB(*config)
	defer db.Close()
	if err := check(ctx, db); err != nil {
		return migrationError(err)
	}
	if err := whole(ctx, db); err != nil {
		return migrationError(err)
	}
	p, err := migrator(db)
	if err != nil {
		return migrationError(err)
	}
	stands, knows, err := versions(ctx, db, p)
	switch {
	case err != nil:
		return migrationError(err)
	case stands > knows:
		return schemaNewer(stands, knows)
	case stands == knows:
		return nil // nearly always; and nobody has to wait for the lock
	}
	if err := mayMigrate(ctx, db); err != nil {
		return migrationError(err)
	}
	_, err = p.Up(ctx)
	return migrationError(err)
}

// mayMigrate fails where the user may not make tables; goose would try for
// seconds.
func mayMigrate(ctx context.Context, db *sql.DB) error {
	var may bool
	err := db.QueryRowContext(ctx, `SELECT COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false)`).Scan(&may)
	if err == nil && !may {
		err = refused(noPrivilege, nil)
	}
	return err
}

// check refuses a server that the store can't work on.
func check(ctx context.Context, db *sql.DB) error {
	var version int
	var name, encoding string
	err := db.QueryRowContext(ctx, `
		SELECT current_setting('server_version_num')::int, current_setting('server_version'), current_setting('server_encoding')`).
		Scan(&version, &name, &encoding)
	switch {
	case err != nil:
		return err
	case version < oldest:
		return refused(fmt.Sprintf("This is PostgreSQL %s; mailsyncd needs 15 or newer.", name), nil)
	case encoding != "UTF8":
		return refused("The database is encoded in "+encoding+"; make one in UTF8 (createdb --encoding=UTF8 --template=template0).", nil)
	}
	return nil
}

// migrator is not to be closed: that would close the pool.
func migrator(db *sql.DB) (*goose.Provider, error) {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockPeriod, lockTries))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, folder, goose.WithDisableGlobalRegistry(true), goose.WithSessionLocker(locker))
}

// versions reads what goose has noted. goose itself makes its table when it is
// asked, which is for migrators that hold the lock.
func versions(ctx context.Context, db *sql.DB, p *goose.Provider) (stands, knows int64, err error) {
	sources := p.ListSources()
	knows = sources[len(sources)-1].Version
	there, err := hasTable(ctx, db, goose.DefaultTablename)
	if err == nil && there {
		err = db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM `+goose.DefaultTablename).Scan(&stands)
	}
	return stands, knows, err
}

func hasTable(ctx context.Context, db *sql.DB, name string) (there bool, err error) {
	err = db.QueryRowContext(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&there)
	return there, err
}

// Versions tells which schema the database has, 0 where it is empty, and which
// one this program knows. It changes nothing, and other processes may work on
// the database meanwhile. Errors are those of Open.
func Versions(ctx context.Context, url string) (stands, knows int64, err error) {
	config, err := parse(url)
	if err != nil {
		return 0, 0, err
	}
	db := stdlib.OpenDB(*config.ConnConfig)
	defer db.Close()
	stands, knows, err = schema(ctx, db)
	if err == nil {
		err = whole(ctx, db)
	}
	if err != nil {
		return 0, 0, migrationError(err)
	}
	return stands, knows, nil
}

// Peek opens the database to read it, whoever works on it meanwhile. It must
// have the schema of this program; see Versions.
func Peek(url string, o store.Options) (*store.Store, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*config.ConnConfig)
	return store.New(db, db, dialect, o), nil
}

// schema is Versions, of a database that may be the target of a move.
func schema(ctx context.Context, db *sql.DB) (stands, knows int64, err error) {
	if err := check(ctx, db); err != nil {
		return 0, 0, err
	}
	p, err := migrator(db)
	if err != nil {
		return 0, 0, err
	}
	return versions(ctx, db, p)
}

func schemaNewer(stands, knows int64) error {
	return crm.E(crm.Conflict, "schema_newer", fmt.Sprintf("A newer mailsyncd has written this database (schema %d, this program knows %d); use that one or restore a backup.", stands, knows))
}

func migrationError(err error) error {
	if _, ok := errors.AsType[*crm.Error](err); ok || err == nil {
		return err
	}
	if known := classify(err); known != nil {
		return known
	}
	return crm.Wrap(crm.Internal, "migration_failed", "The database's schema could not be brought up to date; it stands as it was.", err)
}
