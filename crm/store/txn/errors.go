package txn

import (
	"context"
	"errors"

	"mailsyncd.example/crm"
)

// Fail is the border at which errors leave the store: those that say what to
// do pass, as does the caller's own change of mind; the database's own words
// become the cause.
func (db *DB) Fail(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*crm.Error](err); ok {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if known := db.dialect.Classify(err); known != nil {
		return known
	}
	return crm.Wrap(crm.Internal, "database", "The database could not do what was asked ("+op+"); the daemon's log has its words.", err)
}

// NotFound says that the account has no such thing, or that there is no such
// account.
func NotFound(what string) *crm.Error {
	where := " in this account"
	if what == "account" {
		where = ""
	}
	return crm.E(crm.NotFound, what+"_not_found", "There is no such "+what+where+"; check the id.")
}

// Fenced refuses what somebody writes who works a mailbox under a lower fence
// than the mailbox has seen. A fence of 0 is never compared.
func Fenced(fence, seen crm.Fence) error {
	if fence == 0 || fence >= seen {
		return nil
	}
	return crm.E(crm.Conflict, "fenced", "Another process works this mailbox now; leave it to that one.")
}

// Exists says that an id is taken.
func Exists(what string) *crm.Error {
	return crm.E(crm.Conflict, what+"_exists", "There is a "+what+" with this id already; choose another.")
}
