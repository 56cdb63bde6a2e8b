package archive

import (
	"cmp"
	"fmt"
	"slices"

	"mailsyncd.example/crm"
)

// runs are runs of a ledger, ascending, without overlap, and as few as can be:
// neighbours with the same outcome are one.
type runs []crm.Run

// pageRuns makes one list of what a page says of its UIDs: runs, the outcomes
// of its arrivals, and its problems. It fails where a UID has two outcomes,
// stands outside of what the page is about, or, between From and Through, has
// none: a position that moved past a UID without an outcome would be mail lost
// in silence.
func pageRuns(p crm.Page, outcomes map[crm.UID]crm.Outcome) (runs, error) {
	list := make([]crm.Run, 0, len(p.Runs)+len(p.Arrivals)+len(p.Problems))
	list = append(list, p.Runs...)
	for _, a := range p.Arrivals {
		list = append(list, crm.Run{Lo: a.UID, Hi: a.UID, Outcome: outcomes[a.UID]})
	}
	for _, pr := range p.Problems {
		list = append(list, crm.Run{Lo: pr.UID, Hi: pr.UID, Outcome: crm.Trouble})
	}
	slices.SortFunc(list, func(a, b crm.Run) int { return cmp.Compare(a.Lo, b.Lo) })
	settles := p.From == p.Through
	next := p.From + 1
	for i, r := range list {
		switch {
		case r.Lo == 0 || r.Hi < r.Lo:
			return nil, badPage("the run %d:%d is none", r.Lo, r.Hi)
		case i > 0 && r.Lo <= list[i-1].Hi:
			return nil, badPage("UID %d has two outcomes", r.Lo)
		case settles && r.Hi > p.From:
			return nil, badPage("UID %d is not passed yet, and can't be settled", r.Hi)
		case !settles && r.Lo != next:
			return nil, badPage("UID %d has no outcome", min(next, r.Lo))
		}
		next = r.Hi + 1
	}
	if !settles && (len(list) == 0 || list[len(list)-1].Hi != p.Through) {
		return nil, badPage("its outcomes end elsewhere than at UID %d", p.Through)
	}
	return merged(list), nil
}

func badPage(format string, args ...any) error {
	return crm.E(crm.Internal, "bad_page", "A page can't be recorded: "+fmt.Sprintf(format, args...)+".")
}

// merged joins neighbours of one outcome in an ascending list.
func merged(list []crm.Run) runs {
	var out runs
	for _, r := range list {
		if n := len(out); n > 0 && out[n-1].Hi+1 == r.Lo && out[n-1].Outcome == r.Outcome {
			out[n-1].Hi = r.Hi
			continue
		}
		out = append(out, r)
	}
	return out
}

// over lays r over old: what r says of its UIDs takes the place of what old
// said of them.
func over(old runs, r crm.Run) runs {
	list := []crm.Run{r}
	for _, o := range old {
		if o.Lo < r.Lo {
			list = append(list, crm.Run{Lo: o.Lo, Hi: min(o.Hi, r.Lo-1), Outcome: o.Outcome})
		}
		if o.Hi > r.Hi {
			list = append(list, crm.Run{Lo: max(o.Lo, r.Hi+1), Hi: o.Hi, Outcome: o.Outcome})
		}
	}
	slices.SortFunc(list, func(a, b crm.Run) int { return cmp.Compare(a.Lo, b.Lo) })
	return merged(list)
}
