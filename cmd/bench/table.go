package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"
)

// unit is how a figure is written.
type unit int

const (
	bytesEach unit = iota
	kilobytes
	megabytes
	microseconds
	milliseconds
	seconds
	perSecond
	percent
	times
	number
)

func (u unit) format(v float64) string {
	switch u {
	case bytesEach:
		return fmt.Sprintf("%.0f B", v)
	case kilobytes:
		return fmt.Sprintf("%.1f KB", v/1000)
	case megabytes:
		return fmt.Sprintf("%.1f MB", v/1e6)
	case microseconds:
		return fmt.Sprintf("%.1f µs", v*1e6)
	case milliseconds:
		return fmt.Sprintf("%.2f ms", v*1e3)
	case seconds:
		return fmt.Sprintf("%.2f s", v)
	case perSecond:
		return fmt.Sprintf("%.0f/s", v)
	case percent:
		return fmt.Sprintf("%.2f %%", v*100)
	case times:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// none stands where nobody measured, or nothing is to be reached.
var none = math.NaN()

// figure is a line of the table: one quantity, by three who do the same work.
type figure struct {
	row   int // in the issue that set the targets
	work  string
	what  string
	unit  unit
	bare  float64
	lib   float64
	ours  float64
	reach float64 // at most so much; at least, where it is per second
}

// verdict is "ok" or "MISSED", or "" where nothing is to be reached.
func (f figure) verdict() string {
	missed := f.ours > f.reach
	if f.unit == perSecond {
		missed = f.ours < f.reach
	}
	switch {
	case math.IsNaN(f.reach):
		return ""
	case missed || math.IsNaN(f.ours):
		return "MISSED"
	}
	return "ok"
}

func (f figure) target() string {
	switch {
	case math.IsNaN(f.reach):
		return ""
	case f.unit == perSecond:
		return "≥ " + f.unit.format(f.reach)
	case f.reach == 0:
		return f.unit.format(0)
	}
	return "≤ " + f.unit.format(f.reach)
}

// printTable writes the figures as a table in Markdown, which is good to read as it
// stands too.
func printTable(out io.Writer, figures []figure) error {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| #\t| work\t| figure\t| bare\t| go-imap\t| ours\t| ours ÷ bare\t| ours ÷ go-imap\t| to reach\t|\t|")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	cell := func(u unit, v float64) string {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "–"
		}
		return u.format(v)
	}
	for _, f := range figures {
		fmt.Fprintf(w, "| %d\t| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t|\n",
			f.row, f.work, f.what, cell(f.unit, f.bare), cell(f.unit, f.lib), cell(f.unit, f.ours),
			cell(times, f.ours/f.bare), cell(times, f.ours/f.lib), f.target(), f.verdict())
	}
	return w.Flush()
}

// each divides a duration among n, in seconds.
func each(d time.Duration, n int) float64 { return d.Seconds() / float64(n) }
