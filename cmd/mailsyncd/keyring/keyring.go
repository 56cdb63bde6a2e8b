// Package keyring opens the keys that encrypt credentials, and finds out
// whether they are the right ones: a daemon with other keys would start, fail at
// every mailbox, and encrypt what is new so that nobody else can read it.
package keyring

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/seal"
	"mailsyncd.example/crm/store"
)

// Place is where the keyset is: in a text, or where that is "", in a file.
type Place struct{ Text, File string }

// Ring is an open keyset.
type Ring struct {
	*seal.Keyset
	place Place
	made  bool // just now: no keyset was there
}

// Missing tells whether there is no keyset yet.
func (p Place) Missing() bool {
	_, err := os.Stat(p.File)
	return p.Text == "" && errors.Is(err, fs.ErrNotExist)
}

// Open opens the keyset. Where the file is missing it is made.
func (p Place) Open() (*Ring, error) {
	r := &Ring{place: p, made: p.Missing()}
	var err error
	if p.Text != "" {
		r.Keyset, err = seal.FromString(p.Text)
	} else {
		r.Keyset, err = seal.Open(p.File)
	}
	return r, err
}

// Try refuses a keyset that opens none of the stored passwords. Where others
// work on the database too, one that was made just now is none of theirs,
// whatever is stored; what was made in vain is taken away again.
//
// Errors are of kind crm.Conflict with the code keyset_missing or keyset_wrong.
func (r *Ring) Try(ctx context.Context, s *store.Store, shared bool) error {
	stored, opened, err := s.TryCredentials(ctx)
	if err != nil || opened > 0 {
		return err
	}
	if r.made && shared && stored == 0 {
		accounts, err := s.ListAccounts(ctx, crm.Paging{Limit: 1})
		if err != nil {
			return err
		}
		stored = len(accounts.Items)
	}
	switch {
	case stored == 0:
		return nil
	case r.made:
		return errors.Join(errMissing(r.place), os.Remove(r.place.File))
	default:
		return errWrong(r.place)
	}
}

func errMissing(p Place) error {
	return crm.E(crm.Conflict, "keyset_missing", "This database is in use, and this process has no keyset; put the one that was used before, or that of the "+
		"other processes, to "+p.File+", or give it as MAILSYNC_KEYSET (other processes: their operator's token as well). "+
		"If it is lost for good, see: mailsyncd keys forget --help")
}

func errWrong(p Place) error {
	where := p.File
	if p.Text != "" {
		where = "MAILSYNC_KEYSET"
	}
	return crm.E(crm.Conflict, "keyset_wrong", "The keyset in "+where+" opens none of the passwords in this database; give the one that was used before. "+
		"If it is lost for good, see: mailsyncd keys forget --help")
}

// Look tells how the keyset goes with the database, and changes nothing.
func (p Place) Look(ctx context.Context, s *store.Store) (string, error) {
	stored, opened, err := s.TryCredentials(ctx)
	switch {
	case err != nil:
		return "", err
	case stored == 0:
		return "there are no passwords yet", nil
	case p.Missing():
		return "", errMissing(p)
	case opened == 0:
		return "", errWrong(p)
	case opened < stored:
		return "", crm.E(crm.Conflict, "keyset_incomplete", fmt.Sprintf("it opens %d of %d passwords that were tried; give the keyset that opens them all, "+
			"or see: mailsyncd keys forget --help", opened, stored))
	}
	return fmt.Sprintf("it opens all of %d passwords that were tried", stored), nil
}
