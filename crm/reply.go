package crm

import "time"

// ReplyCheck is what is known of a contact's reply, and how well: what sales
// automation asks right before it sends.
type ReplyCheck struct {
	Message    MessageID // the first reply, "" where none is known
	ReceivedAt time.Time
	Suspect    MessageID   // the first message that looks like a reply, of a sender who may be somebody else
	Away       Away        // until when the contact has announced to be away
	Mailboxes  []Freshness // of the account's mailboxes that are linked
}

// Freshness is how old the picture of a mailbox is.
type Freshness struct {
	Mailbox  MailboxID
	Users    []UserID // who have linked it
	Status   LinkStatus
	SyncedAt time.Time // zero before the first complete look
	Unread   int       // messages that came in the time asked about and could not be read so far
}

// Broken reports whether the mailbox can't be read now.
func (f Freshness) Broken() bool { return f.Status == LinkAuthFailed || f.Status == LinkUnreachable }

// Stale reports whether a reply may lie in the mailbox unread: it was not read
// since the given time, it can't be read now, or not all that is in it.
func (f Freshness) Stale(since time.Time) bool {
	return f.Broken() || f.SyncedAt.IsZero() || f.SyncedAt.Before(since) || f.Unread > 0
}

// SyncedThrough is the time up to which all of the mailboxes have been read,
// zero where there are none or one was never read.
func (c ReplyCheck) SyncedThrough() time.Time {
	var oldest time.Time
	for i, m := range c.Mailboxes {
		if i == 0 || m.SyncedAt.Before(oldest) {
			oldest = m.SyncedAt
		}
	}
	return oldest
}

// Stale lists the mailboxes that keep "no reply" from being known.
func (c ReplyCheck) Stale(since time.Time) []Freshness {
	var stale []Freshness
	for _, m := range c.Mailboxes {
		if m.Stale(since) {
			stale = append(stale, m)
		}
	}
	return stale
}

// Silent reports whether the contact is known not to have replied. Where nobody
// looks into any mailbox nothing is known.
func (c ReplyCheck) Silent(since time.Time) bool {
	return c.Message == "" && len(c.Mailboxes) > 0 && len(c.Stale(since)) == 0
}
