package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
)

// printLatency writes what was measured as a table in Markdown.
func printLatency(out io.Writer, lags []lag, judged bool) error {
	fmt.Fprintf(out, "%d cores, %s, load %s, Dovecot on the same machine, SQLite, %s\n\n", runtime.NumCPU(), machineMemory(), machineLoad(), runtime.Version())
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| from LMTP to\t| figure\t| the server's notice\t| signed webhook\t| difference\t| to reach\t|\t|")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, l := range lags {
		for _, p := range []int{50, 99} {
			fmt.Fprintln(w, l.line(p, judged))
		}
	}
	return w.Flush()
}

// line is one percentile. Without a notice it is judged by the interval.
func (l lag) line(percent int, judged bool) string {
	name := "median"
	if percent != 50 {
		name = fmt.Sprintf("%dth percentile", percent)
	}
	posted := l.posted.percentile(percent)
	notice, difference, reach, verdict := "–", "", "", ""
	switch {
	case l.interval > 0:
		share := posted / l.interval.Seconds()
		difference = fmt.Sprintf("%.2f of the interval", share)
		if percent == 99 && judged {
			reach, verdict = "≤ 1.00 of the interval", verdictOf(share <= 1)
		}
	default:
		told := l.notice.percentile(percent)
		notice, difference = seconds.format(told), seconds.format(posted-told)
		if percent == 99 && judged {
			reach, verdict = "≤ "+seconds.format(allowed.Seconds()), verdictOf(posted-told <= allowed.Seconds())
		}
	}
	return fmt.Sprintf("| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t|", l.work, name, notice, seconds.format(posted), difference, reach, verdict)
}

func verdictOf(ok bool) string {
	if ok {
		return "ok"
	}
	return "MISSED"
}

// machineMemory and machineLoad say on what was measured, as far as Linux
// tells.
func machineMemory() string {
	var total, kb int64
	info, err := os.ReadFile("/proc/meminfo")
	if err == nil {
		for line := range strings.Lines(string(info)) {
			if _, err := fmt.Sscanf(line, "MemTotal: %d kB", &kb); err == nil {
				total = kb
			}
		}
	}
	return fmt.Sprintf("%d GiB of memory", (total+1<<19)>>20)
}

func machineLoad() string {
	load, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(load))
	if err != nil || len(fields) < 1 {
		return "unknown"
	}
	return fields[0]
}
