package watch

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// A host that refuses mailbox after mailbox is approached slowly; others, and
// one at which most come in, are not.
func TestWariness(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	waited := map[string]int{}
	w := newWariness(func() time.Time { return now }, func(host string) { waited[host]++ })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	// try asks for a turn and does not wait for it.
	try := func(host string) bool { return !errors.Is(w.wait(gone, host), context.Canceled) }

	for n := range waryRefused - 1 {
		w.noted("imap.small.example", fmt.Sprint("user", n), true)
	}
	w.noted("IMAP.small.example", "user0", true) // again: one mailbox is one
	if !try("imap.small.example") || !try("imap.small.example") {
		t.Error("slowed after a few")
	}
	w.noted("imap.small.example", "one more", true)
	if !try("imap.small.example") {
		t.Error("the first has to wait")
	}
	if try("imap.small.example") || waited["imap.small.example"] != 1 {
		t.Errorf("the second does not wait: %v", waited)
	}
	if !try("imap.other.example") || !try("imap.other.example") {
		t.Error("another host suffers")
	}
	now = now.Add(2 * waryPause)
	if !try("imap.small.example") || try("imap.small.example") {
		t.Error("one login at a time, after a pause")
	}

	for n := range 100 {
		w.noted("imap.large.example", fmt.Sprint("user", n), n%20 == 0)
	}
	if !try("imap.large.example") || !try("imap.large.example") {
		t.Error("a host at which nearly all come in is slowed")
	}
	now = now.Add(waryWindow + time.Second)
	if !try("imap.small.example") || !try("imap.small.example") {
		t.Error("never forgotten")
	}
}
