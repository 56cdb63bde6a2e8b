package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/gate"
	"mailsyncd.example/crm/api/live"
	"mailsyncd.example/crm/api/web"
)

// streamEvents sends events as they come. A client that lost the connection
// goes on where it was.
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
	source := live.Source{
		Events: s.Store, Bell: s.Bell, Again: s.gate.Again, Visible: visibleEvents,
		Closing: s.Closing, Heartbeat: s.heartbeat, Patience: writeLimit,
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		r, w := humago.Unwrap(hctx)
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no") // for proxies that would hold events back
		if r.Method == http.MethodHead {
			return // wants to see the header, and would never leave
		}
		if err := source.Send(r.Context(), w, gate.Of(hctx.Context()), after); err != nil && r.Context().Err() == nil {
			s.Log.Warn("a stream of events broke off", zap.String("request_id", web.VisitOf(r.Context()).ID), zap.Error(err))
		}
	}}, nil
}
