package outbox

import "github.com/prometheus/client_golang/prometheus"

// Metrics are what an operator sees of the webhooks. None has a label by
// endpoint: there may be any number.
type Metrics struct {
	Posts       *prometheus.CounterVec // by result: delivered, refused, unanswered
	PostSeconds prometheus.Histogram
	Busy        prometheus.Gauge
	GivenUp     prometheus.Counter
}

// NewMetrics makes the metrics; they count whether or not they are registered.
func NewMetrics() *Metrics {
	return &Metrics{
		Posts:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mailsync_webhook_posts_total", Help: "Events posted to webhooks, by result: delivered, refused (a status other than 2xx), unanswered."}, []string{"result"}),
		PostSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "mailsync_webhook_post_seconds", Help: "Time that an endpoint took.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8)}),
		Busy:        prometheus.NewGauge(prometheus.GaugeOpts{Name: "mailsync_webhooks_busy", Help: "Webhooks that are posted to now."}),
		GivenUp:     prometheus.NewCounter(prometheus.CounterOpts{Name: "mailsync_webhooks_given_up_total", Help: "Webhooks that were given up: failing for three days, or gone."}),
	}
}

// Collectors are all the metrics, to be registered.
func (m *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.Posts, m.PostSeconds, m.Busy, m.GivenUp}
}

// StreamMetrics are what an operator sees of the streams in Redis.
type StreamMetrics struct {
	Added    prometheus.Counter
	Failures prometheus.Counter
	Lag      prometheus.Gauge
}

// NewStreamMetrics makes the metrics; they count whether or not they are
// registered.
func NewStreamMetrics() *StreamMetrics {
	return &StreamMetrics{
		Added:    prometheus.NewCounter(prometheus.CounterOpts{Name: "mailsync_stream_added_total", Help: "Events added to Redis streams by this process."}),
		Failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "mailsync_stream_failures_total", Help: "Attempts to add events to Redis streams that failed; they are repeated."}),
		Lag:      prometheus.NewGauge(prometheus.GaugeOpts{Name: "mailsync_stream_lag_seconds", Help: "Age of the oldest event that this process knows to be in no Redis stream yet; 0 when there is none."}),
	}
}

// Collectors are all the metrics, to be registered.
func (m *StreamMetrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.Added, m.Failures, m.Lag}
}
