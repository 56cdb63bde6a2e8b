package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"mailsyncd.example/cmd/mailsyncd/terminal"
	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api"
	"mailsyncd.example/crm/api/gate"
	"mailsyncd.example/crm/outbox"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/webhook"
	"mailsyncd.example/sync/grant"
	"mailsyncd.example/sync/intake"
	"mailsyncd.example/sync/issuer"
	"mailsyncd.example/sync/watch"
)

type serveCommand struct{ Config }

// Help is the long help text.
func (serveCommand) Help() string {
	return "Runs until it is told to stop (SIGINT, SIGTERM), and then ends what it has begun. Without any " +
		"configuration it keeps its data in ./mailsync-data and listens on the loopback interface. The " +
		"operator's token, with which accounts are made, stands in the file operator-token of the data folder."
}

// Run runs the daemon until ctx ends.
func (c serveCommand) Run(ctx context.Context, p Program) error {
	log := terminal.Logger(p.Stderr, zap.InfoLevel)
	for _, name := range unknownSettings(p.Env) {
		log.Warn("this version has no such setting; it is ignored", zap.String("name", name))
	}
	d, err := newDaemon(ctx, c.Config, log, nil)
	if err != nil {
		return err
	}
	return d.run(ctx)
}

// How long requests may take to begin, and to end once the daemon stops. What
// is in between the API bounds by itself: events are streamed for hours.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	stopTimeout   = 20 * time.Second
)

// daemon is everything that runs, put together.
type daemon struct {
	config   Config
	log      *zap.Logger
	token    crm.Secret
	store    *store.Store
	crew     *crew
	blobs    keeper
	watcher  *watch.Watcher
	issuers  *issuer.Issuers
	grants   *grant.Refresher
	posting  *outbox.Dispatcher
	poster   *webhook.Poster
	listener net.Listener
	server   *http.Server
	closing  chan struct{} // closed when the daemon begins to stop
}

// newDaemon builds the daemon from the ground up. Nothing runs yet, but the
// address is taken. observe, where not nil, hears of every mail's outcome.
func newDaemon(ctx context.Context, c Config, log *zap.Logger, observe func(intake.Seen)) (_ *daemon, err error) {
	d := &daemon{config: c, log: log, closing: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if err := c.prepareFolder(); err != nil {
		return nil, err
	}
	if d.token, err = c.operatorToken(); err != nil {
		return nil, err
	}
	if err := gate.CheckStrength(d.token); err != nil {
		log.Warn(err.Error())
	}
	keys, err := c.keys().Open()
	if err != nil {
		return nil, err
	}
	signals := &signals{}
	if d.store, err = c.openStore(ctx, store.Options{Sealer: keys, Signals: signals}); err != nil {
		return nil, err
	}
	if err := keys.Try(ctx, d.store, c.shared()); err != nil {
		return nil, err
	}
	if c.shared() {
		if d.crew, err = c.join(ctx, signals, d.store, log); err != nil {
			return nil, err
		}
	}
	if d.blobs, err = c.openBlobs(ctx, log); err != nil {
		return nil, err
	}
	dialer, err := c.mailDialer()
	if err != nil {
		return nil, err
	}
	if d.issuers, err = c.issuers(); err != nil {
		return nil, err
	}
	tokens := grant.NewMetrics()
	d.grants = grant.New(grant.Options{Store: d.store, Issuers: d.issuers, Log: log.Named("grants"), Metrics: tokens})
	metrics := watch.NewMetrics()
	watching := watch.Options{
		Store:   d.store,
		Journey: intake.New(intake.Options{Store: d.store, Blobs: d.blobs, Claims: d.crew.claimer(), Observe: observe}),
		Connect: d.grants.Connect(func(ctx context.Context, l crm.Login, trace func(crm.Step)) (watch.Box, error) {
			return connect(ctx, dialer, l, trace)
		}),
		Knock:    dialer.Knock,
		Interval: c.PollInterval, Limits: c.limits(), Log: log.Named("watch"), Metrics: metrics,
	}
	d.crew.tell(&watching)
	d.watcher = watch.New(watching)
	signals.watcher = d.watcher
	posts := outbox.NewMetrics()
	if d.poster, err = c.poster(); err != nil {
		return nil, err
	}
	d.posting = outbox.NewDispatcher(outbox.Options{
		Store: d.store, Poster: d.poster, Bell: &signals.bell, Now: time.Now, Log: log.Named("webhooks"), Metrics: posts,
		Duty: d.crew.duty,
	})
	if d.listener, err = net.Listen("tcp", c.Listen); err != nil {
		return nil, errListen(c.Listen, err)
	}
	finder, err := c.finder()
	if err != nil {
		return nil, err
	}
	handler := api.New(api.Options{
		Store: d.store, Blobs: d.blobs, Letters: letters{}, Watcher: d.watcher, Finder: finder, Bell: &signals.bell, Endpoints: d.posting, Issuers: d.issuers,
		OperatorToken: d.token, Now: time.Now, Log: log.Named("api"),
		Ready: d.ready, Closing: d.closing, Metrics: metricsHandler(metrics, tokens, posts, d.crew), Version: version(),
	})
	d.server = &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		ErrorLog: zap.NewStdLog(log.Named("http")),
	}
	return d, nil
}

// leastSpace is how many bytes must be free in the data folder for the daemon
// to call itself ready: room for the database to note what it could not keep.
const leastSpace = 8 << 20

// ready tells whether the daemon can work: read and write.
func (d *daemon) ready(ctx context.Context) error {
	if err := d.store.Ping(ctx); err != nil {
		return err
	}
	if err := d.crew.ready(ctx); err != nil {
		return err
	}
	if free, err := freeSpace(d.config.DataDir); err == nil && free < leastSpace {
		return crm.E(crm.Unavailable, "disk_full", "The disk under the data folder is full; free some space.")
	}
	return d.blobs.Ready(ctx)
}

// run serves until ctx ends, then stops what was started, the last first. The
// mailboxes are given to other processes, if there are any, before all else.
func (d *daemon) run(ctx context.Context) error {
	hush := d.crew.talk(ctx)
	keepers, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	run, ctx := errgroup.WithContext(ctx)
	run.Go(func() error { return d.posting.Run(keepers) })
	run.Go(func() error { return d.crew.publish(keepers) })
	run.Go(func() error { return d.watcher.Run(keepers) })
	run.Go(func() error { d.crew.share(ctx); return nil })
	run.Go(func() error { return d.sweep(ctx) })
	run.Go(func() error {
		if err := d.server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	token := "MAILSYNC_OPERATOR_TOKEN"
	if d.config.OperatorToken == "" {
		token = d.config.operatorTokenFile()
	}
	d.log.Info("serving", zap.String("url", d.url()), zap.String("version", version()), zap.String("data_dir", d.config.DataDir), zap.String("operator_token", token))
	run.Go(func() error {
		<-ctx.Done()
		d.log.Info("stopping")
		close(d.closing)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		err := d.server.Shutdown(limit)
		leave()
		return err
	})
	err := errors.Join(run.Wait(), hush(), d.close())
	d.log.Info("stopped", zap.Error(err))
	return err
}

// close gives back what newDaemon took.
func (d *daemon) close() error {
	var err error
	if d.poster != nil {
		d.poster.Close()
	}
	if d.listener != nil {
		if err = d.listener.Close(); errors.Is(err, net.ErrClosed) {
			err = nil // the server did it
		}
	}
	if d.issuers != nil {
		d.issuers.Close()
	}
	if d.grants != nil { // what a provider has given out is stored before the store is closed
		err = errors.Join(err, d.grants.Close(context.Background()))
	}
	if d.blobs != nil {
		d.blobs.Close()
	}
	err = errors.Join(err, d.crew.close())
	if d.store != nil {
		err = errors.Join(err, d.store.Close())
	}
	return err
}

func (d *daemon) url() string { return "http://" + d.listener.Addr().String() }
