// Package thread decides to which conversation a message belongs.
//
// Messages hang together by the ids that they name in References and
// In-Reply-To, and never by subject: half of all mail is called "Estimate".
// But anybody can name any id, so an id alone pulls no stranger's mail into a
// conversation: the message and the thread must share a correspondent, somebody
// outside the account whom both are from or to.
package thread

import (
	"cmp"
	"slices"
	"time"

	"mailsyncd.example/crm"
)

// Candidate is a thread with a message that is related to another by its ids:
// one that it names, one that names it (a late parent finds its children so),
// or one that names the same message as it does.
type Candidate struct {
	Thread         crm.ThreadID
	Since          time.Time // of the thread's first message
	Correspondents []crm.Address
}

// Choose returns the thread that a message with these correspondents joins, the
// oldest that shares one of them, and the threads that it shows to be parts of
// that one. join is "" where the message starts a thread of its own.
func Choose(correspondents []crm.Address, candidates []Candidate) (join crm.ThreadID, merge []crm.ThreadID) {
	var sharing []Candidate
	for _, c := range candidates {
		if slices.ContainsFunc(c.Correspondents, func(a crm.Address) bool { return slices.Contains(correspondents, a) }) {
			sharing = append(sharing, c)
		}
	}
	slices.SortFunc(sharing, func(a, b Candidate) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Thread, b.Thread))
	})
	for _, c := range sharing {
		switch {
		case join == "":
			join = c.Thread
		case c.Thread != join && !slices.Contains(merge, c.Thread):
			merge = append(merge, c.Thread)
		}
	}
	return join, merge
}

// Correspondents are the addresses of From, To and Cc that are not internal,
// sorted, each but once. Bcc is left out: only the sender's copy tells it.
func Correspondents(h crm.Head, internal map[crm.Address]bool) []crm.Address {
	var out []crm.Address
	for _, field := range [...][]crm.Person{h.From, h.To, h.Cc} {
		for _, p := range field {
			if !internal[p.Address] {
				out = append(out, p.Address)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// most is how many related ids are looked for. Conversations of that length
// are found by any of them; lists of thousands are an attack.
const most = 100

// Related returns the ids of the messages that this one names as going before
// it, the nearest first: In-Reply-To, then References from its end (RFC 5322
// section 3.6.4), each but once, at most 100.
func Related(h crm.Head) []crm.HeaderID {
	var out []crm.HeaderID
	seen := map[crm.HeaderID]bool{"": true, h.HeaderID: true}
	add := func(id crm.HeaderID) {
		if !seen[id] && len(out) < most {
			seen[id] = true
			out = append(out, id)
		}
	}
	for _, id := range h.InReplyTo {
		add(id)
	}
	for _, id := range slices.Backward(h.References) {
		add(id)
	}
	return out
}
