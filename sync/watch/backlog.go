package watch

import (
	"context"
	"time"

	"mailsyncd.example/crm"
)

// offload gives a folder with much to read to a second connection, so that the
// first can wait for news of the inbox. It reports false where the folder is
// better read here and now.
func (s *session) offload(ctx context.Context, f crm.Folder, through crm.UID) bool {
	if s.alone || !s.box.Idles() || f.Name == s.standAt() || through < f.Position+backlogUIDs || len(s.busy) > 0 {
		return false
	}
	s.busy[f.Name] = true
	s.helpers.Go(func() {
		done, err := s.workOff(ctx, f)
		s.off <- offloaded{name: f.Name, folder: done, err: err}
		s.k.poke()
	})
	return true
}

// workOff reads a folder over a connection of its own.
func (s *session) workOff(ctx context.Context, f crm.Folder) (crm.Folder, error) {
	box, release, err := s.k.w.connect(ctx, s.login, nil)
	if err != nil {
		return f, err
	}
	defer release()
	sel, err := box.Examine(ctx, f.Name)
	if err != nil || sel.UIDValidity != f.UIDValidity || sel.UIDNext == 0 {
		return f, err
	}
	stretch := s.stretch(box, f)
	stretch.Through = sel.UIDNext - 1
	done, err := s.k.w.o.Journey.Advance(ctx, stretch)
	s.k.w.o.Metrics.Envelopes.Add(float64(done.Envelopes))
	return done.Folder, err
}

// gather takes over what the second connection has come to. Where it failed,
// the folder is read by the first.
func (s *session) gather() {
	select {
	case o := <-s.off:
		delete(s.busy, o.name)
		s.folders[o.name] = o.folder
		s.alone = o.err != nil
		s.settleAt = time.Time{} // it may have met trouble
		s.k.stumbled(s.k.ctx, o.folder, o.err)
	default:
	}
}
