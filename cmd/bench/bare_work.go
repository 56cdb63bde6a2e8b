package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// window is how many UIDs a client asks for at once; Dovecot's answer costs
// the same however they are grouped.
const window = 500

// fields are what the import rules judge by.
const fields = "(UID INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM TO CC)])"

// scanBare reads the fields of every message and the bodies that are wanted.
func (j job) scanBare() (reading, error) {
	b, err := openBare(j, j.Users[0])
	if err != nil {
		return reading{}, err
	}
	defer b.conn.Close()
	if err := b.do("EXAMINE INBOX"); err != nil {
		return reading{}, err
	}
	s := begin()
	for lo := 1; lo <= j.Count; lo += window {
		if err := b.do("UID FETCH %d:%d %s", lo, min(lo+window-1, j.Count), fields); err != nil {
			return reading{}, err
		}
	}
	for set := range j.sets() {
		if err := b.do("UID FETCH %s (UID BODY.PEEK[])", set); err != nil {
			return reading{}, err
		}
	}
	return s.end()
}

// sets are the UIDs of bodies that are wanted, as many as one command asks for.
func (j job) sets() func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for left := j.Wanted; len(left) > 0; {
			now := left[:min(len(left), window)]
			left = left[len(now):]
			if !yield(strings.Trim(strings.ReplaceAll(fmt.Sprint(now), " ", ","), "[]")) {
				return
			}
		}
	}
}

// listing asks for the state of every folder in one round trip (RFC 5819).
const listing = `LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))`

func (j job) lookBare() (reading, error) {
	b, err := openBare(j, j.Users[0])
	if err != nil {
		return reading{}, err
	}
	defer b.conn.Close()
	s := begin()
	for range j.Count {
		if err := b.do(listing); err != nil {
			return reading{}, err
		}
	}
	return s.end()
}

// idleBare stands at every mailbox: a connection and a goroutine each, which
// looks once in an interval.
func (j job) idleBare() (reading, error) {
	faults := make(chan error, len(j.Users))
	places := 0
	before, after, err := growth(j.Users, func(user string) error {
		b, err := openBare(j, user)
		if err != nil {
			return err
		}
		if err := b.do("EXAMINE INBOX"); err != nil {
			return err
		}
		if err := b.idle(); err != nil {
			return err
		}
		share := j.Interval * time.Duration(places) / time.Duration(len(j.Users))
		places++
		go func() { faults <- b.stand(j.Interval, share) }()
		return nil
	})
	if err != nil {
		return reading{}, err
	}
	s := begin()
	select {
	case err := <-faults:
		return reading{}, err
	case <-time.After(j.Watch):
	}
	return s.endIdle(before, after)
}

// endIdle ends a section in which mailboxes were idle; before and after are
// the resident memory when they were joined.
func (s section) endIdle(before, after int64) (reading, error) {
	r, err := s.end()
	if err != nil {
		return r, err
	}
	now, err := memory("VmRSS")
	r.Growth, r.Astir = after-before, now-before
	return r, err
}

// stand idles, looks, and idles again; the first look comes after share of an
// interval, so that many mailboxes are not looked at in one moment.
func (b *bare) stand(interval, share time.Duration) error {
	for next := time.Now().Add(interval + share); ; next = next.Add(interval) {
		if err := b.conn.SetReadDeadline(next); err != nil {
			return err
		}
		var timeout net.Error
		for {
			if _, err := b.line(); errors.As(err, &timeout) && timeout.Timeout() {
				break
			} else if err != nil {
				return err
			}
		}
		if err := b.conn.SetReadDeadline(time.Time{}); err != nil {
			return err
		}
		if err := b.wake(); err != nil {
			return err
		}
		if err := b.do(listing); err != nil {
			return err
		}
		if err := b.idle(); err != nil {
			return err
		}
	}
}

// growth stands at the users' mailboxes, and returns the resident memory when
// it stood at the first one's only and at the end.
func growth(users []string, stand func(string) error) (before, after int64, err error) {
	for n, user := range users {
		if err := stand(user); err != nil {
			return 0, 0, err
		}
		if n == 0 {
			if before, err = settled(); err != nil {
				return 0, 0, err
			}
		}
	}
	after, err = settled()
	return before, after, err
}
