package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"mailsyncd.example/crm"
)

// MoveTable stands in a database for as long as an office is carried into it.
// Until it is gone the database is not whole, and no store opens it.
const MoveTable = "mailsync_move"

// patience is how long the connections of processes that have ended may last.
const patience = time.Second

// whole fails where an office has been carried into the database in part.
func whole(ctx context.Context, db *sql.DB) error {
	there, err := hasTable(ctx, db, MoveTable)
	if err == nil && there {
		err = crm.E(crm.Conflict, "move_unfinished", "An office is being moved into this database and is not all there yet; run mailsyncd move again to end that, or make the database anew.")
	}
	return err
}

// Target is a database into which an office is carried, on the one connection
// that does so. It holds the lock of OpenAlone: when the connection is lost, so
// is what it was about to write.
type Target struct{ *pgx.Conn }

// OpenTarget connects to the database of a URL, and makes the tables where it
// has none. Close the Target in the end.
//
// Errors are those of OpenAlone, or of kind crm.Conflict with the code
// schema_older.
func OpenTarget(ctx context.Context, url string) (*Target, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	var conn *pgx.Conn
	err = patiently(ctx, func() (err error) {
		conn, err = lockOn(ctx, config.ConnConfig, moves())
		return err
	})
	if err != nil {
		return nil, err
	}
	t := &Target{conn}
	if err := t.prepare(ctx, config.ConnConfig); err != nil {
		return nil, errors.Join(t.Explain(err), t.Close())
	}
	return t, nil
}

func (t *Target) prepare(ctx context.Context, config *pgx.ConnConfig) error {
	db := stdlib.OpenDB(*config)
	defer db.Close()
	stands, knows, err := schema(ctx, db)
	switch {
	case err != nil:
		return migrationError(err)
	case stands == 0:
		return migrate(ctx, config)
	case stands > knows:
		return schemaNewer(stands, knows)
	case stands == knows:
		return nil
	}
	if err := whole(ctx, db); err != nil {
		return crm.Wrap(crm.Conflict, "schema_older", "Another version of mailsyncd began to move an office into this database; let that one end it, or make the database anew.", err)
	}
	return crm.E(crm.Conflict, "schema_older", fmt.Sprintf("The database that the office is to be moved to has schema %d, this program %d; bring it up to date first: mailsyncd migrate", stands, knows))
}

// patiently tries again for a moment where the database is in use: the server
// has not noticed yet that a process was killed.
func patiently(ctx context.Context, try func() error) error {
	again := time.NewTicker(patience / 20)
	defer again.Stop()
	enough := time.After(patience)
	for {
		err := try()
		if crm.CodeOf(err) != databaseInUse {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-enough:
			return err
		case <-again.C:
		}
	}
}

// Close ends the connection, and lets go of the lock.
func (t *Target) Close() error {
	hangUp(t.Conn)
	return nil
}

// Explain is the border at which errors of the connection leave those who use it.
func (t *Target) Explain(err error) error {
	if err == nil {
		return nil
	}
	return explain("The database that the office is moved to has failed.", err)
}
