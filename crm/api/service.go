package api

import (
	"context"
	"errors"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// alive answers for as long as the process does.
func (s *server) alive(context.Context, *none) (*reply[wire.Health], error) {
	return &reply[wire.Health]{wire.Health{Status: "ok", Version: s.Version}}, nil
}

// ready tells a load balancer whether requests can be served. Who asks has no
// token, so the answer gives the sentence for people and no cause.
func (s *server) ready(ctx context.Context, _ *none) (*reply[wire.Health], error) {
	err := s.Ready(ctx)
	if err == nil {
		return s.alive(ctx, nil)
	}
	if e, ok := errors.AsType[*crm.Error](err); ok {
		return nil, crm.Wrap(crm.Unavailable, "not_ready", e.Detail, err)
	}
	return nil, crm.Wrap(crm.Unavailable, "not_ready", "mailsyncd can't serve requests at the moment; its log says why.", err)
}

// metrics hands over to Prometheus' own handler.
func (s *server) metrics(context.Context, *none) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		s.Metrics.ServeHTTP(w, r)
	}}, nil
}

// openapi is this API's own description, made when it was put together.
func (s *server) openapi(context.Context, *none) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", "application/json")
		_, _ = ctx.BodyWriter().Write(s.document)
	}}, nil
}
