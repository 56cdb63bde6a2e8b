package lease

import "github.com/prometheus/client_golang/prometheus"

// Metrics are what an operator sees of the leases.
type Metrics struct {
	Shards  prometheus.Gauge
	Members prometheus.Gauge
	Lost    prometheus.Counter
	Renewed prometheus.Gauge
}

// NewMetrics makes the metrics; they count whether or not they are registered.
func NewMetrics() *Metrics {
	return &Metrics{
		Shards:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "mailsync_lease_shards", Help: "Shards of the mailboxes that this process works, of 1024 among all processes."}),
		Members: prometheus.NewGauge(prometheus.GaugeOpts{Name: "mailsync_lease_members", Help: "Processes that share the mailboxes, as this one sees it."}),
		Lost:    prometheus.NewCounter(prometheus.CounterOpts{Name: "mailsync_leases_lost_total", Help: "Shards that this process could not hold on to and did not give away."}),
		Renewed: prometheus.NewGauge(prometheus.GaugeOpts{Name: "mailsync_lease_renewed_timestamp_seconds", Help: "When the leases were last renewed."}),
	}
}

// Collectors are all the metrics, to be registered.
func (m *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.Shards, m.Members, m.Lost, m.Renewed}
}
