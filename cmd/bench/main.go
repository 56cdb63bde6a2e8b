// Command bench measures how fast mailsyncd is: against a real Dovecot of its
// own, beside two others who do the same work in the same run. One is a bare
// socket, which is the limit; the other is go-imap's client as it is. Machines
// are noisy, so it's the ratios that count. docs/performance.md says what each
// figure means and keeps the last table.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"syscall"

	"mailsyncd.example/sync/dovecottest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program. It returns 0 unless something breaks: a target that is
// missed is for people to judge.
func run(ctx context.Context, args []string, in io.Reader, out, complaints io.Writer) int {
	if len(args) > 0 && args[0] == measureCommand {
		return report(complaints, serveJob(ctx, in, out))
	}
	b := &bench{sizes: fullSizes, progress: complaints}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(complaints)
	flags.BoolVar(&b.quick, "quick", false, "small sizes: does it still run? The figures mean nothing")
	row := flags.Int("row", 0, "measure this row of the table only")
	latency := flags.Bool("latency", false, "measure from mail to webhook, and nothing else")
	many := flags.Bool("scale", false, "measure real processes with many mailboxes, on PostgreSQL and Redis")
	flags.StringVar(&b.profiles, "profile", "", "write CPU profiles of our side into this `folder`")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if b.quick {
		b.sizes = quickSizes
	}
	if *latency {
		return report(complaints, b.runLatency(ctx, out))
	}
	if *many {
		s := &scale{bench: b, sizes: fullScale}
		if b.quick {
			s.sizes = quickScale
		}
		return report(complaints, s.run(ctx, *row, out))
	}
	return report(complaints, b.run(ctx, *row, out))
}

func report(complaints io.Writer, err error) int {
	if err != nil {
		fmt.Fprintln(complaints, "bench:", err)
		return 1
	}
	return 0
}

// bench is one run.
type bench struct {
	sizes    sizes
	quick    bool // the sizes are not those of the targets
	server   *dovecottest.Server
	progress io.Writer
	profiles string
	profiled int // profiles so far
	figures  []figure
}

// row is one row of the table of targets; two that need the same thousand
// mailboxes are measured together.
type row struct {
	numbers []int
	folders []string // of every mailbox, beside the inbox
	measure func(*bench, context.Context) error
}

var rows = []row{
	{[]int{1}, nil, (*bench).scan},
	{[]int{2}, nil, (*bench).importing},
	{[]int{3}, manyFolders, (*bench).look},
	{[]int{5}, workFolders, (*bench).first},
	{[]int{6}, nil, (*bench).delivery},
	{[]int{7}, nil, (*bench).backlog},
	{[]int{4, 8}, fewFolders, (*bench).idle},
}

func (b *bench) runLatency(ctx context.Context, out io.Writer) error {
	s := fullLatency
	if b.quick {
		s = quickLatency
	}
	lags, err := b.latency(ctx, s)
	if err != nil {
		return err
	}
	return printLatency(out, lags, !b.quick)
}

func (b *bench) run(ctx context.Context, only int, out io.Writer) error {
	if err := raiseLimits(b.sizes.idle); err != nil {
		fmt.Fprintln(b.progress, "bench:", err)
	}
	clean, err := workFolder()
	if err != nil {
		return err
	}
	defer clean()
	for _, r := range rows {
		if only != 0 && !slices.Contains(r.numbers, only) {
			continue
		}
		if err := b.one(ctx, r); err != nil {
			return fmt.Errorf("row %d: %w", r.numbers[0], err)
		}
	}
	slices.SortStableFunc(b.figures, func(x, y figure) int { return x.row - y.row })
	fmt.Fprintf(out, "%d cores, Dovecot on the same machine, %s\n\n", runtime.NumCPU(), runtime.Version())
	if b.quick {
		for i := range b.figures {
			b.figures[i].reach = none
		}
	}
	return printTable(out, b.figures)
}

// workFolder makes a folder in which everything is kept, and returns what
// removes it. That comes at the end: a file system that has just freed many
// files is slow to make new ones (ext4 passes over the inodes for a minute),
// and whoever is measured next would pay for it.
func workFolder() (clean func(), err error) {
	dir, err := os.MkdirTemp("", "b")
	if err != nil {
		return nil, err
	}
	before := os.Getenv("TMPDIR")
	clean = func() {
		_ = os.Setenv("TMPDIR", before)
		_ = os.RemoveAll(dir) // what can't be removed is in a temporary folder
	}
	if err := os.Chmod(dir, 0o755); err != nil { // Dovecot reads here as somebody else
		clean()
		return nil, err
	}
	return clean, os.Setenv("TMPDIR", dir)
}

// one measures a row against a Dovecot of its own, so that no row's mail is in
// another's way.
func (b *bench) one(ctx context.Context, r row) error {
	fmt.Fprintln(b.progress, "row", r.numbers)
	var err error
	if b.server, err = dovecottest.Open(dovecot(r.folders)...); err != nil {
		return err
	}
	defer b.server.Kill()
	if err := r.measure(b, ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, b.server.Log())
	}
	return nil
}

// addr is where Dovecot speaks IMAP.
func (b *bench) addr(tls bool) string {
	port := b.server.IMAPPort
	if tls {
		port = b.server.IMAPSPort
	}
	return dovecottest.Host + ":" + strconv.Itoa(port)
}
