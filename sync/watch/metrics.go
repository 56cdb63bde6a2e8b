package watch

import "github.com/prometheus/client_golang/prometheus"

// Metrics are what an operator sees of the watcher. None has a label by
// mailbox: there may be a million.
type Metrics struct {
	Mailboxes   prometheus.Gauge
	Connections prometheus.Gauge
	Connects    *prometheus.CounterVec // by result: ok, or the error's code
	Looks       *prometheus.CounterVec // by result
	LookSeconds prometheus.Histogram
	Envelopes   prometheus.Counter
	Missed      prometheus.Counter
	Unexplained prometheus.Counter
	Fenced      prometheus.Counter
	Slowed      prometheus.Counter
	Lists       prometheus.Counter
}

// NewMetrics makes the metrics; they count whether or not they are registered.
func NewMetrics() *Metrics {
	return &Metrics{
		Mailboxes:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "mailsync_mailboxes", Help: "Mailboxes that this process works."}),
		Connections: prometheus.NewGauge(prometheus.GaugeOpts{Name: "mailsync_imap_connections", Help: "Connections to mail servers now."}),
		Connects:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mailsync_imap_connects_total", Help: "Attempts to open a mailbox, by result."}, []string{"result"}),
		Looks:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mailsync_looks_total", Help: "Looks at a mailbox, by result."}, []string{"result"}),
		LookSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "mailsync_look_seconds", Help: "Time that a look took.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8)}),
		Envelopes:   prometheus.NewCounter(prometheus.CounterOpts{Name: "mailsync_envelopes_total", Help: "Envelopes read."}),
		Missed:      prometheus.NewCounter(prometheus.CounterOpts{Name: "mailsync_idle_missed_total", Help: "Messages that a look found and IDLE had not announced for a minute."}),
		Unexplained: prometheus.NewCounter(prometheus.CounterOpts{Name: "mailsync_unexplained_total", Help: "UIDs that a balance found without an outcome. An alarm."}),
		Fenced:      prometheus.NewCounter(prometheus.CounterOpts{Name: "mailsync_fenced_writes_total", Help: "Writes that were refused because another process has worked the mailbox meanwhile."}),
		Slowed:      prometheus.NewCounter(prometheus.CounterOpts{Name: "mailsync_logins_slowed_total", Help: "Logins that waited because their host had refused those of several mailboxes."}),
		Lists:       prometheus.NewCounter(prometheus.CounterOpts{Name: "mailsync_mailbox_lists_total", Help: "Readings of the list of all mailboxes, which find what no signal has told."}),
	}
}

// Collectors are all the metrics, to be registered.
func (m *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.Mailboxes, m.Connections, m.Connects, m.Looks, m.LookSeconds, m.Envelopes, m.Missed, m.Unexplained, m.Fenced, m.Slowed, m.Lists}
}
