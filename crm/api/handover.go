package api

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// handover is the sheet for whoever takes over a user's customers. It can be
// asked for at any time, and stays when the user is disabled or deleted: the
// mail does, too.
func (s *server) handover(ctx context.Context, in *struct {
	UserPath
	StalePolicy
	Limit int `query:"limit" minimum:"1" default:"50" doc:"How many threads, contacts and enrollments at most; more than 200 count as 200."`
}) (*reply[wire.Handover], error) {
	staleAfter, err := in.staleAfter()
	if err != nil {
		return nil, err
	}
	limit := min(in.Limit, longestPage)
	h, err := s.Store.Handover(ctx, account(ctx), in.user(), limit)
	if err != nil {
		return nil, err
	}
	if h.User, err = s.Store.User(ctx, account(ctx), in.user()); err != nil && (crm.KindOf(err) != crm.NotFound || len(h.Mailboxes) == 0) {
		return nil, err // one who was deleted left mailboxes behind
	}
	h.User.ID = in.user()
	enrollments, err := s.Store.ListEnrollments(ctx, account(ctx), crm.EnrollmentQuery{
		User: in.user(), Status: crm.EnrollmentActive, Paging: crm.Paging{Limit: limit},
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.withHolds(ctx, staleAfter, enrollments.Items...)
	if err != nil {
		return nil, err
	}
	return &reply[wire.Handover]{wire.HandoverOf(h, shown)}, nil
}
