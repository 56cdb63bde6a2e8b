package sqlite

import (
	"errors"
	"syscall"

	modernc "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"mailsyncd.example/crm"
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
		return diskFull(err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return unwritable(err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return crm.Wrap(crm.Unavailable, "database_busy", "The database is busy; try again.", err)
	case sqlite3.SQLITE_IOERR:
		return crm.Wrap(crm.Unavailable, "database_io", "The disk under the database fails; look at the system's log.", err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return crm.Wrap(crm.Unavailable, "database_corrupt", "The database's file is damaged, or is no database; restore it from a backup.", err)
	}
	return nil
}

func fileError(path string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return diskFull(err)
	}
	return unwritable(err)
}

func diskFull(err error) *crm.Error {
	return crm.Wrap(crm.Unavailable, "disk_full", "The disk under the data folder is full; free some space.", err)
}

func unwritable(err error) *crm.Error {
	return crm.Wrap(crm.Unavailable, "data_dir_unwritable", "The data folder can't be written to; give its owner the right, or choose another with MAILSYNC_DATA_DIR.", err)
}
