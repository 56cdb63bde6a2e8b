package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/postgres"
	"mailsyncd.example/crm/store/sqlite"
)

// inPostgres tells whether the data is kept in PostgreSQL.
func (c Config) inPostgres() bool {
	return strings.HasPrefix(c.DatabaseURL, "postgres://") || strings.HasPrefix(c.DatabaseURL, "postgresql://")
}

// databaseFile is where the SQLite database stands.
func (c Config) databaseFile() string {
	if path := strings.TrimPrefix(c.DatabaseURL, "sqlite://"); path != "" {
		return path
	}
	return filepath.Join(c.DataDir, "mailsync.db")
}

// checkDatabaseURL refuses the URL of a database that is neither.
func (c Config) checkDatabaseURL() error {
	if c.DatabaseURL == "" || c.inPostgres() || strings.HasPrefix(c.DatabaseURL, "sqlite://") {
		return nil
	}
	return errors.New("--database-url: give sqlite:///path/to/file or postgres://user:password@host/database, or leave it out")
}

// openStore opens the database of the configuration: for this process alone, or
// together with others that share its work.
func (c Config) openStore(ctx context.Context, o store.Options) (*store.Store, error) {
	switch {
	case c.shared() && c.inPostgres():
		return postgres.OpenShared(ctx, c.DatabaseURL, o)
	case c.inPostgres():
		return postgres.OpenAlone(ctx, c.DatabaseURL, o)
	default:
		return sqlite.Open(ctx, c.databaseFile(), o)
	}
}

// peek opens the database to read it, whoever works on it.
func (c Config) peek(o store.Options) (*store.Store, error) {
	if c.inPostgres() {
		return postgres.Peek(c.DatabaseURL, o)
	}
	return sqlite.Peek(c.databaseFile(), o)
}

// migrateStore brings its schema up to date.
func (c Config) migrateStore(ctx context.Context) error {
	if c.inPostgres() {
		return postgres.Migrate(ctx, c.DatabaseURL)
	}
	return sqlite.Migrate(ctx, c.databaseFile())
}

// schema tells which schema it has, 0 where nothing was made yet, and which one
// this program knows.
func (c Config) schema(ctx context.Context) (stands, knows int64, err error) {
	if c.inPostgres() {
		return postgres.Versions(ctx, c.DatabaseURL)
	}
	stands, knows, err = sqlite.Versions(ctx, c.databaseFile())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	return stands, knows, err
}

func (c doctorCommand) checkDatabase(ctx context.Context) (string, error) {
	stands, knows, err := c.schema(ctx)
	switch {
	case err != nil:
		return "", err
	case stands == 0 && c.inPostgres():
		return "PostgreSQL answers; the tables are made on first start", nil
	case stands == 0:
		return c.databaseFile() + " is made on first start", nil
	case stands > knows:
		return "", fmt.Errorf("a newer mailsyncd has written the database (schema %d, this one knows %d); use that one, or restore a backup", stands, knows)
	case stands < knows:
		return fmt.Sprintf("schema %d; the next start brings it up to %d", stands, knows), nil
	default:
		return fmt.Sprintf("schema %d, as this version has it", stands), nil
	}
}
