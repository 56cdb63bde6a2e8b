// Package sqlite opens the store in a SQLite file.
//
// One connection writes and a few read; in WAL mode neither waits for the
// other. The file belongs to one process: a lock file beside it says so.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"

	modernc "modernc.org/sqlite"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/disk"
	"mailsyncd.example/crm/store"
)

// readers is how many connections read. SQLite reads from memory for the most
// part, so that more of them than cores bring nothing but memory taken.
const readers = 4

// Open opens the database in the file at path, which it makes if there is
// none, together with the folder around it, and brings its schema up to date.
//
// Errors are of kind crm.Unavailable with the code data_dir_unwritable,
// disk_full, or database_in_use where another process has the file open; or of
// kind crm.Conflict with the code schema_newer where a newer program has
// written it.
func Open(ctx context.Context, path string, o store.Options) (*store.Store, error) {
	write, read, err := openPools(ctx, path)
	if err != nil {
		return nil, err
	}
	return store.New(write, read, dialect, o), nil
}

// openPools opens the migrated database to write and to read.
func openPools(ctx context.Context, path string) (write, read *sql.DB, err error) {
	lock, err := prepareFile(path)
	if err != nil {
		return nil, nil, err
	}
	if err := migrateFile(ctx, path); err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	if write, err = pool(path, lock, 1, "_txlock=immediate"); err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	if read, err = pool(path, nil, readers, "_query_only=1"); err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	return write, read, nil
}

// Migrate brings the schema of the database at path up to date and does
// nothing else. It fails as Open does.
func Migrate(ctx context.Context, path string) error {
	lock, err := prepareFile(path)
	if err != nil {
		return err
	}
	return errors.Join(migrateFile(ctx, path), lock.Close())
}

// migrateFile migrates over connections of its own: those that are opened
// afterwards see the schema and its statistics from their beginning.
func migrateFile(ctx context.Context, path string) error {
	db, err := pool(path, nil, 1, "_txlock=immediate")
	if err != nil {
		return err
	}
	return errors.Join(migrate(ctx, db), db.Close())
}

// prepareFile makes the folder and the file, readable for their owner alone
// (SQLite gives its other files the same mode), and takes the lock.
func prepareFile(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, disk.Explain(err)
	}
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, disk.Explain(err)
	}
	if err := takeLock(lock); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return nil, errors.Join(disk.Explain(err), lock.Close())
	}
	return lock, nil
}

// pool makes a pool of at most n connections. The pragmas hold for a
// connection each, hence they stand in its name: secure_delete overwrites what
// is erased (credentials, deleted mail), _dqs=0 takes "x" for a name only.
func pool(path string, lock *os.File, n int, more string) (*sql.DB, error) {
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()}
	name.RawQuery = "_dqs=0&_error_rc=1&_busy_timeout=10000&_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1" +
		"&_pragma=secure_delete(1)&_pragma=cache_size(-8000)&_pragma=journal_size_limit(67108864)&_pragma=wal_autocheckpoint(8000)&" + more
	inner, err := modernc.NewConnector(name.String())
	if err != nil {
		return nil, crm.Wrap(crm.Internal, "database", "The database's file can't be opened under this name: "+path, err)
	}
	c := &connector{Connector: inner, patient: n == 1}
	if lock != nil {
		c.lock = lock
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}
