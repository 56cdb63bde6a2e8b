package intake

import (
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/rule"
)

const (
	// partBytes and partMessages bound what one transaction holds.
	partBytes    = 8 << 20
	partMessages = 100
	// firstMessages bounds the first part of a window, and the next are twice
	// as large each: whoever waits for a burst of mail sees its beginning soon.
	firstMessages = 10
)

// mail is a message on its way.
type mail struct {
	env        crm.Envelope
	fault      string // why it can't be read; "" where it can
	verdict    rule.Verdict
	outcome    crm.Outcome
	identity   crm.Identity
	identified bool
	known      bool
	twin       *mail        // the same message, further up in this part
	message    *crm.Message // opened; nil where it is known or could not be had
}

// window is what was found from UID lo to hi, ascending.
type window struct {
	lo, hi   crm.UID
	mails    []*mail
	bytes    int64 // received for it so far
	internal map[crm.Address]bool
	// reportsSince is since when delivery reports are read; zero: they are not.
	reportsSince time.Time
}

// add takes an envelope as the box hands it over.
func (w *window) add(env crm.Envelope, fault error) {
	m := &mail{env: env}
	if fault != nil {
		m.fault, m.outcome = fault.Error(), crm.Trouble
	}
	w.mails = append(w.mails, m)
}

// addresses are all that the envelopes name, each once.
func (w *window) addresses() []crm.Address {
	seen := make(map[crm.Address]bool)
	var all []crm.Address
	for _, m := range w.mails {
		for _, list := range [][]crm.Address{m.env.From, m.env.To, m.env.Copied} {
			for _, a := range list {
				if !seen[a] {
					seen[a] = true
					all = append(all, a)
				}
			}
		}
	}
	return all
}

// parts cuts the window where a transaction would grow too large.
func (w *window) parts() []*part {
	p := &part{lo: w.lo, hi: w.hi, internal: w.internal, reportsSince: w.reportsSince}
	p.receipt = crm.Receipt{Envelopes: int64(len(w.mails)), Bytes: w.bytes}
	parts := []*part{p}
	var bytes int64
	count, most := 0, firstMessages
	for _, m := range w.mails {
		if m.outcome == crm.Imported {
			if count > 0 && (count == most || bytes+m.env.Size > partBytes) {
				p.hi = m.env.UID - 1
				p = &part{lo: m.env.UID, hi: w.hi, internal: w.internal, reportsSince: w.reportsSince}
				parts = append(parts, p)
				bytes, count, most = 0, 0, min(2*most, partMessages)
			}
			bytes += m.env.Size
			count++
		}
		p.mails = append(p.mails, m)
	}
	return parts
}

// part is what one transaction writes: the UIDs from lo to hi.
type part struct {
	lo, hi       crm.UID
	mails        []*mail
	internal     map[crm.Address]bool
	receipt      crm.Receipt
	reportsSince time.Time
	reported     []crm.Reported // by delivery reports among them
	read         []*mail        // those whose body was read
	settles      bool           // the UIDs were passed before; the position stays
	tries        int            // how often these UIDs were in trouble so far
}

func (p *part) matched() []*mail {
	var matched []*mail
	for _, m := range p.mails {
		if m.outcome == crm.Imported {
			matched = append(matched, m)
		}
	}
	return matched
}

// page sets down the part's outcomes; problem makes the row of a UID in
// trouble.
func (p *part) page(f crm.Folder, problem func(crm.Folder, crm.UID, int, string) crm.Problem) crm.Page {
	page := pageOf(f, p.hi)
	if p.settles {
		page.Through = f.Position
	}
	page.Receipt, page.Reported = p.receipt, p.reported
	page.Receipt.Bodies = int64(len(p.read))
	for _, m := range p.read {
		if m.outcome != crm.Imported {
			page.Receipt.RefusedBodies++
		}
	}
	next := p.lo
	for _, m := range p.mails {
		page.Runs = appendRun(page.Runs, next, m.env.UID-1, crm.Vanished)
		next = m.env.UID + 1
		switch m.outcome {
		case crm.Imported:
			page.Arrivals = append(page.Arrivals, crm.Arrival{UID: m.env.UID, Identity: m.identity, Message: m.message})
		case crm.Trouble:
			page.Problems = append(page.Problems, problem(f, m.env.UID, p.tries+1, m.fault))
		default:
			page.Runs = appendRun(page.Runs, m.env.UID, m.env.UID, m.outcome)
		}
	}
	if next <= p.hi && next != 0 {
		page.Runs = appendRun(page.Runs, next, p.hi, crm.Vanished)
	}
	return page
}

// appendRun adds a run, or lengthens the last one where it goes on. An empty
// run (hi below lo) adds nothing.
func appendRun(runs []crm.Run, lo, hi crm.UID, o crm.Outcome) []crm.Run {
	if hi < lo {
		return runs
	}
	if n := len(runs); n > 0 && runs[n-1].Outcome == o && runs[n-1].Hi+1 == lo {
		runs[n-1].Hi = hi
		return runs
	}
	return append(runs, crm.Run{Lo: lo, Hi: hi, Outcome: o})
}
