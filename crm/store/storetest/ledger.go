package storetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

// ledger reads the runs of a folder.
func (h *house) ledger(f crm.FolderID) []crm.Run {
	h.t.Helper()
	var runs []crm.Run
	h.must(h.Ledger(h.t.Context(), h.account, f, func(r crm.Run) { runs = append(runs, r) }))
	return runs
}

// refuse records a page in which all UIDs up to through are refused.
func (h *house) refuse(f crm.Folder, through crm.UID, why crm.Outcome) {
	h.t.Helper()
	p := h.page(f)
	p.Through, p.Runs = through, []crm.Run{{Lo: f.Position + 1, Hi: through, Outcome: why}}
	value(h.Record(h.t.Context(), p, h.now))(h)
}

func testLedger(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	inbox := func() crm.Folder { return h.folder(l.Mailbox, "INBOX") }
	h.refuse(inbox(), 500, crm.NoContact)
	h.refuse(inbox(), 1000, crm.NoContact)
	same(t, "one run of what continues", h.ledger(inbox().ID), []crm.Run{{Lo: 1, Hi: 1000, Outcome: crm.NoContact}})
	h.arrive(l.Mailbox, "INBOX", h.letter("c1", nil))
	h.arrive(l.Mailbox, "INBOX", h.letter("c1", nil))
	h.refuse(inbox(), 4_000_000_000, crm.Vanished)
	same(t, "ledger", h.ledger(inbox().ID), []crm.Run{
		{Lo: 1, Hi: 1000, Outcome: crm.NoContact}, {Lo: 1001, Hi: 1002, Outcome: crm.Imported}, {Lo: 1003, Hi: 4_000_000_000, Outcome: crm.Vanished},
	})
	for uid, want := range map[crm.UID]crm.Outcome{1: crm.NoContact, 1000: crm.NoContact, 1001: crm.Imported, 5000: crm.Vanished, 4_000_000_001: ""} {
		got, _, err := h.OutcomeOf(ctx, h.account, inbox().ID, uid)
		h.must(err)
		same(t, fmt.Sprint("outcome of UID ", uid), got, want)
	}
	h.refuse(inbox(), ^crm.UID(0), crm.Vanished)
	same(t, "position at the end of all UIDs", inbox().Position, ^crm.UID(0))

	// What was passed is settled: the run around it is cut, and closed again.
	settle := func(r crm.Run) {
		t.Helper()
		p := h.page(inbox())
		p.Runs = []crm.Run{r}
		value(h.Record(ctx, p, h.now))(h)
	}
	settle(crm.Run{Lo: 10, Hi: 12, Outcome: crm.Vanished})
	same(t, "cut", h.ledger(inbox().ID)[:3], []crm.Run{
		{Lo: 1, Hi: 9, Outcome: crm.NoContact}, {Lo: 10, Hi: 12, Outcome: crm.Vanished}, {Lo: 13, Hi: 1000, Outcome: crm.NoContact},
	})
	settle(crm.Run{Lo: 5, Hi: 14, Outcome: crm.NoContact})
	same(t, "closed", h.ledger(inbox().ID)[0], crm.Run{Lo: 1, Hi: 1000, Outcome: crm.NoContact})
	same(t, "nobody's ledger", len(h.ledger("fld_none")), 0)
}

// Whatever pages come, in whatever order they are settled: every UID has the
// outcome that was said of it last, and the sums are right.
func testLedgerRandom(t *testing.T, open Opener) {
	h := newHouse(t, open)
	l := h.link("u1", "box1")
	rnd := rand.New(rand.NewPCG(7, 11))
	outcomes := []crm.Outcome{crm.NoContact, crm.Vanished, crm.Trouble, crm.Imported, crm.InternalOnly}
	want := map[crm.UID]crm.Outcome{}
	for range 120 {
		f := h.folder(l.Mailbox, "INBOX")
		p := h.page(f)
		first, last := f.Position+1, f.Position+1+crm.UID(rnd.IntN(30))
		if f.Position > 20 && rnd.IntN(3) == 0 { // settle what was passed
			first = 1 + crm.UID(rnd.IntN(int(f.Position)-10))
			last = first + crm.UID(rnd.IntN(10))
		} else {
			p.Through = last
		}
		for uid := first; uid <= last; {
			hi := min(last, uid+crm.UID(rnd.IntN(8)))
			outcome := outcomes[rnd.IntN(len(outcomes))]
			switch outcome {
			case crm.Imported:
				hi = uid
				m := h.letter("c1", nil)
				p.Arrivals = append(p.Arrivals, crm.Arrival{UID: uid, Identity: identity(m), Message: m})
			case crm.Trouble:
				hi = uid
				p.Problems = append(p.Problems, crm.Problem{UID: uid, Detail: "x", RetryAt: h.now})
			default:
				p.Runs = append(p.Runs, crm.Run{Lo: uid, Hi: hi, Outcome: outcome})
			}
			for ; uid <= hi; uid++ {
				want[uid] = outcome
			}
		}
		value(h.Record(t.Context(), p, h.now))(h)
	}
	h.checkLedger(l.Mailbox, want)
}

// checkLedger compares ledger, balance and problems with what they must be.
func (h *house) checkLedger(m crm.MailboxID, want map[crm.UID]crm.Outcome) {
	h.t.Helper()
	f := h.folder(m, "INBOX")
	got := map[crm.UID]crm.Outcome{}
	sums := map[crm.Outcome]int64{}
	var last crm.Run
	for _, r := range h.ledger(f.ID) {
		if r.Lo <= last.Hi || (r.Lo == last.Hi+1 && r.Outcome == last.Outcome) {
			h.t.Errorf("run %v after %v", r, last)
		}
		for uid := r.Lo; uid <= r.Hi; uid++ {
			got[uid] = r.Outcome
			sums[r.Outcome]++
		}
		last = r
	}
	same(h.t, "ledger", got, want)
	same(h.t, "highest UID", last.Hi, f.Position)
	for _, b := range value(h.Health(h.t.Context(), h.account, m))(h).Folders {
		if b.Folder == f.ID {
			same(h.t, "balance", b.Outcomes, sums)
		}
	}
	due := value(h.DueProblems(h.t.Context(), h.account, m, h.now))(h)
	same(h.t, "problems", int64(len(due)), sums[crm.Trouble])
}

// The balance is about what came since the link: UIDs above the anchor.
func testBalance(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	m := h.imported(l.Mailbox, h.letter("c1", nil))
	h.refuse(h.folder(l.Mailbox, "INBOX"), 100, crm.NoContact)
	h.must(h.EndLink(ctx, h.account, l.ID, crm.EndedUnlinked, h.now))

	// Linked again: the server has 60 UIDs now, the anchor is inside of a run.
	value(h.CreateLink(ctx, h.linkOf("u1", "box1"), "x", []crm.Folder{{Name: "INBOX", UIDValidity: 1, Anchor: 60, Anchored: true, Position: 60}}))(h)
	p := h.page(h.folder(l.Mailbox, "INBOX"), h.letter("c1", nil), h.letter("c1", nil))
	p.Through, p.Runs = 70, []crm.Run{{Lo: 63, Hi: 70, Outcome: crm.BeforeContact}}
	value(h.Record(ctx, p, h.now))(h)
	balance := func() crm.FolderBalance { return value(h.Health(ctx, h.account, l.Mailbox))(h).Folders[0] }
	same(t, "outcomes", balance().Outcomes, map[crm.Outcome]int64{crm.Imported: 2, crm.BeforeContact: 8, crm.NoContact: 30})

	f := h.folder(l.Mailbox, "INBOX")
	h.pass(time.Hour)
	b := crm.Balance{Account: h.account, Folder: f.ID, UIDValidity: 1, Unexplained: 4, Gone: []crm.Run{{Lo: 1, Hi: 1}, {Lo: 62, Hi: ^crm.UID(0)}}}
	h.must(h.SaveBalance(ctx, b, h.now))
	same(t, "unexplained", balance().Unexplained, 4)
	same(t, "checked at", balance().CheckedAt, h.now)
	same(t, "sightings of UID 1", len(value(h.Message(ctx, h.account, m.ID))(h).Sightings), 0)
	var uids []crm.UID
	for _, m := range value(h.ListMessages(ctx, h.account, crm.MessageQuery{Paging: crm.Paging{Limit: 9}}))(h).Items {
		for _, s := range m.Sightings {
			uids = append(uids, s.UID)
		}
	}
	same(t, "UIDs that are left", uids, []crm.UID{61})
	b.Unexplained, b.Gone = 0, nil
	h.must(h.SaveBalance(ctx, b, h.now))
	same(t, "unexplained after repair", balance().Unexplained, 0)
	b.UIDValidity = 2
	fails(t, h.SaveBalance(ctx, b, h.now), crm.Conflict, "stale_position")
	b.Folder = "fld_none"
	fails(t, h.SaveBalance(ctx, b, h.now), crm.NotFound, "folder_not_found")
}

func testProblems(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	f := h.folder(l.Mailbox, "INBOX")
	begin := h.now
	p := h.page(f)
	p.Through, p.Runs = 4, []crm.Run{{Lo: 1, Hi: 1, Outcome: crm.NoContact}}
	p.Problems = []crm.Problem{
		{UID: 2, Detail: "no body", Tries: 1, RetryAt: h.now.Add(time.Minute)},
		{UID: 3, Detail: "given up", Tries: 9},
		{UID: 4, Detail: "no body", Tries: 1, RetryAt: h.now.Add(time.Hour)},
	}
	value(h.Record(ctx, p, h.now))(h)
	due := func() []crm.Problem { return value(h.DueProblems(ctx, h.account, l.Mailbox, h.now))(h) }
	same(t, "due at once", len(due()), 0)
	h.pass(time.Minute)
	want := crm.Problem{
		Account: h.account, Mailbox: l.Mailbox, Folder: f.ID, FolderName: "INBOX", UIDValidity: 1, UID: 2,
		Detail: "no body", Tries: 1, Since: begin, RetryAt: h.now,
	}
	same(t, "due after a minute", due(), []crm.Problem{want})
	same(t, "listed", len(value(h.Health(ctx, h.account, l.Mailbox))(h).Problems), 3)

	// It fails again: one problem, with a longer history.
	f = h.folder(l.Mailbox, "INBOX")
	p = h.page(f)
	p.Problems = []crm.Problem{{UID: 2, Detail: "still no body", Tries: 2, RetryAt: h.now.Add(time.Minute)}}
	value(h.Record(ctx, p, h.now))(h)
	same(t, "due", len(due()), 0)
	h.pass(time.Minute)
	want.Detail, want.Tries, want.RetryAt = "still no body", 2, h.now
	same(t, "due after it failed again", due(), []crm.Problem{want})

	// It goes well, and another turns out to be gone.
	p = h.page(f)
	m := h.letter("c1", nil)
	p.Arrivals = []crm.Arrival{{UID: 2, Identity: identity(m), Message: m}}
	p.Runs = []crm.Run{{Lo: 4, Hi: 4, Outcome: crm.Vanished}}
	r := value(h.Record(ctx, p, h.now))(h)
	same(t, "outcomes", r.Outcomes, map[crm.UID]crm.Outcome{2: crm.Imported})
	health := value(h.Health(ctx, h.account, l.Mailbox))(h)
	same(t, "left", names(health.Problems, func(p crm.Problem) crm.UID { return p.UID }), []crm.UID{3})
	same(t, "ledger", h.ledger(f.ID), []crm.Run{
		{Lo: 1, Hi: 1, Outcome: crm.NoContact}, {Lo: 2, Hi: 2, Outcome: crm.Imported},
		{Lo: 3, Hi: 3, Outcome: crm.Trouble}, {Lo: 4, Hi: 4, Outcome: crm.Vanished},
	})
	same(t, "position", h.folder(l.Mailbox, "INBOX").Position, 4)

	// In a folder that is gone nothing can be tried.
	value(h.SyncFolders(ctx, h.account, l.Mailbox, []crm.Folder{{Name: "Sent", Role: crm.RoleSent, UIDValidity: 1}}, 0, h.now))(h)
	h.pass(time.Hour)
	same(t, "due in a folder that is gone", len(due()), 0)
}
