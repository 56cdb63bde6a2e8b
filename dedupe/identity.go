// Package dedupe decides which copies are one message, and lets those who
// fetch messages tell each other what they are at.
//
// # Identity
//
// An account sees the same mail many times: in the mailboxes of everybody it
// was sent to, in a group's, in two folders after a rule ran. Two faults are
// possible. Taking two copies for two messages annoys. Taking two messages for
// one loses a mail, and that is worse: so where nothing can be known, they are
// two.
//
// The Message-ID alone does not do. There are mailers that give every message
// the same, mailers that give none, and people who send the Message-ID of
// somebody else's mail to make it disappear. So the identity is a hash over the
// Message-ID together with what the author decided and no delivery changes:
// the addresses in From, those in To and Cc, the date, the subject. Names are
// left out, gateways rewrite them; so are To and Cc as two fields, the order in
// them, and Bcc, which stands in the sender's copy only.
//
// This can be told from the header, so that a copy of a known message need not
// be fetched. Without a Message-ID the rest is too little (a machine sends two
// reports in one second), and the decoded content has to be part of the hash.
package dedupe

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"strings"

	"mailsyncd.example/crm"
)

// Identify returns the identity of a message. digest is that of its content
// (crm.Letter); it may be nil as long as it is not known. ok is false where it
// is needed: then the content has to be read first.
func Identify(h crm.Head, digest *[32]byte) (id crm.Identity, ok bool) {
	headerID := strings.TrimSpace(string(h.HeaderID))
	if headerID == "" && digest == nil {
		return crm.Identity{}, false
	}
	f := fields{sha256.New()}
	f.add("mailsyncd identity 1") // another recipe has to give other hashes
	f.add(headerID)
	if headerID == "" {
		f.add(string(digest[:]))
	}
	f.addresses(h.From)
	f.addresses(h.To, h.Cc)
	f.date(h)
	f.add(plainSubject(h.Subject))
	f.sum.Sum(id[:0])
	return id, true
}

// fields hashes fields, each with its length in front, so that no two lists of
// fields look alike.
type fields struct{ sum hash.Hash }

func (f fields) number(n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	f.sum.Write(b[:])
}

func (f fields) add(s string) {
	f.number(uint64(len(s)))
	f.sum.Write([]byte(s))
}

// addresses adds the set of all addresses in these headers.
func (f fields) addresses(headers ...[]crm.Person) {
	var all []string
	for _, people := range headers {
		for _, p := range people {
			all = append(all, string(p.Address))
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	f.number(uint64(len(all)))
	for _, a := range all {
		f.add(a)
	}
}

// date adds the date as the instant that it names; servers rewrite the zone.
func (f fields) date(h crm.Head) {
	if h.Date.IsZero() {
		f.add("")
		return
	}
	f.number(8)
	f.number(uint64(h.Date.Unix()))
}
