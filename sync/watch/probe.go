package watch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/folder"
	"mailsyncd.example/sync/intake"
)

// Probe tests server settings step by step. With a failed step Probe.Err says
// what to do.
func (w *Watcher) Probe(ctx context.Context, l crm.Login) crm.Probe {
	var p crm.Probe
	box, release, err := w.connect(ctx, l, func(s crm.Step) { p.Steps = append(p.Steps, s) })
	if err != nil {
		p.Err = asError(err)
		if n := len(p.Steps); n == 0 || p.Steps[n-1].OK {
			p.Steps = append(p.Steps, crm.Step{Name: "greeting", Detail: words(p.Err)})
		}
		return p
	}
	defer release()
	p.At = w.o.Now()
	step := crm.Step{Name: "folders"}
	listed, err := box.Folders(ctx)
	if err != nil {
		p.Err, step.Detail = asError(err), words(err)
	} else {
		p.Folders, _ = folder.Sort(listed, box.Gmail())
		step.OK, step.Detail = true, describe(len(listed), p.Folders)
	}
	step.Took = w.o.Now().Sub(p.At).Round(time.Millisecond)
	p.Steps = append(p.Steps, step)
	return p
}

func describe(listed int, watched []crm.Folder) string {
	sent := "no folder for sent mail found"
	for _, f := range watched {
		if f.Role == crm.RoleSent {
			sent = "sent mail is in " + f.Name
		}
	}
	return fmt.Sprintf("%d folders, %d watched; %s", listed, len(watched), sent)
}

// asError makes sure that the caller gets a code and a sentence.
func asError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return crm.Wrap(crm.Unreachable, "connect_timeout", "The mail server did not answer in time; check host and port.", err)
	}
	return err
}

// Explain finds the copies of a message in a mailbox, over a connection of its
// own, and says what became of each.
func (w *Watcher) Explain(ctx context.Context, a crm.AccountID, m crm.MailboxID, id crm.HeaderID) ([]crm.Explanation, error) {
	standing, err := w.o.Store.Standing(ctx, a, m)
	if err != nil {
		return nil, err
	}
	if len(standing.Logins) == 0 {
		return nil, crm.E(crm.Rejected, "credential_rejected", "The mail server refused the password; enter the right one.")
	}
	box, release, err := w.connect(ctx, standing.Logins[0], nil)
	if err != nil {
		return nil, asError(err)
	}
	defer release()
	stored, err := w.o.Store.Folders(ctx, a, m)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]crm.Folder, len(stored))
	for _, f := range stored {
		byName[f.Name] = f
	}
	listed, err := box.Folders(ctx)
	if err != nil {
		return nil, err
	}
	watched, left := folder.Sort(listed, box.Gmail())
	all := []crm.Explanation{}
	for i, f := range append(watched, left...) {
		known, here := byName[f.Name]
		if here {
			f = known
		} else {
			f = crm.Folder{Account: a, Name: f.Name} // nobody knows what it held at the link
		}
		found, err := w.explainIn(ctx, box, intake.Stretch{Box: box, Folder: f, Since: standing.Mailbox.Since}, i < len(watched) && here, id)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (w *Watcher) explainIn(ctx context.Context, box Box, s intake.Stretch, watched bool, id crm.HeaderID) ([]crm.Explanation, error) {
	if _, err := box.Examine(ctx, s.Folder.Name); closed(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	found, err := box.Search(ctx, id)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return w.o.Journey.Explain(ctx, s, watched, id, found)
}
