package outbox

import (
	"context"
	"time"

	"mailsyncd.example/crm"
)

// All accounts are compared every ten paces, 5 s, unless they are more than
// 10,000; and the duty to compare is free again so long after its holder's death.
const (
	comparePage  = 1000 // accounts in one pace
	comparePaces = 10
	compareDuty  = "events"
	sweepEvery   = time.Hour
)

// comparison is that of all accounts with their streams. It goes on all the
// time, page by page with pauses, in one process of those that share a Redis.
// Streams that were found up to date are asked for again once their account has
// more events; all of them are, without pauses, when Redis may have lost data:
// it was away, or does not know any more whose duty this is.
type comparison struct {
	hurried bool          // without pauses
	cursor  crm.AccountID // the last account that was compared
	began   time.Time     // with the first page
	next    time.Time     // no step before that

	// known are the accounts whose streams were up to date, with the number of
	// their last event; in the last turn, and so far in this one.
	known, found map[crm.AccountID]int64

	// Streams whose account is gone are looked for in between: a process that
	// was killed, or one that was late, may have left one.
	scanned uint64
	swept   time.Time // when all had been looked at
}

// hurry begins anew, without pauses.
func (c *comparison) hurry() {
	c.hurried, c.cursor = true, ""
	c.known, c.found = nil, map[crm.AccountID]int64{}
}

// compareSome compares the next page, if that is due and this process' duty.
func (s *Streamer) compareSome(ctx context.Context) (effort, error) {
	c := &s.compare
	now := s.Now()
	if !c.hurried && now.Before(c.next) {
		return idle, nil
	}
	ctx, cancel := context.WithTimeout(ctx, streamPatience)
	defer cancel()
	held, kept, err := s.Streams.Hold(ctx, compareDuty, comparePaces*s.Pace)
	if err != nil {
		return idle, err
	}
	c.next = now.Add(s.Pace)
	if !held {
		c.hurried = false
		return done, nil
	}
	if !kept {
		c.hurry()
		c.swept = time.Time{}
	}
	if c.cursor == "" && !c.hurried {
		if now.Sub(c.swept) > sweepEvery {
			if err := s.sweepSome(ctx); err != nil {
				return idle, err
			}
		}
		if now.Sub(c.began) < comparePaces*s.Pace {
			return done, nil
		}
	}
	if err := s.comparePage(ctx); err != nil {
		return idle, err
	}
	if c.hurried {
		return more, nil
	}
	return done, nil
}

// comparePage compares the accounts after the cursor.
func (s *Streamer) comparePage(ctx context.Context) error {
	c := &s.compare
	if c.cursor == "" {
		c.began = s.Now()
	}
	last, err := s.Store.LastEvents(ctx, c.cursor, comparePage)
	if err != nil {
		return err
	}
	var asked []crm.LastEvent
	var accounts []crm.AccountID
	for _, l := range last {
		if seq, known := c.known[l.Account]; known && seq == l.Seq {
			c.found[l.Account] = seq
		} else {
			asked, accounts = append(asked, l), append(accounts, l.Account)
		}
	}
	positions, err := s.Streams.Positions(ctx, accounts)
	if err != nil {
		return err
	}
	for i, l := range asked {
		if positions[i] == l.Seq {
			c.found[l.Account] = l.Seq
		} else {
			s.note(l.Account)
		}
	}
	if len(last) == comparePage {
		c.cursor = last[len(last)-1].Account
		return nil
	}
	c.cursor, c.hurried = "", false
	c.known, c.found = c.found, map[crm.AccountID]int64{}
	return nil
}

// sweepSome looks for streams whose account is gone; their turn takes them away.
func (s *Streamer) sweepSome(ctx context.Context) error {
	c := &s.compare
	accounts, next, err := s.Streams.List(ctx, c.scanned)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		if _, err := s.Store.LastEvent(ctx, a); crm.KindOf(err) == crm.NotFound {
			s.note(a)
		} else if err != nil {
			return err
		}
	}
	if c.scanned = next; next == 0 {
		c.swept = s.Now()
	}
	return nil
}
