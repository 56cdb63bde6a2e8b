package office

import (
	"context"
	"fmt"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// standingLink is what a change of a link's status needs to know of it.
type standingLink struct {
	id      crm.LinkID
	user    crm.UserID
	mailbox crm.MailboxID
	address crm.Address
	status  crm.LinkStatus
	told    crm.LinkStatus // the trouble its user was told of and that is not over
	turns   int64          // events about the link so far
}

const standingLinks = `SELECT id, user_id, mailbox, address, status, told, turns FROM links`

func scanStandingLink(scan txn.Scan) (standingLink, error) {
	var l standingLink
	err := scan(&l.id, &l.user, &l.mailbox, &l.address, &l.status, &l.told, &l.turns)
	return l, err
}

// linkData is what an event about a link says.
type linkData struct {
	Link    crm.LinkID     `json:"link_id"`
	User    crm.UserID     `json:"user_id"`
	Mailbox crm.MailboxID  `json:"mailbox_id"`
	Address crm.Address    `json:"address"`
	Status  crm.LinkStatus `json:"status"`
	Detail  string         `json:"detail,omitempty"`
	Reason  crm.EndReason  `json:"reason,omitempty"`
}

// event is the link's next event, with the link's part of data filled in.
func (l standingLink) event(kind crm.EventType, at time.Time, data linkData) txn.Event {
	data.Link, data.User, data.Mailbox, data.Address = l.id, l.user, l.mailbox, l.address
	return linkEvent(kind, l.turns, at, data)
}

// linkEvent numbers the events of a link: it may fail and recover many times.
func linkEvent(kind crm.EventType, turn int64, at time.Time, data linkData) txn.Event {
	return txn.Event{Kind: kind, About: fmt.Sprintf("%s\x00%d", data.Link, turn), Happened: at, At: at, Data: data}
}

// turn gives a link that stands another status. Its user is told when trouble
// begins or becomes another, and when it is over; syncing is neither.
func (t tx) turn(l standingLink, to crm.LinkStatus, detail string, at time.Time) error {
	told, turns := l.told, l.turns
	switch {
	case to == crm.LinkLive && l.told != "":
		t.Tell(l.event(crm.LinkRecovered, at, linkData{Status: to}))
		told, turns = "", turns+1
	case (to == crm.LinkAuthFailed || to == crm.LinkUnreachable) && l.told != to:
		t.Tell(l.event(crm.LinkFailing, at, linkData{Status: to, Detail: detail}))
		told, turns = to, turns+1
	}
	err := t.Write(`
		UPDATE links SET status = $3, detail = $4, told = $5, turns = $6 WHERE account = $1 AND id = $2`,
		t.Account, l.id, to, detail, told, turns)
	return err
}

// Reject marks a link whose credential the server refused for good, and tells
// its user by an event. A link that has ended or is marked already stays as it
// is. crm.Conflict ("fenced") where its mailbox has seen a higher fence.
func (o *Office) Reject(ctx context.Context, a crm.AccountID, l crm.LinkID, detail string, fence crm.Fence, at time.Time) error {
	return o.change(ctx, "reject link", a, func(t tx) error {
		found, err := txn.All(t.Session, scanStandingLink, standingLinks+`
			WHERE account = $1 AND id = $2 AND ended_at IS NULL AND status <> $3`, a, l, crm.LinkAuthFailed)
		if err != nil || len(found) == 0 {
			return err
		}
		if err := t.fence(found[0].mailbox, fence); err != nil {
			return err
		}
		return t.turn(found[0], crm.LinkAuthFailed, detail, at)
	})
}

// SaveLooks writes the results of looks: health of the mailboxes, status of
// their links, and an event where a link's status turned. A mailbox that is
// gone meanwhile, or has seen a higher fence than its look's, is passed over.
func (o *Office) SaveLooks(ctx context.Context, looks []crm.Looked) error {
	byAccount := map[crm.AccountID][]crm.Looked{}
	for _, l := range looks {
		byAccount[l.Account] = append(byAccount[l.Account], l)
	}
	return o.transact(ctx, "save looks", func(t tx) error {
		for _, a := range txn.SortedKeys(byAccount) {
			if err := t.Enter(a); crm.KindOf(err) == crm.NotFound {
				continue
			} else if err != nil {
				return err
			}
			for _, l := range byAccount[a] {
				if err := t.saveLook(l); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// saveLook writes the result of one look. An error that comes again is counted
// and not told again: a mailbox that fails all night has one row that says so.
func (t tx) saveLook(l crm.Looked) error {
	var synced, failed any
	if l.Synced {
		synced = txn.MS(l.At)
	}
	if l.Err != "" {
		failed = txn.MS(l.At)
	}
	err := t.Write(`
		UPDATE mailboxes SET
			mode = CASE WHEN $3 = '' THEN mode ELSE $3 END,
			missed = missed + $4,
			last_synced_at = COALESCE($5, last_synced_at),
			error_count = CASE WHEN $6 = '' THEN 0 WHEN $6 = last_error THEN error_count + 1 ELSE 1 END,
			last_error = CASE WHEN $6 = '' THEN last_error ELSE $6 END,
			last_error_at = COALESCE($7, last_error_at),
			fence = CASE WHEN fence < $8 THEN $8 ELSE fence END
		WHERE account = $1 AND id = $2 AND (fence <= $8 OR $8 = 0)`,
		t.Account, l.Mailbox, l.Mode, l.Missed, synced, l.Err, failed, l.Fence)
	if err != nil {
		return err
	}
	switch l.Status {
	case crm.LinkSyncing, crm.LinkLive, crm.LinkUnreachable:
	default:
		return nil // a look says nothing else of a link
	}
	// Nearly always none: a mailbox that is well was well before.
	turning, err := txn.All(t.Session, scanStandingLink, standingLinks+`
		WHERE account = $1 AND mailbox = $2 AND ended_at IS NULL AND status <> $3 AND (status <> $4 OR detail <> $5)
			AND EXISTS (SELECT 1 FROM mailboxes m WHERE m.account = $1 AND m.id = $2 AND (m.fence <= $6 OR $6 = 0))
		ORDER BY id`, t.Account, l.Mailbox, crm.LinkAuthFailed, l.Status, l.Err, l.Fence)
	if err != nil {
		return err
	}
	for _, link := range turning {
		if err := t.turn(link, l.Status, l.Err, l.At); err != nil {
			return err
		}
	}
	return nil
}
