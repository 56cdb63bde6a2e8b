package moving

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/postgres"
)

// marker is the one row of postgres.MoveTable: which source is being moved, as
// it stood when that began, and how many rows have gone over.
type marker struct {
	path            string
	size, changedAt int64
	rows            int64
}

const makeMarker = `
	CREATE TABLE ` + postgres.MoveTable + ` (
		source     TEXT   NOT NULL, -- the path of the file
		size       BIGINT NOT NULL,
		changed_at BIGINT NOT NULL, -- in nanoseconds
		rows       BIGINT NOT NULL
	)`

// readMarker returns nil where no move has begun.
func (m *Move) readMarker(ctx context.Context) (*marker, error) {
	var there bool
	if err := m.target.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, postgres.MoveTable).Scan(&there); err != nil || !there {
		return nil, err
	}
	var k marker
	err := m.target.QueryRow(ctx, `SELECT source, size, changed_at, rows FROM `+postgres.MoveTable).
		Scan(&k.path, &k.size, &k.changedAt, &k.rows)
	return &k, err
}

// mayBegin fails where the target holds anything but what a move of this very
// source has brought.
func (m *Move) mayBegin(ctx context.Context) error {
	k, err := m.readMarker(ctx)
	if err != nil {
		return err
	}
	if k == nil {
		return m.isEmpty(ctx)
	}
	var fault string
	switch {
	case k.path != m.source.Path:
		fault = "Another office, " + k.path + ", is on its way into this database; move that one"
	case k.size != m.source.Size || k.changedAt != m.source.ChangedAt:
		fault = "Somebody has worked on " + k.path + " since its move began; begin again"
	default:
		return nil
	}
	return crm.E(crm.Conflict, "move_other_source", fault+", or make the database anew (dropdb, createdb).")
}

func (m *Move) isEmpty(ctx context.Context) error {
	for _, t := range m.tables {
		var some bool
		if err := m.target.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM `+pgx.Identifier{t.name}.Sanitize()+`)`).Scan(&some); err != nil {
			return err
		}
		if some {
			return crm.E(crm.Conflict, "target_not_empty", fmt.Sprintf("The database that the office is to be moved to is in use already: its table %s is not empty. Make a database of its own for it.", t.name))
		}
	}
	return nil
}

// mark makes the marker, or goes on counting where there is one.
func (m *Move) mark(ctx context.Context) error {
	k, err := m.readMarker(ctx)
	if err != nil {
		return err
	}
	if k != nil {
		m.progress.Done = k.rows
		return nil
	}
	return m.inTransaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, makeMarker); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO `+postgres.MoveTable+` VALUES ($1, $2, $3, 0)`,
			m.source.Path, m.source.Size, m.source.ChangedAt)
		return err
	})
}

func (m *Move) inTransaction(ctx context.Context, do func(pgx.Tx) error) error {
	tx, err := m.target.Begin(ctx)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback(context.WithoutCancel(ctx)))
	}
	return tx.Commit(ctx)
}
