package main

import (
	"context"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/folder"
	"mailsyncd.example/sync/intake"
	"mailsyncd.example/sync/watch"
)

// perAccount is how many idle mailboxes share an account.
const perAccount = 50

// scanOurs takes an inbox on the whole journey into the store: envelopes,
// judgement, bodies of what matches, and the ledger.
func (j job) scanOurs(ctx context.Context) (reading, error) {
	r, err := openRig(ctx, j)
	if err != nil {
		return reading{}, err
	}
	found, err := r.advance(ctx, j.Users[0])
	if err == nil {
		err = j.writeHeap()
	}
	if closeErr := r.close(); err == nil {
		err = closeErr
	}
	return found, err
}

func (r *rig) advance(ctx context.Context, user string) (reading, error) {
	a, err := r.account(ctx, 1)
	if err != nil {
		return reading{}, err
	}
	l, err := r.link(ctx, a, user)
	if err != nil {
		return reading{}, err
	}
	b, err := r.connect(ctx, crm.Login{Server: l.Server, Username: l.Username, Auth: l.Auth, Secret: password}, nil)
	if err != nil {
		return reading{}, err
	}
	defer b.Close()
	stretch, err := r.inbox(ctx, l, b)
	if err != nil {
		return reading{}, err
	}
	s := begin()
	if _, err := r.journey.Advance(ctx, stretch); err != nil {
		return reading{}, err
	}
	found, err := s.end()
	if err != nil {
		return found, err
	}
	h, err := r.store.Health(ctx, a, l.Mailbox)
	found.Imported, found.Refused = int(h.Imported), h.Receipt.RefusedBodies
	return found, err
}

// inbox opens the inbox as a stretch of which nothing was read so far.
func (r *rig) inbox(ctx context.Context, l crm.Link, b watch.Box) (intake.Stretch, error) {
	listed, err := b.Folders(ctx)
	if err != nil {
		return intake.Stretch{}, err
	}
	watched, _ := folder.Sort(listed, false)
	stored, err := r.store.SyncFolders(ctx, l.Account, l.Mailbox, watched, 0, time.Now())
	if err != nil {
		return intake.Stretch{}, err
	}
	selected, err := b.Examine(ctx, "INBOX")
	s := intake.Stretch{Box: b, Since: l.LinkedAt, Through: selected.UIDNext - 1}
	for _, f := range stored {
		if f.Role == crm.RoleInbox {
			s.Folder = f
		}
	}
	return s, err
}

// lookOurs asks what has changed, and decides what is watched.
func (j job) lookOurs(ctx context.Context) (reading, error) {
	r, err := openRig(ctx, j)
	if err != nil {
		return reading{}, err
	}
	defer r.close()
	b, err := r.connect(ctx, crm.Login{Server: r.server, Username: j.Users[0], Auth: crm.AuthPassword, Secret: password}, nil)
	if err != nil {
		return reading{}, err
	}
	defer b.Close()
	s := begin()
	for range j.Count {
		listed, err := b.Folders(ctx)
		if err != nil {
			return reading{}, err
		}
		folder.Sort(listed, b.Gmail())
	}
	return s.end()
}

// idleOurs lets the watcher stand at every mailbox.
func (j job) idleOurs(ctx context.Context) (reading, error) {
	r, err := openRig(ctx, j)
	if err != nil {
		return reading{}, err
	}
	defer r.close()
	r.run(ctx)
	accounts := make([]crm.AccountID, (len(j.Users)+perAccount-1)/perAccount)
	for i := range accounts {
		if accounts[i], err = r.account(ctx, i); err != nil {
			return reading{}, err
		}
	}
	stand := func(from, to int) (int64, error) {
		for i, user := range j.Users[from:to] {
			if _, err := r.link(ctx, accounts[(from+i)/perAccount], user); err != nil {
				return 0, err
			}
		}
		if err := r.looks.await(ctx, to); err != nil {
			return 0, err
		}
		return settled()
	}
	before, err := stand(0, 1)
	if err != nil {
		return reading{}, err
	}
	after, err := stand(1, len(j.Users))
	if err == nil {
		err = j.writeHeap()
	}
	if err != nil {
		return reading{}, err
	}
	s := begin()
	select {
	case <-time.After(j.Watch):
	case <-ctx.Done():
	}
	return s.endIdle(before, after)
}

// firstOurs links mailboxes, one after the other, and waits until each was
// read to the end.
func (j job) firstOurs(ctx context.Context) (reading, error) {
	r, err := openRig(ctx, j)
	if err != nil {
		return reading{}, err
	}
	defer r.close()
	r.run(ctx)
	a, err := r.account(ctx, 1)
	if err != nil {
		return reading{}, err
	}
	s := begin()
	for i, user := range j.Users {
		if _, err := r.link(ctx, a, user); err != nil {
			return reading{}, err
		}
		if err := r.looks.await(ctx, i+1); err != nil {
			return reading{}, err
		}
	}
	found, err := s.end()
	if err != nil {
		return found, err
	}
	all, err := r.store.ListHealth(ctx, a, crm.Paging{Limit: len(j.Users)})
	for _, h := range all.Items {
		found.Imported += int(h.Imported)
		found.Refused += h.Receipt.RefusedBodies
	}
	return found, err
}

// announceOurs stands at the users' mailboxes, an account each, and hears of
// imported messages as anybody who listens to the daemon's events.
func announceOurs(ctx context.Context, j job, heard func(user string, messages int)) (stop func() error, err error) {
	r, err := openRig(ctx, j)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	stop = func() error { cancel(); return r.close() }
	r.run(ctx)
	for i, user := range j.Users {
		a, err := r.account(ctx, i)
		if err == nil {
			go r.imports(ctx, a, func(messages int) { heard(user, messages) })
			_, err = r.link(ctx, a, user)
		}
		if err != nil {
			_ = stop()
			return nil, err
		}
	}
	if err := r.looks.await(ctx, len(j.Users)); err != nil {
		_ = stop()
		return nil, err
	}
	return stop, nil
}
