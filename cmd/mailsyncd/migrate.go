package main

import (
	"context"
	"fmt"
)

type migrateCommand struct{ Config }

// Help is the long help text.
func (migrateCommand) Help() string {
	return "Does what serve does to the database at its start, and nothing else. With SQLite the daemon must be " +
		"stopped; with PostgreSQL those of the release before go on. There is no way back but a backup from before."
}

// Run brings the database's schema up to date.
func (c migrateCommand) Run(ctx context.Context, p Program) error {
	if err := c.prepareFolder(); err != nil {
		return err
	}
	if err := c.migrateStore(ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.Stdout, "The database is up to date.")
	return err
}
