package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"mailsyncd.example/crm"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date. A schema that this program does not
// know is left alone.
func migrate(ctx context.Context, db *sql.DB) error {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return migrationError(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, folder, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return migrationError(err)
	}
	// The provider is not closed: that would close the pool.
	stands, knows, err := p.GetVersions(ctx)
	if err != nil {
		return migrationError(err)
	}
	if stands > knows {
		return crm.E(crm.Conflict, "schema_newer", fmt.Sprintf("A newer mailsyncd has written this database (schema %d, this program knows %d); use that one or restore a backup.", stands, knows))
	}
	if _, err := p.Up(ctx); err != nil {
		return migrationError(err)
	}
	return nil
}

func migrationError(err error) error {
	if known := classify(err); known != nil {
		return known
	}
	return crm.Wrap(crm.Internal, "migration_failed", "The database's schema could not be brought up to date; it stands as it was.", err)
}
