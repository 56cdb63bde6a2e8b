package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/disk"
	"mailsyncd.example/crm/store"
)

// sourceReaders is how many connections read a Source: one for what carries it,
// one for what looks things up meanwhile.
const sourceReaders = 2

// Source is a database at rest that is to be carried elsewhere. This process
// alone has it open, and nothing in it is changed.
type Source struct {
	*sql.DB
	Path      string // absolute
	Size      int64  // bytes
	ChangedAt int64  // when the file was last written: Unix time in nanoseconds
}

// OpenSource opens the database in the file at path, which must have the schema
// of this program. Close lets go of it.
//
// Errors are those of Open, or of kind crm.NotFound with the code
// database_missing, or of kind crm.Conflict with the code schema_older.
func OpenSource(ctx context.Context, path string) (*Source, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, disk.Explain(err)
	}
	// prepareFile would make it.
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, crm.E(crm.NotFound, "database_missing", "There is no database at "+path+".")
	}
	lock, err := prepareFile(path)
	if err != nil {
		return nil, err
	}
	if err := isCurrent(ctx, path); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	db, err := pool(path, lock, sourceReaders, "_query_only=1")
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s := &Source{DB: db, Path: path}
	if err := s.settle(ctx); err != nil {
		return nil, errors.Join(s.Explain(err), db.Close())
	}
	return s, nil
}

func isCurrent(ctx context.Context, path string) error {
	stands, knows, err := Versions(ctx, path)
	switch {
	case err != nil:
		return err
	case stands > knows:
		return schemaNewer(stands, knows)
	case stands < knows:
		return crm.E(crm.Conflict, "schema_older", fmt.Sprintf("The database at %s has schema %d, this program %d; bring it up to date first: mailsyncd migrate --database-url sqlite://%s", path, stands, knows, path))
	}
	return nil
}

// settle writes what a killed process has left in the log back into the file,
// which then changes only when somebody works on the database. So size and time
// tell whether anybody did.
func (s *Source) settle(ctx context.Context) error {
	if _, err := s.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return err
	}
	info, err := os.Stat(s.Path)
	if err != nil {
		return err
	}
	s.Size, s.ChangedAt = info.Size(), info.ModTime().UnixNano()
	return nil
}

// Store reads the database as what it is. It shares the connections: close
// either.
func (s *Source) Store(o store.Options) *store.Store {
	return store.New(s.DB, s.DB, dialect, o)
}

// Explain is the border at which errors of reading leave those who read.
func (s *Source) Explain(err error) error {
	if _, ok := errors.AsType[*crm.Error](err); ok || err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if known := classify(err); known != nil {
		return known
	}
	return crm.Wrap(crm.Internal, "database", "The database at "+s.Path+" could not be read.", err)
}
