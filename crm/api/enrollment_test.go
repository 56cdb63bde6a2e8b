package api_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// An enrollment goes on until the contact replies, and begins anew only where
// the CRM says so.
func TestEnrollment(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	must(o.key.PutContact(ctx, "kunde", wire.ContactInput{Addresses: []string{"kunde@kunde.example"}}))(t)
	l := o.link(t, "uwe")
	in := wire.EnrollmentInput{ContactID: "kunde", Sequence: "春の連絡"}
	began := o.clock.Now()
	e := must(o.key.PutEnrollment(ctx, "kunde:spring", in))(t)
	if e.ID != "kunde:spring" || e.ContactID != "kunde" || e.Sequence != "春の連絡" || e.Status != crm.EnrollmentActive || !e.StartedAt.Equal(began) || e.Warning != nil {
		t.Errorf("enrolled: %+v", e)
	}
	o.clock.advance(time.Minute)
	if e := must(o.key.PutEnrollment(ctx, "kunde:spring", in))(t); !e.StartedAt.Equal(began) || e.Status != crm.EnrollmentActive {
		t.Errorf("put again: %+v", e)
	}

	reply := o.imports(t, l, mailFrom("kunde", "kunde@kunde.example", "Re: Hello"))[0]
	halted := must(o.key.Enrollment(ctx, "kunde:spring"))(t)
	if halted.Status != crm.EnrollmentHalted || halted.HaltedBy != reply || !halted.HaltedAt.Equal(o.clock.Now()) {
		t.Errorf("after the reply: %+v", halted)
	}
	o.clock.advance(time.Minute)
	if e := must(o.key.PutEnrollment(ctx, "kunde:spring", in))(t); e.Status != crm.EnrollmentHalted || e.HaltedBy != reply {
		t.Errorf("put again after the reply: %+v", e)
	}
	active, stopped := crm.EnrollmentActive, crm.EnrollmentHalted
	in.Status = &active
	if e := must(o.key.PutEnrollment(ctx, "kunde:spring", in))(t); e.Status != active || !e.StartedAt.Equal(o.clock.Now()) || e.HaltedBy != "" || !e.HaltedAt.IsZero() {
		t.Errorf("woken: %+v", e)
	}
	in.Status = &stopped
	if e := must(o.key.PutEnrollment(ctx, "kunde:spring", in))(t); e.Status != stopped || e.HaltedBy != "" || !e.HaltedAt.Equal(o.clock.Now()) {
		t.Errorf("halted by the CRM: %+v", e)
	}
	if err := o.key.DeleteEnrollment(ctx, "kunde:spring"); err != nil {
		t.Fatal(err)
	}
	_, err := o.key.Enrollment(ctx, "kunde:spring")
	wantCode(t, err, "enrollment_not_found")
}

// A contact without an address can be enrolled, and the answer says what that
// means; so does a later one, and no more once there is an address.
func TestEnrollmentOfASilentContact(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	must(o.key.PutContact(ctx, "silent", wire.ContactInput{}))(t)
	must(o.key.PutContact(ctx, "kunde", wire.ContactInput{Addresses: []string{"kunde@kunde.example"}}))(t)
	e := must(o.key.PutEnrollment(ctx, "e1", wire.EnrollmentInput{ContactID: "silent"}))(t)
	if e.Status != crm.EnrollmentActive || e.Warning == nil || e.Warning.Code != "contact_without_addresses" || !strings.HasSuffix(e.Warning.Detail, ".") {
		t.Errorf("enrolled: %+v %+v", e, e.Warning)
	}
	must(o.key.PutEnrollment(ctx, "e2", wire.EnrollmentInput{ContactID: "kunde"}))(t)
	if list := must(o.key.Enrollments(ctx, url.Values{"contact_id": {"silent"}}))(t); len(list) != 1 || list[0].Warning == nil {
		t.Errorf("the contact's: %+v", list)
	}
	if list := must(o.key.Enrollments(ctx, nil))(t); len(list) != 2 {
		t.Errorf("all: %+v", list)
	}
	must(o.key.PutContact(ctx, "silent", wire.ContactInput{Addresses: []string{"now@kunde.example"}}))(t)
	if e := must(o.key.Enrollment(ctx, "e1"))(t); e.Warning != nil {
		t.Errorf("with an address: %+v", e.Warning)
	}
	if err := o.key.DeleteContact(ctx, "silent"); err != nil {
		t.Fatal(err)
	}
	_, err := o.key.Enrollment(ctx, "e1")
	wantCode(t, err, "enrollment_not_found")
}
