// Package live sends an account's events to a client as they come, as
// server-sent events (WHATWG HTML, section 9.2).
package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/gate"
	"mailsyncd.example/crm/api/wire"
)

// pageSize is how many events are read from the store at a time.
const pageSize = 100

// Bell rings when an account has new events.
type Bell interface {
	// Listen returns a channel that holds a value when the account may have
	// new events, and a function that ends the listening.
	Listen(a crm.AccountID) (<-chan struct{}, func())
}

// Events are the facts of an account in order.
type Events interface {
	// ListEvents returns events with a greater Seq than after, at most limit.
	ListEvents(ctx context.Context, a crm.AccountID, after int64, limit int) ([]crm.Event, error)
}

// Source is where events come from. All fields but Closing must be set.
type Source struct {
	Events Events
	Bell   Bell
	// Again looks whether the client's token still stands.
	Again func(ctx context.Context, h gate.Holder) (gate.Holder, error)
	// Visible leaves out what the client may not see.
	Visible   func(crm.Caller, []crm.Event) []crm.Event
	Closing   <-chan struct{} // closed when the daemon begins to stop
	Heartbeat time.Duration
	Patience  time.Duration // how long a client may take to take an event
}

// Send sends what comes after an event until the client leaves, its token ends
// or the daemon stops. Every heartbeat reads the events as well, so that a ring
// that got lost between processes costs seconds and not the event.
func (s Source) Send(ctx context.Context, w http.ResponseWriter, h gate.Holder, after int64) error {
	st := &stream{Source: s, w: w, control: http.NewResponseController(w), holder: h, after: after}
	ring, leave := s.Bell.Listen(h.Account.ID)
	defer leave()
	beat := time.NewTicker(s.Heartbeat)
	defer beat.Stop()
	if err := st.send("retry: 3000\n\n"); err != nil {
		return err
	}
	for {
		if err := st.sendNews(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.Closing:
			return nil
		case <-ring:
		case <-beat.C:
			if over, err := st.beat(ctx); over || err != nil {
				return err
			}
		}
	}
}

// stream is one client that listens to its account's events.
type stream struct {
	Source
	w       http.ResponseWriter
	control *http.ResponseController
	holder  gate.Holder
	after   int64
}

// beat shows both ends that the other is there, and looks whether the token
// still stands.
func (st *stream) beat(ctx context.Context) (over bool, err error) {
	h, err := st.Again(ctx, st.holder)
	switch crm.KindOf(err) {
	case crm.Unauthenticated, crm.Forbidden:
		return true, nil
	}
	if err != nil {
		return false, err
	}
	st.holder = h
	return false, st.send(":\n\n")
}

// sendNews sends all that the store has, page by page, so that a client that
// was away for long costs no more memory than one that was here.
func (st *stream) sendNews(ctx context.Context) error {
	for {
		events, err := st.Events.ListEvents(ctx, st.holder.Account.ID, st.after, pageSize)
		if err != nil {
			return err
		}
		for _, e := range st.Visible(st.holder.Caller, events) {
			data, err := json.Marshal(wire.EventOf(e))
			if err != nil {
				return err
			}
			if err := st.send(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Type, data)); err != nil {
				return err
			}
		}
		if len(events) > 0 {
			st.after = events[len(events)-1].Seq
		}
		if len(events) < pageSize {
			return nil
		}
	}
}

// send writes to a client that has a while to take it.
func (st *stream) send(text string) error {
	_ = st.control.SetWriteDeadline(time.Now().Add(st.Patience))
	if _, err := st.w.Write([]byte(text)); err != nil {
		return err
	}
	return st.control.Flush()
}
