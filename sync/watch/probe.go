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
	step := func(name string, run func() (string, error)) error {
		began := w.o.Now()
		detail, err := run()
		if err != nil {
			detail = words(asError(err))
		}
		p.Steps = append(p.Steps, crm.Step{Name: name, OK: err == nil, Detail: detail, Took: w.o.Now().Sub(began).Round(time.Millisecond)})
		return err
	}
	err = step("folders", func() (string, error) {
		listed, err := box.Folders(ctx)
		p.Folders, _ = folder.Sort(listed, box.Gmail())
		return fmt.Sprintf("%d folders, %d watched", len(listed), len(p.Folders)), err
	})
	if err != nil {
		p.Err = asError(err)
		return p
	}
	// What is missing from here on makes a link worse, but not impossible.
	_ = step("sent", func() (string, error) { return sentFolder(p.Folders) })
	_ = step("idle", func() (string, error) { return w.tryIdle(ctx, box, p.Folders) })
	return p
}

// sentFolder finds where the mailbox keeps what was sent.
func sentFolder(watched []crm.Folder) (string, error) {
	for _, f := range watched {
		if f.Role == crm.RoleSent {
			return "Sent mail is in " + f.Name + ".", nil
		}
		if f.Role == crm.RoleAll && len(watched) == 1 {
			return "Sent mail is in " + f.Name + ", as all mail is.", nil
		}
	}
	return "", crm.E(crm.NotFound, "folder_gone", "No folder for sent mail was found. All folders are watched, so sent mail is found wherever "+
		"the mail program keeps it on the server; if it keeps it on the computer only, change that in its settings.")
}

// tryIdle waits for news for a moment, to see whether the server can.
func (w *Watcher) tryIdle(ctx context.Context, box Box, watched []crm.Folder) (string, error) {
	silent := fmt.Sprintf("The server does not announce new mail (IDLE); there is nothing to do: it is looked for every %s instead.", w.o.Interval)
	if !box.Idles() || len(watched) == 0 {
		return "", crm.E(crm.Unavailable, "server_refused", silent)
	}
	if _, err := box.Examine(ctx, watched[0].Name); err != nil {
		return "", err
	}
	if _, err := box.Wait(ctx, 0, nil); crm.CodeOf(err) == "server_refused" {
		return "", crm.Wrap(crm.Unavailable, "server_refused", silent+" "+words(err), err)
	} else if err != nil {
		return "", err
	}
	return "The server announces new mail at once.", nil
}

// asError makes sure that the caller gets a code and a sentence.
func asError(err error) error {
	if _, says := errors.AsType[*crm.Error](err); !says && errors.Is(err, context.DeadlineExceeded) {
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
		return nil, crm.E(crm.Rejected, "credential_rejected", "The mail server refused the password or the sign-in; enter the right one, or sign in again.")
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
	reports := func(context.Context) (time.Time, error) { return standing.ReportsSince, nil }
	all := []crm.Explanation{}
	for i, f := range append(watched, left...) {
		known, here := byName[f.Name]
		if here {
			f = known
		} else {
			f = crm.Folder{Account: a, Name: f.Name} // nobody knows what it held at the link
		}
		found, err := w.explainIn(ctx, box, intake.Stretch{Box: box, Folder: f, Since: standing.Mailbox.Since, Reports: reports}, i < len(watched) && here, id)
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
