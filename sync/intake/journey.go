// Package intake is the story of one message's way from a mailbox into the
// CRM: envelope, match, claim, known already?, body, open, store and event.
// docs/journey.md tells it in words; window and bring are the same in Go.
//
// Everything that a stretch of UIDs brings is written in one transaction with
// the folder's new position, so that a crash anywhere leaves either both or
// neither. What the rules refuse is never downloaded.
package intake

import (
	"context"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/rule"
	"mailsyncd.example/dedupe"
)

const (
	// windowUIDs is how many UIDs are asked for at once: so many that round
	// trips don't count, so few that a window fits in memory.
	windowUIDs = 1000
	// careShift narrows the window by eight with each degree of care.
	careShift = 3
	// careToPass is the degree of care from which the next UID is passed
	// over: alone in its window it has broken the connection before.
	careToPass = 4
)

// DefaultLimit is the size in bytes above which a message's content is left on
// the server.
const DefaultLimit = 50 << 20

// Seen tells an observer what became of a message.
type Seen struct {
	Account  crm.AccountID
	Mailbox  crm.MailboxID
	Folder   string
	Envelope crm.Envelope
	Outcome  crm.Outcome
}

// Options are what a Journey is made of. Store, Blobs and Claims are needed.
type Options struct {
	Store  Store
	Blobs  Blobs
	Claims dedupe.Claimer
	Limit  int64            // bytes of a message; DefaultLimit where 0
	Now    func() time.Time // time.Now where nil
	// Observe, where set, hears of every message once its outcome is
	// committed. It must not block.
	Observe func(Seen)
}

// Journey brings messages into the CRM. It holds no state between calls, so
// any number of mailboxes may use one at the same time.
type Journey struct {
	o Options
}

// New makes a Journey.
func New(o Options) *Journey {
	if o.Limit == 0 {
		o.Limit = DefaultLimit
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Journey{o}
}

// Stretch is a folder, selected in a box, and what there is to read in it.
type Stretch struct {
	Box    Box
	Folder crm.Folder
	Since  time.Time // when the mailbox was linked
	// Reports tells since when delivery reports are read, zero where the account
	// has not switched that on, and is asked for every window. Nil: they are not.
	Reports func(context.Context) (time.Time, error)
	// Through is the highest UID there is (UIDNEXT - 1), or 0 where the
	// server has announced news without saying how far.
	Through crm.UID
	// Care is how often in a row reading from this position has broken the
	// connection. It narrows the window until the message at fault is alone,
	// and then passes over it.
	Care int
	// Fence, where set, is asked before every write for the fence to write
	// under; its error ends the reading. Nil where one process has the
	// database to itself.
	Fence func() (crm.Fence, error)
}

// Progress is what reading a stretch came to.
type Progress struct {
	Folder    crm.Folder // with its new position
	Envelopes int
	Oldest    time.Time // the earliest time of receipt among them
	Problems  int
}

// Advance reads the stretch from the folder's position on, window by window.
// It returns how far it came, with an error too.
func (j *Journey) Advance(ctx context.Context, s Stretch) (Progress, error) {
	done := Progress{Folder: s.Folder}
	if s.Care >= careToPass {
		if err := j.passOver(ctx, s, &done); err != nil {
			return done, err
		}
	}
	if s.Through == 0 {
		return done, j.advanceOpen(ctx, s, &done)
	}
	if err := j.skipOld(ctx, s, &done); err != nil {
		return done, err
	}
	for done.Folder.Position < s.Through {
		w, err := j.window(ctx, s, done.Folder.Position+1, s.Through)
		if err != nil {
			return done, err
		}
		if len(w.mails) == 0 && w.hi < s.Through {
			if w.hi, err = gapEnd(ctx, s, w.hi); err != nil {
				return done, err
			}
		}
		if err := j.bringAll(ctx, s, w, &done); err != nil {
			return done, err
		}
	}
	return done, nil
}

// advanceOpen reads what has been announced. UIDs beyond the last message seen
// may still be given out, so the position goes no further than that.
func (j *Journey) advanceOpen(ctx context.Context, s Stretch, done *Progress) error {
	for {
		w, err := j.window(ctx, s, done.Folder.Position+1, ^crm.UID(0))
		if err != nil || len(w.mails) == 0 {
			return err
		}
		end := w.hi
		w.hi = w.mails[len(w.mails)-1].env.UID
		if err := j.bringAll(ctx, s, w, done); err != nil {
			return err
		}
		if w.hi < end {
			return nil
		}
	}
}

// gapEnd finds where a stretch without messages that reaches to hi ends.
func gapEnd(ctx context.Context, s Stretch, hi crm.UID) (crm.UID, error) {
	next, err := s.Box.FirstUID(ctx, hi+1, time.Time{})
	if err != nil {
		return 0, err
	}
	if next == 0 || next > s.Through {
		return s.Through, nil
	}
	return next - 1, nil
}

// skipOld passes over what lies before the first message received on the day
// of the link, in a folder that is read from its beginning: one that appeared
// after the link, or whose UIDVALIDITY changed. SEARCH knows days only, in the
// server's zone (RFC 3501 section 6.4.4), hence one day more.
func (j *Journey) skipOld(ctx context.Context, s Stretch, done *Progress) error {
	if s.Folder.Position != 0 || s.Folder.Anchored || s.Through <= windowUIDs {
		return nil
	}
	first, err := s.Box.FirstUID(ctx, 1, s.Since.AddDate(0, 0, -1))
	if err != nil {
		return err
	}
	if first == 0 || first > s.Through {
		first = s.Through + 1
	}
	if first == 1 {
		return nil
	}
	page := pageOf(s.Folder, first-1)
	page.Runs = []crm.Run{{Lo: 1, Hi: first - 1, Outcome: crm.BeforeLink}}
	return j.record(ctx, s, page, done)
}

// passOver records the UID after the position as a problem without reading it.
func (j *Journey) passOver(ctx context.Context, s Stretch, done *Progress) error {
	uid := done.Folder.Position + 1
	page := pageOf(done.Folder, uid)
	page.Problems = []crm.Problem{j.problem(done.Folder, uid, 1, "the connection broke each time this message was read")}
	return j.record(ctx, s, page, done)
}

// window takes the UIDs from lo on, no further than through, over the first
// half of the way: their envelopes are read and judged.
func (j *Journey) window(ctx context.Context, s Stretch, lo, through crm.UID) (*window, error) {
	size := crm.UID(max(1, windowUIDs>>(careShift*s.Care)))
	w := &window{lo: lo, hi: lo + min(size-1, through-lo)}
	read := s.Box.Envelopes
	if s.Reports != nil {
		var err error
		if w.reportsSince, err = s.Reports(ctx); err != nil {
			return nil, err
		}
		if !w.reportsSince.IsZero() {
			read = s.Box.TypedEnvelopes
		}
	}
	before := s.Box.Received()
	if err := read(ctx, w.lo, w.hi, w.add); err != nil {
		return nil, err
	}
	w.bytes = s.Box.Received() - before
	facts, err := j.o.Store.Facts(ctx, s.Folder.Account, w.addresses())
	if err != nil {
		return nil, err
	}
	w.internal = facts.Internal
	inbox := rule.Inbox{Since: s.Since, Anchor: s.Folder.Anchor, Anchored: s.Folder.Anchored}
	for _, m := range w.mails {
		if m.fault == "" {
			m.verdict = rule.Judge(m.env, inbox, facts)
			m.outcome = m.verdict.Outcome
		}
	}
	return w, nil
}

// bringAll takes a window over the second half of the way, in parts that one
// transaction can hold.
func (j *Journey) bringAll(ctx context.Context, s Stretch, w *window, done *Progress) error {
	for _, p := range w.parts() {
		if err := j.bring(ctx, s, p, done); err != nil {
			return err
		}
	}
	return nil
}

// bring is the second half of the way: what is to be imported is identified,
// claimed and compared with what is known; unknown bodies are read and opened;
// and everything is written at once. Of refused mail only delivery reports are
// looked at once more, and only where the account wants that.
func (j *Journey) bring(ctx context.Context, s Stretch, p *part, done *Progress) error {
	before := s.Box.Received()
	if err := j.heedReports(ctx, s, p); err != nil {
		return err
	}
	matched := p.matched()
	if err := j.identify(ctx, s, matched); err != nil {
		return err
	}
	release, err := j.claim(ctx, s.Folder.Account, matched)
	if err != nil {
		return err
	}
	defer release()
	unknown, err := j.recognise(ctx, s.Folder.Account, matched)
	if err != nil {
		return err
	}
	if err := j.fetch(ctx, s, p, unknown); err != nil {
		return err
	}
	p.receipt.Bytes += s.Box.Received() - before
	return j.write(ctx, s, p, done)
}

// write records a part and tells the observer.
func (j *Journey) write(ctx context.Context, s Stretch, p *part, done *Progress) error {
	page := p.page(done.Folder, j.problem)
	if err := j.makeDurable(ctx, page); err != nil {
		return err
	}
	recorded, err := j.put(ctx, s, page)
	if err != nil {
		return err
	}
	done.Folder.Position = page.Through
	done.Envelopes += len(p.mails)
	done.Problems += len(page.Problems)
	for _, m := range p.mails {
		if outcome, ok := recorded.Outcomes[m.env.UID]; ok {
			m.outcome = outcome
		}
		if at := m.env.ReceivedAt; !at.IsZero() && (done.Oldest.IsZero() || at.Before(done.Oldest)) {
			done.Oldest = at
		}
		j.tell(done.Folder, m)
	}
	return nil
}

// record writes a page that brings no messages.
func (j *Journey) record(ctx context.Context, s Stretch, page crm.Page, done *Progress) error {
	if _, err := j.put(ctx, s, page); err != nil {
		return err
	}
	done.Folder.Position = page.Through
	done.Problems += len(page.Problems)
	return nil
}

// put hands a page to the store, under the fence as it is at that moment.
func (j *Journey) put(ctx context.Context, s Stretch, page crm.Page) (crm.Recorded, error) {
	var err error
	if page.Fence, err = s.fence(); err != nil {
		return crm.Recorded{}, err
	}
	return j.o.Store.Record(ctx, page, j.o.Now())
}

func (s Stretch) fence() (crm.Fence, error) {
	if s.Fence == nil {
		return 0, nil
	}
	return s.Fence()
}

func (j *Journey) tell(f crm.Folder, m *mail) {
	if j.o.Observe != nil {
		j.o.Observe(Seen{Account: f.Account, Mailbox: f.Mailbox, Folder: f.Name, Envelope: m.env, Outcome: m.outcome})
	}
}

// pageOf begins a page on which the folder moves to through.
func pageOf(f crm.Folder, through crm.UID) crm.Page {
	return crm.Page{
		Account: f.Account, Mailbox: f.Mailbox, Folder: f.ID,
		UIDValidity: f.UIDValidity, From: f.Position, Through: through,
	}
}
