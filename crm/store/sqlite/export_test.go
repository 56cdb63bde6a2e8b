package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"

	"mailsyncd.example/crm/store"
)

// OpenWithPools opens a store together with its connections: one that writes
// and, here, one that reads.
func OpenWithPools(ctx context.Context, path string, o store.Options) (s *store.Store, write, read *sql.DB, err error) {
	write, read, err = openPools(ctx, path)
	if err != nil {
		return nil, nil, nil, err
	}
	read.SetMaxOpenConns(1)
	return store.New(write, read, dialect, o), write, read, nil
}

// Prepared lists the statements that a pool's one connection keeps prepared.
func Prepared(db *sql.DB) (texts []string) {
	c, err := db.Conn(context.Background())
	if err != nil {
		return nil
	}
	defer c.Close()
	_ = c.Raw(func(inner any) error {
		texts = slices.Collect(maps.Keys(inner.(*conn).prepared))
		return nil
	})
	return texts
}

// MigrateTo makes a database with an older program's schema.
func MigrateTo(ctx context.Context, path string, version int64) error {
	db, err := pool(path, nil, 1, "_txlock=immediate")
	if err != nil {
		return err
	}
	p, err := migrator(db)
	if err == nil {
		_, err = p.UpTo(ctx, version)
	}
	return errors.Join(err, db.Close())
}
