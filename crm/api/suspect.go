package api

import (
	"context"

	"mailsyncd.example/crm/api/wire"
	"mailsyncd.example/crm/review"
)

// listSuspects points out contacts that may be the company's own people.
func (s *server) listSuspects(ctx context.Context, in *pageInput) (*page[wire.Suspect], error) {
	found, err := review.Suspects(ctx, s.Store, account(ctx), in.paging())
	if err != nil {
		return nil, err
	}
	return mapped(found, wire.SuspectOf), nil
}
