package intake

import (
	"cmp"
	"context"
	"slices"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/rule"
	"mailsyncd.example/sync/letter"
)

// Settle tries UIDs of the stretch's folder again that were in trouble. The
// try is written down before it is made: a message that breaks the connection
// must not be tried again at once.
func (j *Journey) Settle(ctx context.Context, s Stretch, due []crm.Problem) error {
	for _, d := range due {
		page := pageOf(s.Folder, s.Folder.Position)
		again := j.problem(s.Folder, d.UID, d.Tries+1, d.Detail)
		again.Since = d.Since
		page.Problems = []crm.Problem{again}
		done := Progress{Folder: s.Folder}
		if err := j.record(ctx, s, page, &done); err != nil {
			return err
		}
		if err := j.settle(ctx, s, d.UID, d.UID, d.Tries); err != nil {
			return err
		}
	}
	return nil
}

// settle reads UIDs that the position has passed.
func (j *Journey) settle(ctx context.Context, s Stretch, lo, hi crm.UID, tries int) error {
	done := Progress{Folder: s.Folder}
	for next := lo; next <= hi && next >= lo; {
		w, err := j.window(ctx, s, next, hi)
		if err != nil {
			return err
		}
		for _, p := range w.parts() {
			p.settles, p.tries = true, tries
			if err := j.bring(ctx, s, p, &done); err != nil {
				return err
			}
		}
		next = w.hi + 1
	}
	return nil
}

// Balance compares the ledger with the folder, UID by UID: every message that
// the server has above the anchor must have an outcome other than vanished.
// Those without are counted, and read at once. Sightings whose UID is gone end.
func (j *Journey) Balance(ctx context.Context, s Stretch) (unexplained int64, err error) {
	f := s.Folder
	if f.Position <= f.Anchor {
		return 0, j.saveBalance(ctx, s, 0, nil)
	}
	var there []crm.Run
	err = s.Box.UIDs(ctx, f.Anchor+1, f.Position, func(lo, hi crm.UID) {
		there = append(there, crm.Run{Lo: max(lo, f.Anchor+1), Hi: min(hi, f.Position)})
	})
	if err != nil {
		return 0, err
	}
	var explained, kept []crm.Run
	err = j.o.Store.Ledger(ctx, f.Account, f.ID, func(r crm.Run) {
		switch r.Outcome {
		case crm.Vanished:
			return
		case crm.Imported, crm.Copied, crm.Removed:
			kept = append(kept, r)
		}
		explained = appendRun(explained, r.Lo, r.Hi, "")
	})
	if err != nil {
		return 0, err
	}
	lost := subtract(there, explained)
	for _, r := range lost {
		unexplained += int64(r.Hi-r.Lo) + 1
		if err := j.settle(ctx, s, r.Lo, r.Hi, 0); err != nil {
			return unexplained, err
		}
	}
	return unexplained, j.saveBalance(ctx, s, unexplained, subtract(kept, there))
}

func (j *Journey) saveBalance(ctx context.Context, s Stretch, unexplained int64, gone []crm.Run) error {
	fence, err := s.fence()
	if err != nil {
		return err
	}
	return j.o.Store.SaveBalance(ctx, crm.Balance{
		Account: s.Folder.Account, Folder: s.Folder.ID, UIDValidity: s.Folder.UIDValidity,
		Fence: fence, Unexplained: unexplained, Gone: gone,
	}, j.o.Now())
}

// subtract returns what is in a and not in b; both ascend without overlap.
func subtract(a, b []crm.Run) []crm.Run {
	var rest []crm.Run
	for _, r := range a {
		for len(b) > 0 && b[0].Hi < r.Lo {
			b = b[1:]
		}
		lo := r.Lo
		for i := 0; i < len(b) && b[i].Lo <= r.Hi; i++ {
			if b[i].Lo > lo {
				rest = append(rest, crm.Run{Lo: lo, Hi: b[i].Lo - 1})
			}
			lo = b[i].Hi + 1
		}
		if lo <= r.Hi && lo != 0 {
			rest = append(rest, crm.Run{Lo: lo, Hi: r.Hi})
		}
	}
	return rest
}

// Explain says what became of the copies of a message among these UIDs, and
// what today's rules say of them. watched is false for a folder that is left
// out.
func (j *Journey) Explain(ctx context.Context, s Stretch, watched bool, id crm.HeaderID, found []crm.UID) ([]crm.Explanation, error) {
	var copies []crm.UID
	err := s.Box.Heads(ctx, found, func(uid crm.UID, header []byte) {
		// A server's search finds what contains the id, too (RFC 3501 section 6.4.4).
		if letter.ReadHead(header).HeaderID == id {
			copies = append(copies, uid)
		}
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(copies)
	var all []crm.Explanation
	for _, uid := range copies {
		w, err := j.window(ctx, s, uid, uid)
		if err != nil {
			return nil, err
		}
		for _, m := range w.mails {
			x := crm.Explanation{
				FolderName: s.Folder.Name, UID: uid, ReceivedAt: m.env.ReceivedAt,
				Rule: m.outcome, Watched: watched,
			}
			if watched {
				if x.Outcome, x.Message, err = j.o.Store.OutcomeOf(ctx, s.Folder.Account, s.Folder.ID, uid); err != nil {
					return nil, err
				}
			}
			if watched && uid <= s.Folder.Anchor {
				x.Outcome, x.Rule = crm.BeforeLink, crm.BeforeLink
			}
			x.Status = watched && rule.ReadsStatus(m.env, cmp.Or(x.Outcome, x.Rule), w.reportsSince)
			all = append(all, x)
		}
	}
	return all, nil
}
