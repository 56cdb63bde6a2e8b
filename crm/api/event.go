package api

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/access"
	"mailsyncd.example/crm/api/wire"
)

// After says up to where the reader knows the events.
type After struct {
	After int64 `query:"after" minimum:"0" doc:"The seq of the last event that is known."`
}

// listEvents lets a reader go on from the last event that it has dealt with: at
// least once is all that is promised, and all that is needed with that.
func (s *server) listEvents(ctx context.Context, in *struct {
	After
	Paging // its cursor takes the place of after
}) (*page[wire.Event], error) {
	after := in.After.After
	if in.Cursor != "" {
		seq, err := strconv.ParseInt(in.Cursor, 10, 64)
		if err != nil || seq < 0 {
			return nil, crm.E(crm.Invalid, "cursor_invalid", "This is no cursor of a page of events; begin again without one.")
		}
		after = seq
	}
	limit := in.paging().Limit
	events, err := s.Store.ListEvents(ctx, account(ctx), after, limit)
	if err != nil {
		return nil, err
	}
	list := wire.List[wire.Event]{Items: wire.Each(visibleEvents(caller(ctx), events), wire.EventOf)}
	if len(events) == limit {
		list.Next = strconv.FormatInt(events[len(events)-1].Seq, 10)
	}
	return &page[wire.Event]{list}, nil
}

// visibleEvents leaves out what the caller may not see: of links, other
// people's; of webhooks, all. What a page lacks for that is not made up for.
func visibleEvents(c crm.Caller, events []crm.Event) []crm.Event {
	if access.May(c, access.SeeAllLinks) {
		return events
	}
	visible := make([]crm.Event, 0, len(events))
	for _, e := range events {
		switch noun, _, _ := strings.Cut(string(e.Type), "."); {
		case noun == "webhook", noun == "link" && !isAbout(e, c.User.ID):
		default:
			visible = append(visible, e)
		}
	}
	return visible
}

// isAbout reads whose link an event is about out of its data.
func isAbout(e crm.Event, user crm.UserID) bool {
	var about struct {
		UserID crm.UserID `json:"user_id"`
	}
	return json.Unmarshal(e.Data, &about) == nil && about.UserID == user
}
