// Command mailsyncd syncs sales people's IMAP mailboxes into a CRM: the mail
// exchanged with customers, all of it, once, and nothing else.
//
// This package is the roof of the house: the only one that knows every other.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"mailsyncd.example/crm"
)

// Program is mailsyncd as a value. All that it knows of the world outside is
// given to it, so that a test can run it as a user would.
type Program struct {
	Args   []string // without the program's name
	Env    []string // NAME=value
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// What Run returns.
const (
	exitOK      = 0
	exitProblem = 1 // something went wrong, and a sentence says what
	exitUsage   = 2 // the command line or the configuration can't be understood
)

type commands struct {
	Demo    demoCommand    `cmd:"" help:"Show a whole office in one process: nothing to install, nothing to set up."`
	Serve   serveCommand   `cmd:"" help:"Run the daemon."`
	Doctor  doctorCommand  `cmd:"" help:"Check this machine and this configuration, and say what to do."`
	Explain explainCommand `cmd:"" help:"Say why a mail is in the CRM, or why not."`
	Keys    keysCommand    `cmd:"" help:"Look after the keys that encrypt passwords."`
	Migrate migrateCommand `cmd:"" help:"Bring the database up to this version, and exit."`
	Config  configCommand  `cmd:"" help:"Print a sample configuration file, every setting explained."`
	Move    moveCommand    `cmd:"" help:"Carry an office from SQLite to PostgreSQL."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// getenv returns a variable of the environment, "" where it is not set.
func (p Program) getenv(name string) string {
	for _, entry := range p.Env {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// Run runs the command that Args name and returns the exit code. What went
// wrong stands in one sentence on Stderr. It returns soon after ctx has ended.
func (p Program) Run(ctx context.Context) (code int) {
	// Kong leaves the process once it has printed a help text; here it
	// leaves this function.
	type exit struct{ code int }
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exit)
			if !ok {
				panic(r)
			}
			code = e.code
		}
	}()
	outside := &settings{env: p.Env}
	parser, err := kong.New(&commands{},
		kong.Name("mailsyncd"),
		kong.Description("Syncs sales people's IMAP mailboxes into a CRM: the mail exchanged with customers, all of it, once, and nothing else."),
		kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(func(code int) { panic(exit{code}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 80}),
		kong.ValueFormatter(helpWithSetting),
		kong.Resolvers(outside),
		kong.WithBeforeResolve(outside.readFile),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(p),
	)
	if err != nil {
		panic(err) // the struct above is at fault
	}
	if len(p.Args) == 0 {
		p.Args = []string{"--help"}
	}
	command, err := parser.Parse(p.Args)
	if err != nil {
		name := "mailsyncd"
		if e, ok := errors.AsType[*kong.ParseError](err); ok && e.Context.Selected() != nil {
			name = e.Context.Selected().FullPath()
		}
		fmt.Fprintf(p.Stderr, "mailsyncd: %s\nTry \"%s --help\".\n", err, name)
		return exitUsage
	}
	if err := command.Run(); err != nil {
		fmt.Fprintf(p.Stderr, "mailsyncd: %s\n", sentence(err))
		return exitProblem
	}
	return exitOK
}

// sentence is an error as the person at the terminal needs it: what to do,
// then the cause.
func sentence(err error) string {
	e, ok := errors.AsType[*crm.Error](err)
	switch {
	case !ok:
		return err.Error()
	case e.Err != nil:
		return fmt.Sprintf("%s (%s)", e.Detail, sentence(e.Err))
	default:
		return e.Detail
	}
}
