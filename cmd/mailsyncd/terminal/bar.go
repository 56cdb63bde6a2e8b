package terminal

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"mailsyncd.example/crm/store/moving"
)

// How often the progress is written: drawn again on a terminal, a line
// elsewhere.
const (
	redrawEvery = 100 * time.Millisecond
	lineEvery   = 5 * time.Second
)

// Bar shows how far a move has come: rows, rate, time left.
type Bar struct {
	out      io.Writer
	terminal bool
	now      func() time.Time
	latest   moving.Progress
	from     int64     // rows done when the step began
	began    time.Time // when that was
	shown    int64     // rows done when it was last written
	written  time.Time
}

// NewBar makes a bar that is shown on out.
func NewBar(out io.Writer) *Bar { return &Bar{out: out, terminal: Is(out), now: time.Now} }

// Hear takes news of the progress, and writes some of them.
func (b *Bar) Hear(p moving.Progress) {
	now := b.now()
	begins := p.Step != b.latest.Step
	if begins {
		b.from, b.began = p.Done, now
	}
	b.latest = p
	every := lineEvery
	if b.terminal {
		every = redrawEvery
	}
	ends := p.Done == p.Total && p.Done != b.shown
	if begins || ends || now.Sub(b.written) >= every {
		b.written, b.shown = now, p.Done
		b.write(now)
	}
}

func (b *Bar) write(now time.Time) {
	line := progressLine(b.latest, b.latest.Done-b.from, now.Sub(b.began))
	if b.terminal {
		fmt.Fprintf(b.out, "\r%s %s\x1b[K", meter(b.latest), line)
		return
	}
	fmt.Fprintln(b.out, line)
}

// End leaves the line.
func (b *Bar) End() {
	if b.terminal && b.latest.Step != "" {
		fmt.Fprintln(b.out)
	}
}

// meterCells is how wide the drawn part is.
const meterCells = 20

// meter draws the share that is done.
func meter(p moving.Progress) string {
	full := int(share(p) * meterCells)
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", meterCells-full) + "]"
}

func share(p moving.Progress) float64 {
	if p.Total == 0 {
		return 1
	}
	return min(1, float64(p.Done)/float64(p.Total))
}

// progressLine says how far a step has come, of which this run has done so
// many rows in this time.
func progressLine(p moving.Progress, rows int64, took time.Duration) string {
	line := fmt.Sprintf("%-8s %3.0f %%  %s of %s rows", p.Step, 100*share(p), Grouped(p.Done), Grouped(p.Total))
	if rows > 0 && took >= time.Second {
		rate := float64(rows) / took.Seconds()
		left := time.Duration(float64(p.Total-p.Done) / rate * float64(time.Second))
		line += fmt.Sprintf("  %s/s  %s left", Grouped(int64(rate)), max(0, left).Round(time.Second))
	}
	return line + "  " + p.Table
}

// Grouped is a number with its digits in groups of three.
func Grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
