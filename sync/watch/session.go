package watch

import (
	"context"
	"sync"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/folder"
	"mailsyncd.example/sync/intake"
)

// backlogUIDs is from how many new UIDs on a folder is worked off by a second
// connection, so that news of the inbox need not wait behind it.
const backlogUIDs = 1000

// lateBy is how long the server may have had a message without announcing it
// before that counts as missed.
const lateBy = time.Minute

// idleAtMost is how long one IDLE may stand, however long it is to the next
// look: servers end one of half an hour (RFC 2177 section 3), and routers forget
// connections long before.
const idleAtMost = 5 * time.Minute

// settleEvery is how often the database is asked what is in trouble, where
// nothing is: no try is put off for longer.
const settleEvery = 24 * time.Hour

// session is one connection's stay at a mailbox. One goroutine owns it.
type session struct {
	k       *keeper
	mailbox crm.Mailbox
	login   crm.Login
	box     Box // set once it is open

	folders   map[string]crm.Folder // by name, as stored
	order     []string              // the names as the server listed them last
	selected  string
	refused   map[string]string // why a folder can't be opened, by name
	balanceAt time.Time
	settleAt  time.Time // when something in trouble may be due
	synced    bool      // a complete look was reported in this session

	helpers sync.WaitGroup
	busy    map[string]bool // folders that a second connection works at
	off     chan offloaded  // what came of it
	alone   bool            // a second connection was tried and failed
}

// offloaded is what a second connection has come to.
type offloaded struct {
	name   string
	folder crm.Folder
	err    error
}

func newSession(k *keeper, s crm.Standing) *session {
	return &session{
		k: k, mailbox: s.Mailbox, login: s.Logins[0],
		busy: map[string]bool{}, off: make(chan offloaded, 1), refused: map[string]string{},
		balanceAt: nextAt(string(s.Mailbox.ID), 24*time.Hour, k.w.o.Now()),
	}
}

// stand looks at every folder, waits for news until the next look is due, and
// so on, until ctx ends or the connection does.
func (s *session) stand(ctx context.Context) error {
	for {
		if _, err := s.k.fence(); err != nil {
			return err
		}
		asked := s.k.take()
		err := s.lookAll(ctx, asked)
		for _, r := range asked {
			r.answer <- err
		}
		if err != nil {
			return err
		}
		if err := s.wait(ctx, nextAt(string(s.mailbox.ID), s.k.w.o.Interval, s.k.w.o.Now())); err != nil {
			return err
		}
	}
}

// lookAll looks at every folder, balances where that is due or asked for, and
// reports how it went.
func (s *session) lookAll(ctx context.Context, asked []request) error {
	w := s.k.w
	at := w.o.Now()
	missed, err := s.look(ctx, at)
	if err != nil {
		return err
	}
	balance := !at.Before(s.balanceAt)
	for _, r := range asked {
		balance = balance || r.balance
	}
	if balance {
		if err := s.balance(ctx); err != nil {
			return err
		}
		s.balanceAt = nextAt(string(s.mailbox.ID), 24*time.Hour, w.o.Now())
	}
	w.o.Metrics.Looks.WithLabelValues("ok").Inc()
	w.o.Metrics.LookSeconds.Observe(w.o.Now().Sub(at).Seconds())
	w.o.Metrics.Missed.Add(float64(missed))
	looked := crm.Looked{
		Account: s.mailbox.Account, Mailbox: s.mailbox.ID, At: at,
		Status: crm.LinkLive, Mode: crm.ModePoll, Synced: len(s.busy) == 0, Missed: missed, Err: s.trouble(),
	}
	if s.box.Idles() {
		looked.Mode = crm.ModeIdle
	}
	if !looked.Synced {
		looked.Status = crm.LinkSyncing
	}
	w.looks.add(looked, !s.synced)
	if len(asked) > 0 {
		w.looks.flush(ctx) // who asked wants to see it done
	}
	s.synced = s.synced || looked.Synced
	return nil
}

// look brings every folder up to date. missed counts messages that IDLE should
// have announced long ago.
func (s *session) look(ctx context.Context, at time.Time) (missed int, err error) {
	s.gather()
	listed, err := s.box.Folders(ctx)
	if err != nil {
		return 0, err
	}
	watched, _ := folder.Sort(listed, s.box.Gmail())
	if err := s.adopt(ctx, watched); err != nil {
		return 0, err
	}
	standing := s.selected != "" && s.selected == s.standAt()
	for _, l := range watched {
		f := s.folders[l.Name]
		if s.busy[l.Name] || (l.Anchored && l.Position <= f.Position) {
			continue // nothing new; where the server did not say, it has to be opened
		}
		if s.offload(ctx, f, l.Position) {
			continue
		}
		done, err := s.read(ctx, l.Name)
		if err != nil {
			return missed, err
		}
		if standing && l.Name == s.standAt() && s.box.Idles() && done.Oldest.Before(at.Add(-lateBy)) {
			missed += done.Envelopes
		}
	}
	return missed, s.settle(ctx)
}

// adopt makes the stored folders those that the server lists, if they differ.
func (s *session) adopt(ctx context.Context, listed []crm.Folder) error {
	same := s.folders != nil && len(listed) == len(s.folders)
	for _, l := range listed {
		f, ok := s.folders[l.Name]
		same = same && ok && (l.UIDValidity == 0 || l.UIDValidity == f.UIDValidity)
	}
	if same {
		return nil
	}
	fence, err := s.k.fence()
	if err != nil {
		return err
	}
	stored, err := s.k.w.o.Store.SyncFolders(ctx, s.mailbox.Account, s.mailbox.ID, listed, fence, s.k.w.o.Now())
	if err != nil {
		return err
	}
	s.settleAt = time.Time{} // one that is back may have been in trouble
	s.folders = make(map[string]crm.Folder, len(stored))
	for _, f := range stored {
		s.folders[f.Name] = f
	}
	s.order = s.order[:0]
	for _, l := range listed {
		if _, ok := s.folders[l.Name]; ok {
			s.order = append(s.order, l.Name)
		}
	}
	return nil
}

// standAt is the folder in which news is waited for: Gmail's All Mail, else
// the inbox; "" where there is neither.
func (s *session) standAt() string {
	inbox := ""
	for name, f := range s.folders {
		if f.Role == crm.RoleAll && s.box.Gmail() {
			return name
		}
		if f.Role == crm.RoleInbox {
			inbox = name
		}
	}
	return inbox
}

// read selects a folder and reads what is new in it.
func (s *session) read(ctx context.Context, name string) (intake.Progress, error) {
	sel, err := s.examine(ctx, name)
	if closed(err) {
		return intake.Progress{}, nil
	}
	if err != nil {
		return intake.Progress{}, err
	}
	f := s.folders[name]
	if sel.UIDNext == 0 || sel.UIDNext-1 <= f.Position {
		return intake.Progress{Folder: f}, nil
	}
	return s.advance(ctx, f, sel.UIDNext-1)
}

// closed tells whether a folder can't be opened while the box is good. One
// that is gone is not listed at the next look; one that is refused shows in the
// mailbox's health, and stands in no other folder's way.
func closed(err error) bool {
	return crm.KindOf(err) == crm.NotFound || crm.CodeOf(err) == "folder_refused"
}

// trouble says which of the folders that are listed can't be opened, and why.
func (s *session) trouble() string {
	for _, name := range s.order {
		if why := s.refused[name]; why != "" {
			return name + ": " + why
		}
	}
	return ""
}

// examine selects a folder. Its UIDVALIDITY may have changed since it was
// listed, or the listing may not have told it.
func (s *session) examine(ctx context.Context, name string) (crm.Selected, error) {
	s.selected = ""
	sel, err := s.box.Examine(ctx, name)
	if err != nil {
		s.refused[name] = words(err)
		return sel, err
	}
	delete(s.refused, name)
	s.selected = name
	if f := s.folders[name]; f.UIDValidity != sel.UIDValidity {
		listed := make([]crm.Folder, 0, len(s.order))
		for _, n := range s.order {
			f := s.folders[n]
			if n == name {
				f.UIDValidity = sel.UIDValidity
			}
			listed = append(listed, f)
		}
		return sel, s.adopt(ctx, listed)
	}
	return sel, nil
}

// advance reads the selected folder through to a UID, or what has been
// announced where that is 0.
func (s *session) advance(ctx context.Context, f crm.Folder, through crm.UID) (intake.Progress, error) {
	stretch := s.stretch(s.box, f)
	stretch.Through, stretch.Care = through, s.k.care[f.ID].times
	done, err := s.k.w.o.Journey.Advance(ctx, stretch)
	s.folders[f.Name] = done.Folder
	if done.Problems > 0 {
		s.settleAt = time.Time{}
	}
	s.k.w.o.Metrics.Envelopes.Add(float64(done.Envelopes))
	s.k.stumbled(ctx, done.Folder, err)
	return done, err
}

func (s *session) stretch(b Box, f crm.Folder) intake.Stretch {
	return intake.Stretch{Box: b, Folder: f, Since: s.mailbox.Since, Reports: s.k.reportsSince, Fence: s.k.fence}
}

// stumbled keeps count of connections that broke while a folder was read.
func (k *keeper) stumbled(ctx context.Context, f crm.Folder, err error) {
	if ctx.Err() != nil {
		return
	}
	if crm.KindOf(err) != crm.Unreachable {
		delete(k.care, f.ID)
		return
	}
	at := k.care[f.ID]
	if at.position == f.Position {
		at.times++
	} else {
		at = stumble{position: f.Position, times: max(1, at.times)}
	}
	k.care[f.ID] = at
}

// settle tries again what was in trouble and is due. The database is asked
// when something can have become due: nobody else adds to it.
func (s *session) settle(ctx context.Context) error {
	now := s.k.w.o.Now()
	if now.Before(s.settleAt) {
		return nil
	}
	soon, err := s.k.w.o.Store.DueProblems(ctx, s.mailbox.Account, s.mailbox.ID, now.Add(settleEvery))
	if err != nil {
		return err
	}
	s.settleAt = now.Add(settleEvery)
	byFolder := map[crm.FolderID][]crm.Problem{}
	for _, p := range soon {
		if p.RetryAt.After(now) {
			s.settleBy(p.RetryAt)
			continue
		}
		byFolder[p.Folder] = append(byFolder[p.Folder], p)
		s.settleBy(now) // and asked again, whatever comes of it
	}
	if len(byFolder) == 0 {
		return nil
	}
	return s.each(ctx, func(stretch intake.Stretch) error {
		return s.k.w.o.Journey.Settle(ctx, stretch, byFolder[stretch.Folder.ID])
	}, func(f crm.Folder) bool { return byFolder[f.ID] != nil })
}

// settleBy makes sure that the database is asked by then what is in trouble.
func (s *session) settleBy(at time.Time) {
	if at.Before(s.settleAt) {
		s.settleAt = at
	}
}

// balance compares every folder's ledger with the server.
func (s *session) balance(ctx context.Context) error {
	s.settleAt = time.Time{} // it may meet trouble
	return s.each(ctx, func(stretch intake.Stretch) error {
		unexplained, err := s.k.w.o.Journey.Balance(ctx, stretch)
		s.k.w.o.Metrics.Unexplained.Add(float64(unexplained))
		return err
	}, func(crm.Folder) bool { return true })
}

// each selects the folders that are wanted, one after the other, and works at
// each.
func (s *session) each(ctx context.Context, work func(intake.Stretch) error, wanted func(crm.Folder) bool) error {
	for _, name := range s.order {
		if !wanted(s.folders[name]) || s.busy[name] {
			continue
		}
		if s.selected != name {
			if _, err := s.examine(ctx, name); closed(err) {
				continue
			} else if err != nil {
				return err
			}
		}
		if err := work(s.stretch(s.box, s.folders[name])); err != nil {
			return err
		}
	}
	return nil
}

// wait waits for news of the inbox until the next look is due or asked for.
// Here a keeper spends its life, and its stack is as deep as this: with what
// enter and heed need on theirs, a size larger, 8 KB more for each mailbox.
func (s *session) wait(ctx context.Context, until time.Time) error {
	name := s.standAt()
	if !s.box.Idles() || name == "" || s.busy[name] {
		s.k.rest(ctx, until.Sub(s.k.w.o.Now()))
		return ctx.Err()
	}
	if s.selected != name {
		// What came between the look and the selection is announced to nobody.
		if err := s.enter(ctx, name); err != nil {
			return err
		}
		if s.selected != name { // it can't be opened
			s.k.rest(ctx, until.Sub(s.k.w.o.Now()))
			return ctx.Err()
		}
	}
	for {
		left := until.Sub(s.k.w.o.Now())
		if left <= 0 {
			return nil
		}
		waiting, done := s.k.waiting(ctx)
		news, err := s.box.Wait(ctx, min(left, idleAtMost), waiting.Done())
		poked := waiting.Err() != nil
		done()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		if news {
			if err := s.heed(ctx, name); err != nil {
				return err
			}
		}
		if poked {
			return nil
		}
	}
}

// enter selects a folder to wait in, and reads what is new in it.
//
//go:noinline
func (s *session) enter(ctx context.Context, name string) error {
	_, err := s.read(ctx, name)
	return err
}

// heed reads what has been announced in the selected folder.
//
//go:noinline
func (s *session) heed(ctx context.Context, name string) error {
	_, err := s.advance(ctx, s.folders[name], 0)
	return err
}
