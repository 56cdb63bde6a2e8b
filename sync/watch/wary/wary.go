// Package wary is how carefully to log in at mail hosts.
//
// A mail server that hears several wrong passwords bans the address from which
// they come, and with it every mailbox of every account here. So a host that has
// lately refused the credentials of several mailboxes, and of more than a fifth
// of those that came, is approached one login at a time, with a pause between.
package wary

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"
)

const (
	window    = 10 * time.Minute
	enough    = 5 // mailboxes
	success   = 4 // logins for each of them that make up for it
	pause     = 5 * time.Second
	manyHosts = 4096 // from so many on those are forgotten whose window is over
)

// Hosts remembers how logins at mail hosts went, whoever's they were.
type Hosts struct {
	now    func() time.Time
	slowed func(host string) // hears of each login that has to wait

	mu    sync.Mutex
	hosts map[string]*record
}

// record is how logins at one host went since a time.
type record struct {
	since   time.Time
	good    int
	refused map[string]bool // user names
	next    time.Time       // nobody logs in before
}

// New begins with no memory. slowed hears of each login that has to wait.
func New(now func() time.Time, slowed func(host string)) *Hosts {
	return &Hosts{now: now, slowed: slowed, hosts: map[string]*record{}}
}

// of returns a host's record, a new one where it is over. w is locked.
func (w *Hosts) of(host string) *record {
	host = strings.ToLower(host)
	r := w.hosts[host]
	if r == nil || w.now().Sub(r.since) > window {
		if len(w.hosts) >= manyHosts {
			maps.DeleteFunc(w.hosts, func(_ string, r *record) bool { return w.now().Sub(r.since) > window })
		}
		r = &record{since: w.now(), refused: map[string]bool{}}
		w.hosts[host] = r
	}
	return r
}

// Noted is how a login went.
func (w *Hosts) Noted(host, username string, refused bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.of(host)
	if refused {
		r.refused[username] = true
	} else {
		r.good++
	}
}

// Wait returns when one may log in at a host.
func (w *Hosts) Wait(ctx context.Context, host string) error {
	w.mu.Lock()
	r, now := w.of(host), w.now()
	wary := len(r.refused) >= enough && len(r.refused)*success > r.good
	turn := r.next
	if turn.Before(now) {
		turn = now
	}
	if wary {
		r.next = turn.Add(pause)
	}
	w.mu.Unlock()
	if !wary || !turn.After(now) {
		return nil
	}
	w.slowed(host)
	timer := time.NewTimer(turn.Sub(now))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
