// Package crm holds the nouns of mailsyncd: plain values that every other
// package may know and that know nobody. It imports the standard library only.
//
// A string that means something has a type of its own, so that an account's id
// can't be handed over where a user's is asked for. Times are instants in UTC;
// the ones that come from a mail server (INTERNALDATE) are exact to the second.
package crm

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"
)

// Ids that the daemon makes, each with a prefix that tells what it names. Ids
// of users, contacts and enrollments are the CRM's own strings and mean
// something only together with the account.
type (
	AccountID    string // acc_…
	KeyID        string // key_…
	UserID       string // the CRM's own
	ContactID    string // the CRM's own
	EnrollmentID string // the CRM's own
	PresetID     string // pre_…
	LinkID       string // lnk_…
	MailboxID    string // mbx_…
	FolderID     string // fld_…
	MessageID    string // msg_…: ours; the header field of that name is HeaderID
	ThreadID     string // thr_…
	EventID      string // evt_…
)

// HeaderID is the value of a Message-ID, In-Reply-To or References field
// without the angle brackets (RFC 5322 section 3.6.4).
type HeaderID string

// Address is an e-mail address in the one form in which addresses are compared
// and stored: lower case, the domain in ASCII (RFC 5890), no quotes that could
// be left out. Only package address makes one out of text.
type Address string

// Person is one entry of a From, To or Cc field as a human reads it.
type Person struct {
	Name    string  `json:"name"`
	Address Address `json:"address"`
}

var idAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID makes an id that sorts by the time it was made: the prefix, 48 bits of
// milliseconds and 80 random bits. Neighbours in time are neighbours in an
// index, and nobody can guess one from another.
func NewID(prefix string, now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	_, _ = rand.Read(b[6:]) // never fails (crypto/rand)
	return prefix + "_" + idAlphabet.EncodeToString(b[:])
}

// Paging asks for one page of a list: at most Limit items after the cursor
// that the page before returned ("" for the first one).
type Paging struct {
	Cursor string
	Limit  int
}

// Part is one page of a list; Next is empty on the last one.
type Part[T any] struct {
	Items []T
	Next  string
}
