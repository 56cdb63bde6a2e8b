package sqlite

import (
	"context"
	"database/sql"

	"mailsyncd.example/crm/store"
)

// OpenWithWriter opens a store together with its one connection that writes.
func OpenWithWriter(ctx context.Context, path string, o store.Options) (*store.Store, *sql.DB, error) {
	write, read, err := openPools(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	return store.New(write, read, dialect, o), write, nil
}
