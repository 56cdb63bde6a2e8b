package intake

import (
	"context"
	"slices"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/rule"
)

// Preview judges the messages that the stretch's folder has received since
// s.Since and adds what the rules say of them to p, at most so many envelopes.
// It returns how many it has read. Nothing is claimed, fetched or written.
func (j *Journey) Preview(ctx context.Context, s Stretch, own []crm.Address, most int, p *crm.Preview) (int, error) {
	// SEARCH knows days only, in the server's zone (RFC 3501 section 6.4.4).
	lo, err := s.Box.FirstUID(ctx, 1, s.Since.AddDate(0, 0, -1))
	if err != nil || lo == 0 {
		return 0, err
	}
	read := 0
	for lo <= s.Through && read < most {
		w := &window{lo: lo, hi: lo + min(windowUIDs-1, s.Through-lo)}
		if err := s.Box.Envelopes(ctx, w.lo, w.hi, w.add); err != nil {
			return read, err
		}
		if err := j.preview(ctx, s, own, w, p); err != nil {
			return read, err
		}
		read += len(w.mails)
		if w.hi == s.Through {
			return read, nil
		}
		lo = w.hi + 1
		if len(w.mails) == 0 {
			if lo, err = s.Box.FirstUID(ctx, lo, time.Time{}); err != nil || lo == 0 {
				return read, err
			}
		}
	}
	p.Complete = p.Complete && lo > s.Through
	return read, nil
}

// preview judges the envelopes of a window.
func (j *Journey) preview(ctx context.Context, s Stretch, own []crm.Address, w *window, p *crm.Preview) error {
	facts, err := j.o.Store.Facts(ctx, s.Folder.Account, w.addresses())
	if err != nil {
		return err
	}
	for _, a := range own {
		facts.Internal[a] = true
	}
	for _, records := range facts.Contacts { // today's contacts, whenever they came
		for i := range records {
			records[i].Since = time.Time{}
		}
	}
	for _, m := range w.mails {
		if m.fault != "" {
			p.Unreadable++
			continue
		}
		verdict := rule.Judge(m.env, rule.Inbox{Since: s.Since}, facts)
		if verdict.Outcome == crm.BeforeLink { // of the day on which the time begins
			continue
		}
		p.Looked++
		if !verdict.Import {
			p.Refused[verdict.Outcome]++
			continue
		}
		p.Imported++
		p.Items = append(p.Items, glimpse(s.Folder.Name, m.env, verdict))
	}
	return nil
}

func glimpse(folder string, env crm.Envelope, v rule.Verdict) crm.Glimpse {
	g := crm.Glimpse{
		FolderName: folder, ReceivedAt: env.ReceivedAt, Direction: v.Direction, From: env.From, To: env.To,
	}
	for _, m := range v.Matches {
		if !slices.Contains(g.Contacts, m.Contact) {
			g.Contacts = append(g.Contacts, m.Contact)
		}
	}
	return g
}
