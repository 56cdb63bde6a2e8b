package main

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"mailsyncd.example/cmd/mailsyncd/demo"
	"mailsyncd.example/cmd/mailsyncd/terminal"
	"mailsyncd.example/crm"
	"mailsyncd.example/sync/intake"
)

type demoCommand struct {
	Listen string        `default:"127.0.0.1:8480" placeholder:"ADDR" help:"Address of the HTTP API (${default})."`
	Every  time.Duration `default:"3s" placeholder:"TIME" help:"Time from one mail to the next (${default})."`
	For    time.Duration `placeholder:"TIME" help:"Stop after this time. Otherwise it goes on until Ctrl-C."`
	Link   bool          `help:"Link a mailbox of yours too. Asks for it on the terminal."`
	CAFile string        `type:"existingfile" placeholder:"FILE" setting:"MAILSYNC_CA_FILE" help:"Trust the CA certificates in FILE too, for your mailbox."`
}

// Help is the long help text.
func (demoCommand) Help() string {
	return "Starts an office of four people with a mail server of its own, links their mailboxes, lets " +
		"mail arrive, and prints what becomes of each: imported, or refused and why. Everything stands " +
		"in a temporary folder that is removed in the end. With --link a mailbox of yours is read too, " +
		"for mail that arrives from then on; nothing in it is changed."
}

// Run is the demo from the opening of the office to its closing. Whatever it
// sets up goes through the HTTP API, as it would in earnest.
func (c demoCommand) Run(ctx context.Context, p Program) (err error) {
	folder, err := os.MkdirTemp("", "mailsyncd-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	office, err := demo.Open(demo.Aoi.Address, demo.Info.Address, demo.Dan.Address)
	if err != nil {
		return err
	}
	defer office.Close()
	if c.For > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, c.For)
		defer stop()
	}

	seen := make(chan intake.Seen, 1000)
	config := Config{
		Listen: c.Listen, DataDir: folder, CAFile: c.CAFile,
		// In earnest the other folders are looked at every three minutes;
		// nobody wants to wait that long for a demo.
		PollInterval:  max(time.Second, 2*c.Every),
		AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
	daemon, err := newDaemon(ctx, config, terminal.Logger(p.Stderr, zap.WarnLevel), func(s intake.Seen) {
		select {
		case seen <- s:
		default: // a line is lost, and the office goes on
		}
	})
	if err != nil {
		return err
	}
	run, ctx := errgroup.WithContext(ctx)
	run.Go(func() error { return daemon.run(ctx) })
	run.Go(func() error {
		err := c.play(ctx, p, daemon, office, seen)
		if ctx.Err() != nil {
			return errEnd // what was under way was interrupted, and that is all
		}
		return err
	})
	if err := run.Wait(); !errors.Is(err, errEnd) {
		return err
	}
	return nil
}

// errEnd ends the demo.
var errEnd = errors.New("the demo has ended")

// play sets the office up and lets mail arrive until ctx ends.
func (c demoCommand) play(ctx context.Context, p Program, d *daemon, o *demo.Office, seen <-chan intake.Seen) error {
	out := printer{p.Stdout}
	s := &setup{api: client{d.url(), d.token}}
	if err := s.open(ctx, crm.Server{Host: "127.0.0.1", Port: o.Address.Port, Security: crm.SecurityNone}); err != nil {
		return err
	}
	if err := s.linkColleagues(ctx); err != nil {
		return err
	}
	if c.Link {
		if err := s.linkYours(ctx, terminal.NewPrompt(p.Stdin, p.Stdout)); err != nil {
			return err
		}
	}
	out.welcome(s)
	run, ctx := errgroup.WithContext(ctx)
	run.Go(func() error { return c.post(ctx, o) })
	run.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case one := <-seen:
				out.seen(s.addresses[one.Mailbox], o, one)
			}
		}
	})
	return run.Wait()
}

// post delivers letter after letter, round after round.
func (c demoCommand) post(ctx context.Context, o *demo.Office) error {
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	for n := 1; ; n++ {
		for _, l := range demo.Round(n) {
			if err := o.Deliver(l); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	}
}
