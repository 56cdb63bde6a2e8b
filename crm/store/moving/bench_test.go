package moving_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailsyncd.example/crm/store/moving"
	"mailsyncd.example/crm/store/postgrestest"
	"mailsyncd.example/crm/store/sqlite"
)

// BenchmarkMove carries b.N messages of 2 KB with an event each, and checks
// them, to a server that writes to the disk as it does in earnest.
func BenchmarkMove(b *testing.B) {
	durable := postgrestest.Server{Durable: true}
	b.Cleanup(func() { must(b, durable.Close()) })
	path, url := filepath.Join(b.TempDir(), "mailsync.db"), durable.Database(b)
	must(b, sqlite.Migrate(b.Context(), path))
	lite, err := sql.Open("sqlite", path)
	must(b, err)
	for _, statement := range []string{`
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO messages SELECT 'acc_1', printf('msg_%026d', i), randomblob(32), 'thr_' || i / 3, NULL, 'inbound', 'personal', NULL,
			i, i, hex(randomblob(32)), 2000, 'A subject', 'A snippet', 'somebody@customer.example', '{}', hex(randomblob(1000)) FROM n`, `
		INSERT INTO events SELECT account, received_at, 'evt_' || id, 'message.imported', received_at, '{"message_id": "' || id || '"}' FROM messages`,
	} {
		_, err = lite.ExecContext(b.Context(), statement, b.N)
		must(b, err)
	}
	must(b, lite.Close())
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // begins the peak anew, on Linux
	b.ResetTimer()
	m, err := moving.Open(b.Context(), path, url, deaf)
	must(b, err)
	r, err := m.Run(b.Context())
	must(b, err)
	must(b, m.Close())
	b.ReportMetric(float64(r.Rows)/b.Elapsed().Seconds(), "rows/s")
	status, _ := os.ReadFile("/proc/self/status")
	if _, after, found := strings.Cut(string(status), "VmHWM:"); found {
		var peak float64
		_, err := fmt.Sscan(after, &peak)
		must(b, err)
		b.ReportMetric(peak/1000, "peak-MB")
	}
}
