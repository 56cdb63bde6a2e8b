package main

import (
	"context"
	"errors"
	"fmt"

	"mailsyncd.example/crm/seal"
	"mailsyncd.example/crm/store"
)

type keysCommand struct {
	Rotate rotateCommand `cmd:"" help:"Add a key and encrypt every stored password with it."`
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
	if err := c.prepareFolder(); err != nil {
		return err
	}
	keys, err := c.openKeys()
	if err != nil {
		return err
	}
	c.RedisURL = "" // nobody may seal with an old key meanwhile
	db, err := c.openStore(ctx, store.Options{Sealer: keys})
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

// openKeys opens the keyset: the one given, or the one in the data folder,
// which is made on first start.
func (c Config) openKeys() (*seal.Keyset, error) {
	if c.Keyset != "" {
		return seal.FromString(c.Keyset)
	}
	return seal.Open(c.keysetFile())
}
