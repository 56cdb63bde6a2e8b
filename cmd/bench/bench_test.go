package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/sync/dovecottest"
)

// The bench starts its own binary to measure; here that is the test's.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == measureCommand {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// Every row is measured, at sizes at which no time can be judged. What does
// not depend on the machine is.
func TestQuick(t *testing.T) {
	s, err := dovecottest.Open()
	if errors.Is(err, dovecottest.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b := &bench{sizes: quickSizes, quick: true, progress: t.Output()}
	var out bytes.Buffer
	if err := b.run(t.Context(), 0, &out); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", out.String())
	measured := map[int]bool{}
	for _, f := range b.figures {
		measured[f.row] = true
		switch f.what {
		case "on the wire, each", "on the wire":
			if f.ours < f.bare || f.ours > 1.2*f.bare {
				t.Errorf("%s: %.0f bytes on the wire, and %.0f are needed", f.work, f.ours, f.bare)
			}
		case "bodies of refused messages read":
			if f.ours != 0 {
				t.Errorf("%s: what the rules refuse was read", f.work)
			}
		case "round trips":
			if f.ours > 1 {
				t.Errorf("%s: %.2f round trips", f.work, f.ours)
			}
		}
	}
	for row := 1; row <= 8; row++ {
		if !measured[row] {
			t.Errorf("row %d was not measured", row)
		}
	}
}

// From mail to webhook: everything arrives, signed, in either mode, and nobody
// hears of it before it was delivered. How soon is not judged here.
func TestQuickLatency(t *testing.T) {
	s, err := dovecottest.Open()
	if errors.Is(err, dovecottest.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b := &bench{quick: true, progress: t.Output()}
	lags, err := b.latency(t.Context(), quickLatency)
	if err != nil {
		t.Fatal(err)
	}
	var counts []int
	for _, l := range lags {
		counts = append(counts, len(l.posted))
		if l.interval == 0 && len(l.notice) != len(l.posted) {
			t.Errorf("%s: %d notices for %d posts", l.work, len(l.notice), len(l.posted))
		}
	}
	if want := []int{4, 5, 9, 4}; !slices.Equal(counts, want) {
		t.Errorf("posts %v, want %v", counts, want)
	}
}

func TestLatencyLine(t *testing.T) {
	steady := func(d time.Duration) delays { return delays{d, d, d} }
	for _, c := range []struct {
		l    lag
		want string
	}{
		{lag{work: "x", notice: steady(500 * time.Millisecond), posted: steady(690 * time.Millisecond)},
			"| x | 99th percentile | 0.50 s | 0.69 s | 0.19 s | ≤ 0.20 s | ok |"},
		{lag{work: "x", notice: steady(500 * time.Millisecond), posted: steady(710 * time.Millisecond)},
			"| x | 99th percentile | 0.50 s | 0.71 s | 0.21 s | ≤ 0.20 s | MISSED |"},
		{lag{work: "x", interval: 10 * time.Second, posted: steady(9 * time.Second)},
			"| x | 99th percentile | – | 9.00 s | 0.90 of the interval | ≤ 1.00 of the interval | ok |"},
		{lag{work: "x", interval: time.Second, posted: steady(2 * time.Second)},
			"| x | 99th percentile | – | 2.00 s | 2.00 of the interval | ≤ 1.00 of the interval | MISSED |"},
	} {
		if got := strings.ReplaceAll(c.l.line(99, true), "\t", " "); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestUnknownFlag(t *testing.T) {
	var said bytes.Buffer
	if code := run(t.Context(), []string{"-fast"}, nil, &said, &said); code != 2 {
		t.Errorf("code %d", code)
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		f    figure
		want string
	}{
		{figure{unit: bytesEach, ours: 10, reach: 10}, "ok"},
		{figure{unit: bytesEach, ours: 11, reach: 10}, "MISSED"},
		{figure{unit: perSecond, ours: 11, reach: 10}, "ok"},
		{figure{unit: perSecond, ours: 9, reach: 10}, "MISSED"},
		{figure{unit: number, ours: 0, reach: 0}, "ok"},
		{figure{unit: number, ours: none, reach: 10}, "MISSED"},
		{figure{unit: number, ours: 10, reach: none}, ""},
	} {
		if got := c.f.verdict(); got != c.want {
			t.Errorf("%+v: %q", c.f, got)
		}
	}
}

func TestPrintTable(t *testing.T) {
	var out bytes.Buffer
	err := printTable(&out, []figure{
		trio{sideBare: 289, sideLib: 601, sideOurs: 300}.line(1, "scan", "on the wire", bytesEach, 350),
		trio{sideOurs: 0.012}.line(5, "first sync", "client CPU", milliseconds, none),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(` +`).ReplaceAllString(out.String(), " ")
	for _, want := range []string{
		"| 1 | scan | on the wire | 289 B | 601 B | 300 B | 1.04 | 0.50 | ≤ 350 B | ok |",
		"| 5 | first sync | client CPU | – | – | 12.00 ms | – | – | | |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q in\n%s", want, got)
		}
	}
}

func TestPercentile(t *testing.T) {
	var d delays
	for n := range 200 {
		d = append(d, time.Duration(200-n)*time.Second)
	}
	if got := d.percentile(50); got != 101 {
		t.Errorf("median %v", got)
	}
	if got := d.percentile(99); got != 199 {
		t.Errorf("99th percentile %v", got)
	}
}

func TestArrivals(t *testing.T) {
	a := newArrivals()
	first, second := time.Unix(1, 0), time.Unix(2, 0)
	a.reached("info", 2, first)
	a.reached("info", 3, second)
	a.reached("info", 1, second) // late, and known
	for n, want := range map[int]time.Time{1: first, 2: first, 3: second} {
		if got, ok := a.await(t.Context(), "info", n); !ok || !got.Equal(want) {
			t.Errorf("message %d came at %v", n, got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ok := a.await(ctx, "info", 4); ok {
		t.Error("what never came has arrived")
	}
}
