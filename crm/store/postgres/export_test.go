package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/stdlib"
)

// MigrateTo gives a database an older program's schema.
func MigrateTo(ctx context.Context, url string, version int64) error {
	config, err := parse(url)
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*config.ConnConfig)
	p, err := migrator(db)
	if err == nil {
		_, err = p.UpTo(ctx, version)
	}
	return errors.Join(err, db.Close())
}
