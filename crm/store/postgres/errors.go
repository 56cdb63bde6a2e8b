package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
)

var dialect = store.Dialect{
	// Weaker than FOR UPDATE: a foreign key to the account may be checked
	// meanwhile, which only the deletion of the account must keep out.
	Lock:     " FOR NO KEY UPDATE",
	Like:     "ILIKE",
	Snapshot: sql.LevelRepeatableRead,
	Classify: classify,
	Again:    again,
	Send:     send,
}

// SQLSTATE codes, and classes of them (their first two characters), that a
// person can do something about: PostgreSQL's manual, appendix A.
const (
	classConnection    = "08"
	classAuthorization = "28"
	classResources     = "53"
	classIntervention  = "57"
	classSystem        = "58"
	classCorrupt       = "XX"

	stateReadOnly       = "25006"
	stateIdle           = "25P03" // idle_in_transaction_session_timeout
	stateNoDatabase     = "3D000"
	stateSerialization  = "40001"
	stateDeadlock       = "40P01"
	stateNoPrivilege    = "42501"
	stateDiskFull       = "53100"
	stateLockTimeout    = "55P03"
	stateCanceled       = "57014" // by statement_timeout
	stateInternal       = "XX000"
	stateNoSchemaChosen = "3F000"
)

// again tells which transactions are to be run once more: those that another
// one stood in the way of, and those that never reached the server.
func again(err error) bool {
	if failed, ok := errors.AsType[*pgconn.PgError](err); ok {
		return failed.Code == stateSerialization || failed.Code == stateDeadlock
	}
	return pgconn.SafeToRetry(err)
}

// classify knows the errors that a person can do something about.
func classify(err error) *crm.Error {
	if failed, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classifyState(failed.Code, err)
	}
	_, unconnected := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	if unconnected || network || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, pgx.ErrTxClosed) || errors.Is(err, context.DeadlineExceeded) || pgconn.SafeToRetry(err) {
		return unreachable(err)
	}
	return nil
}

func unreachable(err error) *crm.Error {
	return crm.Wrap(crm.Unavailable, "database_unreachable", "PostgreSQL does not answer; start it, or mend MAILSYNC_DATABASE_URL.", err)
}

const noPrivilege = "PostgreSQL does not let this user make or change tables in the database; make the user its owner."

func refused(why string, err error) *crm.Error {
	return crm.Wrap(crm.Unavailable, "database_refused", why, err)
}

func classifyState(state string, err error) *crm.Error {
	busy := crm.Wrap(crm.Unavailable, "database_busy", "The database is busy; try again.", err)
	switch state {
	case stateDiskFull:
		return crm.Wrap(crm.Unavailable, "disk_full", "The disk under PostgreSQL is full; free some space.", err)
	case stateSerialization, stateDeadlock, stateLockTimeout, stateCanceled:
		return busy
	case stateReadOnly:
		return refused("PostgreSQL takes no changes: it is a standby, or read-only; name its primary in MAILSYNC_DATABASE_URL.", err)
	case stateNoDatabase:
		return refused("PostgreSQL has no database of this name; make it (createdb), or mend MAILSYNC_DATABASE_URL.", err)
	case stateNoPrivilege, stateNoSchemaChosen:
		return refused(noPrivilege, err)
	case stateIdle:
		return unreachable(err)
	case stateInternal:
		return nil
	}
	switch class := state[:min(2, len(state))]; class {
	case classConnection, classIntervention:
		return unreachable(err)
	case classAuthorization:
		return refused("PostgreSQL does not let us in; mend user and password in MAILSYNC_DATABASE_URL.", err)
	case classResources:
		return busy
	case classSystem:
		return crm.Wrap(crm.Unavailable, "database_io", "The disk under PostgreSQL fails; look at the server's log.", err)
	case classCorrupt:
		return crm.Wrap(crm.Unavailable, "database_corrupt", "PostgreSQL's data is damaged; restore it from a backup.", err)
	}
	return nil
}

// explain is the border at which errors of opening leave the package.
func explain(otherwise string, err error) error {
	if _, ok := errors.AsType[*crm.Error](err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	if known := classify(err); known != nil {
		return known
	}
	return crm.Wrap(crm.Internal, "database", strings.TrimSuffix(otherwise, ".")+"; the daemon's log has its words.", err)
}
