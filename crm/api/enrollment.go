package api

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// EnrollmentPath names an enrollment of the account.
type EnrollmentPath struct {
	ID wire.ForeignID `path:"id" doc:"The CRM's id of the enrollment."`
}

func (p EnrollmentPath) enrollment() crm.EnrollmentID { return crm.EnrollmentID(p.ID) }

// putEnrollment begins an enrollment, wakes or halts one, or leaves it as it is
// where that is what was asked for.
func (s *server) putEnrollment(ctx context.Context, in *struct {
	EnrollmentPath
	Body wire.EnrollmentInput
}) (*saved[wire.Enrollment], error) {
	e, created, err := s.Store.PutEnrollment(ctx, in.Body.Enrollment(account(ctx), in.enrollment()), s.Now())
	if err != nil {
		return nil, err
	}
	return &saved[wire.Enrollment]{Status: putStatus(created), Body: wire.EnrollmentOf(e)}, nil
}

func (s *server) listEnrollments(ctx context.Context, in *struct {
	Paging
	ContactID wire.ForeignID `query:"contact_id" doc:"Only this contact's."`
}) (*page[wire.Enrollment], error) {
	part, err := s.Store.ListEnrollments(ctx, account(ctx), crm.ContactID(in.ContactID), in.paging())
	if err != nil {
		return nil, err
	}
	return mapped(part, wire.EnrollmentOf), nil
}

func (s *server) getEnrollment(ctx context.Context, in *EnrollmentPath) (*reply[wire.Enrollment], error) {
	e, err := s.Store.Enrollment(ctx, account(ctx), in.enrollment())
	if err != nil {
		return nil, err
	}
	return &reply[wire.Enrollment]{wire.EnrollmentOf(e)}, nil
}

func (s *server) deleteEnrollment(ctx context.Context, in *EnrollmentPath) (*none, error) {
	return nil, s.Store.DeleteEnrollment(ctx, account(ctx), in.enrollment())
}
