package api

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// listUsage pages through months, of which there are so few that the store
// hands over all of them.
func (s *server) listUsage(ctx context.Context, in *pageInput) (*page[wire.Usage], error) {
	months, err := s.Store.Usage(ctx, account(ctx))
	if err != nil {
		return nil, err
	}
	list := wire.List[wire.Usage]{Items: []wire.Usage{}}
	passed := in.Cursor == ""
	for _, m := range months {
		switch {
		case !passed:
			passed = m.Month == in.Cursor
		case len(list.Items) == in.Limit:
			list.Next = list.Items[in.Limit-1].Month
			return &page[wire.Usage]{list}, nil
		default:
			list.Items = append(list.Items, wire.Usage(m))
		}
	}
	if !passed {
		return nil, crm.E(crm.Invalid, "cursor_invalid", "This is no cursor of a page of usage; begin again without one.")
	}
	return &page[wire.Usage]{list}, nil
}
