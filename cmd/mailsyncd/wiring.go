package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mailsyncd.example/cmd/mailsyncd/trust"
	"mailsyncd.example/crm"
	"mailsyncd.example/crm/outbox"
	"mailsyncd.example/crm/relay"
	"mailsyncd.example/crm/webhook"
	"mailsyncd.example/sync/discovery"
	"mailsyncd.example/sync/guard"
	"mailsyncd.example/sync/imapbox"
	"mailsyncd.example/sync/issuer"
	"mailsyncd.example/sync/letter"
	"mailsyncd.example/sync/watch"
)

// signals brings the store's signals to those who act on them. The store is
// built before the watcher, which is why it is filled in afterwards.
type signals struct {
	bell    outbox.Bell
	watcher *watch.Watcher
	relay   *relay.Relay // to the other processes; nil where there is none
}

// EventsWritten is part of store.Signals.
func (s *signals) EventsWritten(a crm.AccountID) {
	s.bell.EventsWritten(a)
	if s.relay != nil {
		s.relay.EventsWritten(a)
	}
}

// LinksChanged is part of store.Signals.
func (s *signals) LinksChanged(a crm.AccountID, m crm.MailboxID) {
	s.watcher.LinksChanged(a, m)
	if s.relay != nil {
		s.relay.LinksChanged(a, m)
	}
}

// letters reads parts out of raw messages for the API.
type letters struct{}

// HTML is part of api.Letters.
func (letters) HTML(raw io.Reader) (string, error) { return letter.HTML(raw) }

// Attachment is part of api.Letters.
func (letters) Attachment(raw io.Reader, id string, w io.Writer) error {
	return letter.Attachment(raw, id, w)
}

// metricsHandler serves the metrics of the process and of these collectors.
func metricsHandler(of ...interface{ Collectors() []prometheus.Collector }) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, metrics := range of {
		registry.MustRegister(metrics.Collectors()...)
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// limits are what mail servers may be asked for.
func (c Config) limits() watch.Limits {
	return watch.Limits{PerHost: c.HostConns, LoginsPerSecond: c.HostLogins}.OrDefaults()
}

// mailDialer returns what opens mailboxes: through the guard, trusting the
// system's certificates and those of the configuration.
func (c Config) mailDialer() (imapbox.Dialer, error) {
	roots, err := trust.Roots(c.CAFile)
	return imapbox.Dialer{DialContext: guard.New(c.AllowNetworks).DialContext, RootCAs: roots}, err
}

// finder returns what finds out where mailboxes are: through a guard of its
// own, trusting the same certificates.
func (c Config) finder() (*discovery.Finder, error) {
	roots, err := trust.Roots(c.CAFile)
	return discovery.New(discovery.Options{DialContext: guard.NewForAutoconfig(c.AllowNetworks).DialContext, RootCAs: roots}), err
}

// poster returns what posts to webhooks: through guards of its own, trusting
// the same certificates.
func (c Config) poster() (*webhook.Poster, error) {
	roots, err := trust.Roots(c.CAFile)
	tls, plain := guard.NewForWebhooks(c.AllowNetworks)
	return webhook.New(webhook.Options{
		TLS: tls, Plain: plain, RootCAs: roots, UserAgent: "mailsyncd/" + version(), Now: time.Now,
	}), err
}

// issuers are the providers of the operator's file, by way of a guard of their
// own.
func (c Config) issuers() (*issuer.Issuers, error) {
	roots, err := trust.Roots(c.CAFile)
	if err != nil {
		return nil, err
	}
	return issuer.Open(c.OAuthFile, c.PublicURL, issuer.Options{
		DialContext: guard.NewForSignIn(c.AllowNetworks).DialContext, RootCAs: roots, Now: time.Now,
	})
}

// connect opens a mailbox; trace hears of each step.
func connect(ctx context.Context, d imapbox.Dialer, l crm.Login, trace func(crm.Step)) (watch.Box, error) {
	d.Trace = trace
	box, err := d.Connect(ctx, l)
	if err != nil {
		return nil, err // and not a nil *imapbox.Box in a watch.Box
	}
	return box, nil
}
