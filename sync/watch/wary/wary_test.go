package wary

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
	w := New(func() time.Time { return now }, func(host string) { waited[host]++ })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	// freely counts how many of two who come together need not wait for a turn.
	freely := func(host string) (n int) {
		for range 2 {
			if !errors.Is(w.Wait(gone, host), context.Canceled) {
				n++
			}
		}
		return n
	}

	for n := range enough - 1 {
		w.Noted("imap.small.example", fmt.Sprint("user", n), true)
	}
	w.Noted("IMAP.small.example", "user0", true) // again: one mailbox is one
	if freely("imap.small.example") != 2 {
		t.Error("slowed after a few")
	}
	w.Noted("imap.small.example", "one more", true)
	if freely("imap.small.example") != 1 || waited["imap.small.example"] != 1 {
		t.Errorf("not one at a time: %v had to wait", waited)
	}
	if freely("imap.other.example") != 2 {
		t.Error("another host suffers")
	}
	now = now.Add(2 * pause)
	if freely("imap.small.example") != 1 {
		t.Error("not one at a time after a pause")
	}

	for n := range 100 {
		w.Noted("imap.large.example", fmt.Sprint("user", n), n%20 == 0)
	}
	if freely("imap.large.example") != 2 {
		t.Error("a host at which nearly all come in is slowed")
	}
	now = now.Add(window + time.Second)
	if freely("imap.small.example") != 2 {
		t.Error("never forgotten")
	}
}
