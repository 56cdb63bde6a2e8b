package watch

import (
	"context"
	"slices"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/folder"
	"mailsyncd.example/sync/intake"
)

// Bounds of a preview: somebody is waiting for it.
const (
	previewEnvelopes = 5000
	previewItems     = 200
	previewTime      = 20 * time.Second
)

// Preview reads the envelopes that a mailbox has received since a time, over a
// connection of its own, and tells what today's rules would have imported. What
// can't be read within the bounds is left out, and Complete is false then.
func (w *Watcher) Preview(ctx context.Context, q crm.PreviewQuery) (crm.Preview, error) {
	login, err := w.loginOf(ctx, q)
	if err != nil {
		return crm.Preview{}, err
	}
	began := w.o.Now()
	box, release, err := w.connect(ctx, login, nil)
	if err != nil {
		return crm.Preview{}, asError(err)
	}
	defer release()
	listed, err := box.Folders(ctx)
	if err != nil {
		return crm.Preview{}, asError(err)
	}
	p := crm.Preview{Since: q.Since, Until: began, Refused: map[crm.Outcome]int{}, Complete: true}
	watched, _ := folder.Sort(listed, box.Gmail())
	left := previewEnvelopes
	for _, f := range watched {
		if left <= 0 || w.o.Now().Sub(began) > previewTime {
			p.Complete = false
			break
		}
		sel, err := box.Examine(ctx, f.Name)
		if closed(err) {
			continue
		}
		if err != nil {
			return crm.Preview{}, asError(err)
		}
		if sel.UIDNext <= 1 {
			continue
		}
		f.Account = q.Account
		read, err := w.o.Journey.Preview(ctx, intake.Stretch{Box: box, Folder: f, Since: q.Since, Through: sel.UIDNext - 1}, q.Own, left, &p)
		if err != nil {
			return crm.Preview{}, asError(err)
		}
		left -= read
	}
	slices.SortStableFunc(p.Items, func(a, b crm.Glimpse) int { return b.ReceivedAt.Compare(a.ReceivedAt) })
	p.Items = p.Items[:min(len(p.Items), previewItems)]
	return p, nil
}

// loginOf finds the credential of a link that stands, where the query names one.
func (w *Watcher) loginOf(ctx context.Context, q crm.PreviewQuery) (crm.Login, error) {
	if q.Login.Link == "" || q.Login.Secret != "" {
		return q.Login, nil
	}
	standing, err := w.o.Store.Standing(ctx, q.Account, q.Mailbox)
	if err != nil {
		return crm.Login{}, err
	}
	for _, l := range standing.Logins {
		if l.Link == q.Login.Link {
			return l, nil
		}
	}
	return crm.Login{}, crm.E(crm.Rejected, "credential_rejected", "The mail server refused the password or the sign-in; enter the right one, or sign in again.")
}
