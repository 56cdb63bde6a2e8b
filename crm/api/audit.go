package api

import (
	"context"

	"mailsyncd.example/crm/api/wire"
)

// listAudit shows who linked, unlinked, changed presets, roles, keys or
// webhooks, or deleted a message.
func (s *server) listAudit(ctx context.Context, in *pageInput) (*page[wire.AuditEntry], error) {
	part, err := s.Store.ListAudit(ctx, account(ctx), in.paging())
	if err != nil {
		return nil, err
	}
	return mapped(part, wire.AuditEntryOf), nil
}
