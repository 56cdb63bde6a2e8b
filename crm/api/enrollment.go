package api

import (
	"context"
	"slices"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// EnrollmentPath names an enrollment of the account.
type EnrollmentPath struct {
	ID wire.ForeignID `path:"id" doc:"The CRM's id of the enrollment."`
}

func (p EnrollmentPath) enrollment() crm.EnrollmentID { return crm.EnrollmentID(p.ID) }

// StalePolicy says which mailboxes count as stale.
type StalePolicy struct {
	StaleAfter wire.Span `query:"stale_after" default:"15m" doc:"A mailbox that was not read for so long may hold a reply: up to 24h."`
}

func (p StalePolicy) staleAfter() (time.Duration, error) {
	return p.StaleAfter.Within("stale_after", staleLimit)
}

// putEnrollment begins an enrollment, wakes or halts one, or leaves it as it is
// where that is what was asked for.
func (s *server) putEnrollment(ctx context.Context, in *struct {
	EnrollmentPath
	StalePolicy
	Body wire.EnrollmentInput
}) (*saved[wire.Enrollment], error) {
	staleAfter, err := in.staleAfter()
	if err != nil {
		return nil, err
	}
	e, created, err := s.Store.PutEnrollment(ctx, in.Body.Enrollment(account(ctx), in.enrollment()), s.Now())
	if err != nil {
		return nil, err
	}
	shown, err := s.withHolds(ctx, staleAfter, e)
	if err != nil {
		return nil, err
	}
	return &saved[wire.Enrollment]{Status: putStatus(created), Body: shown[0]}, nil
}

func (s *server) listEnrollments(ctx context.Context, in *struct {
	Paging
	StalePolicy
	ContactID wire.ForeignID       `query:"contact_id" doc:"Only this contact's."`
	UserID    wire.ForeignID       `query:"user_id" doc:"Only those in this user's name."`
	Status    crm.EnrollmentStatus `query:"status" enum:"active,halted" doc:"Only these."`
}) (*page[wire.Enrollment], error) {
	staleAfter, err := in.staleAfter()
	if err != nil {
		return nil, err
	}
	part, err := s.Store.ListEnrollments(ctx, account(ctx), crm.EnrollmentQuery{
		Contact: crm.ContactID(in.ContactID), User: crm.UserID(in.UserID), Status: in.Status, Paging: in.paging(),
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.withHolds(ctx, staleAfter, part.Items...)
	if err != nil {
		return nil, err
	}
	return &page[wire.Enrollment]{wire.List[wire.Enrollment]{Items: shown, Next: part.Next}}, nil
}

func (s *server) getEnrollment(ctx context.Context, in *struct {
	EnrollmentPath
	StalePolicy
}) (*reply[wire.Enrollment], error) {
	staleAfter, err := in.staleAfter()
	if err != nil {
		return nil, err
	}
	e, err := s.Store.Enrollment(ctx, account(ctx), in.enrollment())
	if err != nil {
		return nil, err
	}
	shown, err := s.withHolds(ctx, staleAfter, e)
	if err != nil {
		return nil, err
	}
	return &reply[wire.Enrollment]{shown[0]}, nil
}

// withHolds shows enrollments with what they have to wait for now. Mailboxes
// are asked about only where it matters how fresh they are.
func (s *server) withHolds(ctx context.Context, staleAfter time.Duration, list ...crm.Enrollment) ([]wire.Enrollment, error) {
	var mailboxes []crm.Freshness
	if slices.ContainsFunc(list, func(e crm.Enrollment) bool { return e.HoldWhenStale }) {
		var err error
		if mailboxes, err = s.Store.Freshness(ctx, account(ctx)); err != nil {
			return nil, err
		}
	}
	now := s.Now()
	return wire.Each(list, func(e crm.Enrollment) wire.Enrollment {
		return wire.EnrollmentOf(e, e.Hold(now, mailboxes, now.Add(-staleAfter)))
	}), nil
}

func (s *server) deleteEnrollment(ctx context.Context, in *EnrollmentPath) (*none, error) {
	return nil, s.Store.DeleteEnrollment(ctx, account(ctx), in.enrollment())
}
