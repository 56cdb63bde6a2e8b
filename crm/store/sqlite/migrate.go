package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"os"

	"github.com/pressly/goose/v3"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date. A schema that this program does not
// know is left alone.
func migrate(ctx context.Context, db *sql.DB) error {
	p, err := migrator(db)
	if err != nil {
		return migrationError(err)
	}
	stands, knows, err := p.GetVersions(ctx)
	if err != nil {
		return migrationError(err)
	}
	if stands > knows {
		return schemaNewer(stands, knows)
	}
	if _, err := p.Up(ctx); err != nil {
		return migrationError(err)
	}
	return nil
}

// migrator is not to be closed: that would close the pool.
func migrator(db *sql.DB) (*goose.Provider, error) {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, folder, goose.WithDisableGlobalRegistry(true))
}

// Versions tells which schema the database at path has, and which one this
// program knows. It changes nothing, and another process may work on the
// database meanwhile. Where there is no database the error is fs.ErrNotExist.
func Versions(ctx context.Context, path string) (stands, knows int64, err error) {
	if _, err := os.Stat(path); err != nil {
		return 0, 0, err
	}
	db, err := pool(path, nil, 1, "_query_only=1")
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	p, err := migrator(db)
	if err != nil {
		return 0, 0, migrationError(err)
	}
	stands, knows, err = p.GetVersions(ctx)
	if err != nil {
		return 0, 0, migrationError(err)
	}
	return stands, knows, nil
}

// Peek opens the database at path to read it, whoever works on it meanwhile. It
// must have the schema of this program; see Versions.
func Peek(path string, o store.Options) (*store.Store, error) {
	db, err := pool(path, nil, 1, "_query_only=1")
	if err != nil {
		return nil, err
	}
	return store.New(db, db, dialect, o), nil
}

func schemaNewer(stands, knows int64) error {
	return crm.E(crm.Conflict, "schema_newer", fmt.Sprintf("A newer mailsyncd has written this database (schema %d, this program knows %d); use that one or restore a backup.", stands, knows))
}

func migrationError(err error) error {
	if known := classify(err); known != nil {
		return known
	}
	return crm.Wrap(crm.Internal, "migration_failed", "The database's schema could not be brought up to date; it stands as it was.", err)
}
