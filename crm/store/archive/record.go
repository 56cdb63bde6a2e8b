package archive

import (
	"context"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// Record writes a page: messages, contacts, threads, sightings, ledger,
// position, counters and events, or nothing at all. What was reported is told
// once, and not at all where the account has switched that off. Of copies that come in at
// the same instant through several mailboxes one makes the message.
//
// Errors of kind crm.Conflict: stale_position where the folder does not stand
// where the page begins, fenced where the mailbox has seen a higher fence than
// the page's, no_link where no link of the mailbox stands any more, identity_gone
// where an arrival without a message is not known. A page that
// leaves a UID without its one outcome is crm.Internal, bad_page.
func (ar *Archive) Record(ctx context.Context, p crm.Page, at time.Time) (crm.Recorded, error) {
	var r crm.Recorded
	err := ar.change(ctx, "record page", p.Account, func(t tx) error {
		// What can refuse the page comes first, what it brings after that;
		// the order of the rest makes no difference to anybody outside.
		if err := t.checkPage(p); err != nil {
			return err
		}
		a, err := t.sortArrivals(p, at)
		if err != nil {
			return err
		}
		rs, err := pageRuns(p, a.outcomes)
		if err != nil {
			return err
		}
		if err := t.tellReported(p, at); err != nil {
			return err
		}
		if err := t.recordArrivals(p, a, at); err != nil {
			return err
		}
		if err := t.recordRuns(p, rs); err != nil {
			return err
		}
		if err := t.recordProblems(p, rs, at); err != nil {
			return err
		}
		if err := t.countPage(p, a, at); err != nil {
			return err
		}
		r = crm.Recorded{Outcomes: a.outcomes}
		for _, m := range a.fresh {
			r.Imported = append(r.Imported, m.ID)
		}
		return nil
	})
	if err != nil {
		return crm.Recorded{}, err
	}
	return r, nil
}

var errStale = crm.E(crm.Conflict, "stale_position", "The folder was read further meanwhile; begin again where it stands now.")

// checkPage makes sure that the page builds on what is there.
func (t tx) checkPage(p crm.Page) error {
	var uidvalidity uint32
	var position crm.UID
	var links int
	var seen crm.Fence
	found, err := t.First(txn.Into(&uidvalidity, &position, &seen, &links), `
		SELECT f.uidvalidity, f.position, m.fence, (
			SELECT COUNT(*) FROM links l WHERE l.account = f.account AND l.mailbox = f.mailbox AND l.ended_at IS NULL)
		FROM folders f JOIN mailboxes m ON m.account = f.account AND m.id = f.mailbox
		WHERE f.account = $1 AND f.id = $2 AND f.mailbox = $3`,
		string(p.Account), string(p.Folder), string(p.Mailbox))
	// A process that has lost the mailbox is told so before it hears that the
	// position is another one: it is to stop, not to begin again.
	fenced := txn.Fenced(p.Fence, seen)
	switch {
	case err != nil:
		return err
	case !found:
		return txn.NotFound("folder")
	case fenced != nil:
		return fenced
	case links == 0:
		return crm.E(crm.Conflict, "no_link", "No link of this mailbox stands any more; it is not to be read.")
	case uidvalidity != p.UIDValidity || position != p.From:
		return errStale
	case p.Through < p.From:
		return badPage("it ends before it begins")
	}
	return nil
}

// arrivals are a page's arrivals, told apart.
type arrivals struct {
	outcomes map[crm.UID]crm.Outcome
	fresh    []*crm.Message // new to the account, in the order of the page
	seen     map[crm.UID]crm.MessageID
	copied   []crm.ThreadID // threads of which a further copy was found
}

// sortArrivals tells new messages from copies and from what was deleted here.
// Nobody can add an identity in between: the account is locked, and the unique
// key would end the transaction.
func (t tx) sortArrivals(p crm.Page, at time.Time) (*arrivals, error) {
	a := &arrivals{
		outcomes: make(map[crm.UID]crm.Outcome, len(p.Arrivals)),
		seen:     make(map[crm.UID]crm.MessageID, len(p.Arrivals)),
	}
	if len(p.Arrivals) == 0 {
		return a, nil
	}
	ids := make([]crm.Identity, len(p.Arrivals))
	for i := range p.Arrivals {
		ids[i] = p.Arrivals[i].Identity
	}
	there, err := known(t.Session, t.Account, ids)
	if err != nil {
		return nil, err
	}
	for _, arrival := range p.Arrivals {
		k, ok := there[arrival.Identity]
		switch {
		case ok && k.Deleted:
			a.outcomes[arrival.UID] = crm.Removed
		case ok:
			a.outcomes[arrival.UID] = crm.Copied
			if k.thread != "" {
				a.copied = append(a.copied, k.thread)
			}
		case arrival.Message == nil:
			return nil, crm.E(crm.Conflict, "identity_gone", "A message that was known is not any more; read the page again.")
		default:
			a.outcomes[arrival.UID] = crm.Imported
			k.Message = a.add(t.Account, arrival, at)
			there[arrival.Identity] = k
		}
		a.seen[arrival.UID] = k.Message
	}
	return a, nil
}

// add takes a new message in. It works on a copy: the page is the caller's, who
// may hand it in again where this transaction fails.
func (a *arrivals) add(account crm.AccountID, arrival crm.Arrival, at time.Time) crm.MessageID {
	m := *arrival.Message
	m.Account, m.Identity, m.ImportedAt = account, arrival.Identity, at
	if m.ID == "" {
		m.ID = crm.MessageID(crm.NewID("msg", at))
	}
	a.fresh = append(a.fresh, &m)
	return m.ID
}

// recordArrivals writes what the arrivals bring, and tells of the new ones.
func (t tx) recordArrivals(p crm.Page, a *arrivals, at time.Time) error {
	if len(p.Arrivals) == 0 {
		return nil
	}
	if len(a.fresh) > 0 {
		// Asked before anything is written, so that the writes can wait to be
		// sent together.
		active, err := t.enrolledSenders(a.fresh)
		if err != nil {
			return err
		}
		having, err := t.bouncedContacts(a.fresh)
		if err != nil {
			return err
		}
		if err := t.threadMessages(a.fresh, p.Mailbox, at); err != nil {
			return err
		}
		if err := t.insertMessages(a.fresh); err != nil {
			return err
		}
		if err := t.heedAbsences(a.fresh); err != nil {
			return err
		}
		if err := t.tellMessages(a.fresh, active, having, p.Mailbox, at); err != nil {
			return err
		}
	}
	if err := t.threadsSeen(a.copied, p.Mailbox); err != nil {
		return err
	}
	values := make([]any, 0, 6*len(p.Arrivals))
	for _, arrival := range p.Arrivals {
		values = append(values, string(t.Account), string(p.Folder), int64(p.UIDValidity), int64(arrival.UID),
			string(p.Mailbox), string(a.seen[arrival.UID]))
	}
	// A UID that is settled again may have been another message's, or gone.
	return t.Insert(`INSERT INTO sightings (account, folder, uidvalidity, uid, mailbox, message) VALUES`, 6, values, `
		ON CONFLICT (account, folder, uidvalidity, uid) DO UPDATE SET message = excluded.message, ended_at = NULL`)
}

// tellMessages tells of new messages, each with what it brings about: a reply
// halts the sequences of who wrote it, before anybody can read it here.
func (t tx) tellMessages(fresh []*crm.Message, active []enrolled, having holders, mailbox crm.MailboxID, at time.Time) error {
	var err error
	for _, m := range fresh {
		t.tellMessage(m, having, mailbox, at)
		if active, err = t.halt(active, m, mailbox, at); err != nil {
			return err
		}
	}
	return nil
}

// countPage moves the folder on, and the mailbox's fence and counters. The
// position is where the whole page becomes true: a reader who sees it sees all
// that lies below.
func (t tx) countPage(p crm.Page, a *arrivals, at time.Time) error {
	if p.Through != p.From {
		err := t.Write(`UPDATE folders SET position = $3 WHERE account = $1 AND id = $2`,
			string(t.Account), string(p.Folder), int64(p.Through))
		if err != nil {
			return err
		}
	}
	err := t.Write(`
		UPDATE mailboxes SET imported = imported + $3, envelopes = envelopes + $4, bodies = bodies + $5,
			refused_bodies = refused_bodies + $6, bytes = bytes + $7, reports = reports + $9,
			fence = CASE WHEN fence < $8 THEN $8 ELSE fence END
		WHERE account = $1 AND id = $2`, string(t.Account), string(p.Mailbox),
		len(a.fresh), p.Receipt.Envelopes, p.Receipt.Bodies, p.Receipt.RefusedBodies, p.Receipt.Bytes, int64(p.Fence), p.Receipt.Reports)
	if err != nil || len(a.fresh) == 0 {
		return err
	}
	var bytes int64
	for _, m := range a.fresh {
		bytes += m.Size
	}
	return t.countUsage(at, int64(len(a.fresh)), bytes)
}
