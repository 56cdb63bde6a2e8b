package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/gate"
	"mailsyncd.example/crm/api/web"
	"mailsyncd.example/crm/api/wire"
)

// streamPage is how many events are read from the store at a time.
const streamPage = 100

// streamEvents sends events as they come, as server-sent events (WHATWG HTML,
// section 9.2). A client that lost the connection goes on where it was.
func (s *server) streamEvents(_ context.Context, in *struct {
	After
	LastEventID string `header:"Last-Event-ID" maxLength:"32" doc:"Takes the place of after; browsers send it by themselves."`
}) (*huma.StreamResponse, error) {
	after := in.After.After
	if in.LastEventID != "" {
		seq, err := strconv.ParseInt(in.LastEventID, 10, 64)
		if err != nil || seq < 0 {
			return nil, crm.E(crm.Invalid, "cursor_invalid", "Last-Event-ID must be the seq of an event.")
		}
		after = seq
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		r, w := humago.Unwrap(hctx)
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no") // for proxies that would hold events back
		if r.Method == http.MethodHead {
			return // wants to see the header, and would never leave
		}
		st := &stream{s: s, w: w, control: http.NewResponseController(w), holder: gate.Of(hctx.Context()), after: after}
		if err := st.run(r.Context()); err != nil && r.Context().Err() == nil {
			s.Log.Warn("a stream of events broke off", zap.String("request_id", web.VisitOf(r.Context()).ID), zap.Error(err))
		}
	}}, nil
}

// stream is one client that listens to its account's events.
type stream struct {
	s       *server
	w       http.ResponseWriter
	control *http.ResponseController
	holder  gate.Holder
	after   int64
}

// run sends until the client leaves, its token ends or the daemon stops. Every
// heartbeat reads the events as well, so that a ring that got lost between
// processes costs seconds and not the event.
func (st *stream) run(ctx context.Context) error {
	ring, leave := st.s.Bell.Listen(st.holder.Account.ID)
	defer leave()
	beat := time.NewTicker(st.s.heartbeat)
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
		case <-st.s.Closing:
			return nil
		case <-ring:
		case <-beat.C:
			if over, err := st.beat(ctx); over || err != nil {
				return err
			}
		}
	}
}

// beat shows both ends that the other is there, and looks whether the token
// still stands.
func (st *stream) beat(ctx context.Context) (over bool, err error) {
	h, err := st.s.gate.Again(ctx, st.holder)
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
		events, err := st.s.Store.ListEvents(ctx, st.holder.Account.ID, st.after, streamPage)
		if err != nil {
			return err
		}
		for _, e := range visibleEvents(st.holder.Caller, events) {
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
		if len(events) < streamPage {
			return nil
		}
	}
}

// send writes to a client that has a while to take it.
func (st *stream) send(text string) error {
	_ = st.control.SetWriteDeadline(time.Now().Add(writeLimit))
	if _, err := st.w.Write([]byte(text)); err != nil {
		return err
	}
	return st.control.Flush()
}
