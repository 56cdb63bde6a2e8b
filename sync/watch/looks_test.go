package watch

import (
	"context"
	"testing"
	"testing/synctest"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

// slowStore takes looks when it is let.
type slowStore struct {
	Store
	let   chan struct{}
	saved []crm.Looked
}

// SaveLooks implements Store.
func (s *slowStore) SaveLooks(_ context.Context, looks []crm.Looked) error {
	<-s.let
	s.saved = append(s.saved, looks...)
	return nil
}

// Who asked for a look may rely on its result, also where another one is
// writing it at that moment.
func TestFlushWaitsForWhoIsWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{let: make(chan struct{})}
		l := newLooks(store, alone{}, zap.NewNop())
		l.add(crm.Looked{Mailbox: "mbx_1"}, true)
		go l.flush(t.Context())
		synctest.Wait() // it has taken the look, and waits for the store
		returned := make(chan struct{})
		go func() {
			l.flush(t.Context())
			close(returned)
		}()
		gone, leave := context.WithCancel(t.Context())
		leave()
		l.flush(gone) // who does not wait any more is not held up
		synctest.Wait()
		select {
		case <-returned:
			t.Error("it returned before the look was saved")
		default:
		}
		store.let <- struct{}{}
		<-returned
		if len(store.saved) != 1 {
			t.Errorf("saved %+v", store.saved)
		}
	})
}
