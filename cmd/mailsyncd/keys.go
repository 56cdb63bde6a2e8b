package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mailsyncd.example/cmd/mailsyncd/keyring"
	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
)

type keysCommand struct {
	Rotate rotateCommand `cmd:"" help:"Add a key and encrypt every stored password with it."`
	Forget forgetCommand `cmd:"" help:"Erase the stored passwords that the keyset does not open."`
}

type rotateCommand struct{ Config }

// Help is the long help text.
func (rotateCommand) Help() string {
	return "Adds a key to the keyset and encrypts every mailbox password again with it. The old keys stay " +
		"in the keyset, so that backups of the database still open. The daemon must be stopped. Where the " +
		"keyset is given by MAILSYNC_KEYSET, put a new key into it first: then the passwords are encrypted " +
		"with that."
}

// Run adds a key and seals every credential again. A run that was interrupted
// is made good by the next one.
func (c rotateCommand) Run(ctx context.Context, p Program) (err error) {
	keys, db, err := c.openSealed(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if c.Keyset == "" {
		if err := keys.Rotate(); err != nil {
			return err
		}
	}
	n, err := db.Reseal(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Stdout, "Passwords encrypted with the newest key: %d. Copy the keyset into the backup.\n", n)
	return err
}

type forgetCommand struct {
	Config
	Yes bool `help:"Erase them. Without it they are only counted."`
}

// Help is the long help text.
func (forgetCommand) Help() string {
	return "For when a keyset is lost for good: the passwords that the keyset here does not open are erased, and their users are told to " +
		"enter them again, or to sign in again. Where there is no keyset one is made. Nothing brings back what was erased, so look " +
		"for the keyset in the backup first. Each webhook needs a new secret afterwards: POST /v1/webhooks/{id}/rotate. The daemon must be stopped."
}

// Run counts the passwords that are lost, or erases them.
func (c forgetCommand) Run(ctx context.Context, p Program) (err error) {
	if !c.Yes && c.keys().Missing() {
		return errors.New("there is no keyset, so that no password can be read; if it is lost for good: mailsyncd keys forget --yes")
	}
	_, db, err := c.openSealed(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	n, text := 0, "Passwords that this keyset does not open: %d. To erase them: mailsyncd keys forget --yes\n"
	if c.Yes {
		text = "Passwords erased: %d. Copy the keyset into the backup.\n"
		n, err = db.ForgetLost(ctx, time.Now())
	} else {
		n, err = db.LostCredentials(ctx)
	}
	if err == nil {
		_, err = fmt.Fprintf(p.Stdout, text, n)
	}
	return err
}

// openSealed opens keys and database for this process alone: nobody may encrypt
// with an old key meanwhile.
func (c Config) openSealed(ctx context.Context) (*keyring.Ring, *store.Store, error) {
	if err := c.prepareFolder(); err != nil {
		return nil, nil, err
	}
	keys, err := c.keys().Open()
	if err != nil {
		return nil, nil, err
	}
	c.RedisURL = ""
	db, err := c.openStore(ctx, store.Options{Sealer: keys})
	if crm.CodeOf(err) == "database_in_use" {
		err = crm.Wrap(crm.KindOf(err), "database_in_use", "mailsyncd works on this database; stop every process of it first.", err)
	}
	return keys, db, err
}

// keys is where the keyset is: given, or in the data folder.
func (c Config) keys() keyring.Place { return keyring.Place{Text: c.Keyset, File: c.keysetFile()} }

func (c doctorCommand) checkKeyset(ctx context.Context) (string, error) {
	how, err := "given by the configuration", error(nil)
	if c.Keyset == "" {
		how, err = checkPrivate(c.keysetFile())
	}
	if err != nil {
		return "", err
	}
	stands, knows, err := c.schema(ctx)
	if err != nil || stands == 0 || stands != knows {
		return how, nil // which is another line's
	}
	var o store.Options
	if !c.keys().Missing() {
		keys, err := c.keys().Open()
		if err != nil {
			return "", err
		}
		o.Sealer = keys
	}
	db, err := c.peek(o)
	if err != nil {
		return "", err
	}
	fits, err := c.keys().Look(ctx, db)
	return how + "; " + fits, errors.Join(err, db.Close())
}
