package grant

import "github.com/prometheus/client_golang/prometheus"

// Metrics counts what the refresher does.
type Metrics struct {
	Refreshes *prometheus.CounterVec // by result: ok, or the error's code
}

// NewMetrics makes metrics that are registered nowhere yet.
func NewMetrics() *Metrics {
	return &Metrics{Refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "mailsync_token_refreshes_total", Help: "Requests for access tokens, by result.",
	}, []string{"result"})}
}

// Collectors lists all metrics, to be registered.
func (m *Metrics) Collectors() []prometheus.Collector { return []prometheus.Collector{m.Refreshes} }
