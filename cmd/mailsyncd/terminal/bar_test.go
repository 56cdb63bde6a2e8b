package terminal

import (
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm/store/moving"
)

func TestProgressLine(t *testing.T) {
	for _, c := range []struct {
		done, total, rows int64
		took              time.Duration
		line, meter       string
	}{
		{0, 1_234_567, 0, 0, "copying    0 %  0 of 1,234,567 rows  events", "[....................]"},
		{617_000, 1_234_000, 500_000, 10 * time.Second, "copying   50 %  617,000 of 1,234,000 rows  50,000/s  12s left  events", "[##########..........]"},
		{999, 999, 999, 2 * time.Minute, "copying  100 %  999 of 999 rows  8/s  0s left  events", "[####################]"},
		{0, 0, 0, time.Minute, "copying  100 %  0 of 0 rows  events", "[####################]"},
	} {
		p := moving.Progress{Step: moving.Copying, Table: "events", Done: c.done, Total: c.total}
		if line := progressLine(p, c.rows, c.took); line != c.line {
			t.Errorf("%q, want %q", line, c.line)
		}
		if drawn := meter(p); drawn != c.meter {
			t.Errorf("%s, want %s", drawn, c.meter)
		}
	}
}

// On a terminal the bar is drawn again and again; elsewhere there are lines,
// one for the beginning of each step and one for its end.
func TestBar(t *testing.T) {
	for terminal, want := range map[bool]string{
		true: "\r[....................] copying    0 %  0 of 2 rows  a\x1b[K" +
			"\r[####################] copying  100 %  2 of 2 rows  b\x1b[K" +
			"\r[....................] checking   0 %  0 of 2 rows  a\x1b[K\n",
		false: "copying    0 %  0 of 2 rows  a\ncopying  100 %  2 of 2 rows  b\nchecking   0 %  0 of 2 rows  a\n",
	} {
		var out strings.Builder
		b := Bar{out: &out, terminal: terminal, now: func() time.Time { return time.Unix(1, 0) }}
		for _, p := range []moving.Progress{
			{Step: moving.Copying, Table: "a", Total: 2}, {Step: moving.Copying, Table: "b", Done: 2, Total: 2},
			{Step: moving.Copying, Table: "c", Done: 2, Total: 2}, {Step: moving.Checking, Table: "a", Total: 2},
		} {
			b.Hear(p)
		}
		b.End()
		if out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
	}
}
