package sqlite

import (
	"errors"

	modernc "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/disk"
	"mailsyncd.example/crm/store"
)

var dialect = store.Dialect{
	Like:     "LIKE",
	Classify: classify,
}

// classify knows the errors that a person can do something about.
func classify(err error) *crm.Error {
	failed, ok := errors.AsType[*modernc.Error](err)
	if !ok {
		return nil
	}
	// The upper bits of a result code tell more than is needed here.
	switch failed.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return disk.Full(err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return disk.Unwritable(err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return crm.Wrap(crm.Unavailable, "database_busy", "The database is busy; try again.", err)
	case sqlite3.SQLITE_IOERR:
		return crm.Wrap(crm.Unavailable, "database_io", "The disk under the database fails; look at the system's log.", err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return crm.Wrap(crm.Unavailable, "database_corrupt", "The database's file is damaged, or is no database; restore it from a backup.", err)
	}
	return nil
}
