package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"mailsyncd.example/cmd/mailsyncd/terminal"
	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/moving"
)

type moveCommand struct {
	Config
	From string `placeholder:"URL" help:"The database to carry: sqlite:///path/to/file. That of the data folder unless given."`
	To   string `placeholder:"URL" help:"Where to: postgres://user:password@host/database. The one of --database-url unless given."`
}

// Help is the long help text.
func (moveCommand) Help() string {
	return "Carries an office that has outgrown one machine from SQLite to PostgreSQL. The daemon must be stopped. " +
		"The database at --from stays as it is; the one at --to must be empty. When the command is interrupted or " +
		"killed, run it again: it goes on where it stood. In the end both sides are compared, row for row, and only then " +
		"can the new one be served from. The keyset is that of the data folder, or MAILSYNC_KEYSET, as it will be for " +
		"serve: the command makes sure that it opens the stored passwords before it begins. " +
		"Raw mail, keys and the operator's token are not in the database; in the end the command says what has to come along."
}

// Validate is called by kong once all values are known.
func (c moveCommand) Validate() error {
	if err := c.Config.Validate(); err != nil {
		return err
	}
	if c.From != "" && !strings.HasPrefix(c.From, "sqlite://") {
		return errors.New("--from: give sqlite:///path/to/file, or leave it out")
	}
	if !c.target().inPostgres() {
		return errors.New("--to: give postgres://user:password@host/database, here or as MAILSYNC_DATABASE_URL")
	}
	return nil
}

// source is the configuration by which the office has been served.
func (c moveCommand) source() Config {
	s := c.Config
	if s.inPostgres() || c.From != "" {
		s.DatabaseURL = c.From
	}
	return s
}

// target is the one by which it is going to be.
func (c moveCommand) target() Config {
	t := c.Config
	if c.To != "" {
		t.DatabaseURL = c.To
	}
	return t
}

// Run carries the office, or what an earlier run has left of it.
func (c moveCommand) Run(ctx context.Context, p Program) (err error) {
	if c.keys().Missing() {
		return crm.E(crm.NotFound, "keyset_missing", "There is no keyset at "+c.keysetFile()+"; copy the one there by which the office has been served, "+
			"name its data folder with --data-dir, or give the keyset as MAILSYNC_KEYSET.")
	}
	keys, err := c.keys().Open()
	if err != nil {
		return err
	}
	progress := terminal.NewBar(p.Stderr)
	move, err := moving.Open(ctx, c.source().databaseFile(), c.target().DatabaseURL, progress.Hear)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, move.Close()) }()
	if err := move.TrySealer(ctx, keys); err != nil {
		return err
	}
	report, err := move.Run(ctx)
	progress.End()
	if ctx.Err() != nil {
		return crm.Wrap(crm.Unavailable, "move_interrupted", "Interrupted; run the same command again, it goes on where it stood.", ctx.Err())
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(p.Stdout, c.summary(report))
	return err
}

// summary says what was carried, and what else has to be.
func (c moveCommand) summary(r moving.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Moved %s rows in %d tables, and found them the same on both sides. Accounts: %s.\n", terminal.Grouped(r.Rows), len(r.Tables), terminal.Grouped(r.Accounts))
	if r.Changed > 0 {
		fmt.Fprintf(&b, "Texts that held bytes which PostgreSQL does not take, each of them U+FFFD now: %s.\n", terminal.Grouped(int64(r.Changed)))
	}
	fmt.Fprintf(&b, "\nNot in the database, and needed by serve:\n")
	old := filepath.Dir(c.source().databaseFile())
	for _, thing := range []struct{ what, was, goes, given string }{
		{"raw mail", filepath.Join(old, "blobs"), c.blobPlace(), ""},
		{"keys", filepath.Join(old, "keyset.json"), c.keysetFile(), c.Keyset},
		{"operator's token", filepath.Join(old, "operator-token"), c.operatorTokenFile(), c.OperatorToken},
	} {
		how := "copy " + thing.was + " to " + thing.goes
		switch {
		case thing.given != "":
			how = "given by the configuration, as now"
		case samePath(thing.was, thing.goes):
			how = thing.was + " stays where it is"
		case thing.goes == c.keysetFile():
			how = thing.goes + " fits"
		case c.inBucket() && thing.goes == c.blobPlace() && !exists(thing.was):
			how = "stays in the bucket"
		}
		fmt.Fprintf(&b, "  %-16s  %s\n", thing.what, how)
	}
	fmt.Fprintf(&b, "\nThen start serve with this database. Never again serve from the old one, %s: it is a backup now.\n", c.source().databaseFile())
	return b.String()
}

// blobPlace is where raw mail is going to be kept.
func (c moveCommand) blobPlace() string {
	if c.inBucket() {
		return "the bucket"
	}
	return c.blobFolder()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// samePath tells whether two paths name one place.
func samePath(a, b string) bool {
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB
}
