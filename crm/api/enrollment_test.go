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
	if halted.Status != crm.EnrollmentHalted || known(halted.HaltedBy) != reply || !known(halted.HaltedAt).Equal(o.clock.Now()) {
		t.Errorf("after the reply: %+v", halted)
	}
	o.clock.advance(time.Minute)
	if e := must(o.key.PutEnrollment(ctx, "kunde:spring", in))(t); e.Status != crm.EnrollmentHalted || known(e.HaltedBy) != reply {
		t.Errorf("put again after the reply: %+v", e)
	}
	active, stopped := crm.EnrollmentActive, crm.EnrollmentHalted
	in.Status = &active
	if e := must(o.key.PutEnrollment(ctx, "kunde:spring", in))(t); e.Status != active || !e.StartedAt.Equal(o.clock.Now()) || e.HaltedBy != nil || e.HaltedAt != nil {
		t.Errorf("woken: %+v", e)
	}
	in.Status = &stopped
	if e := must(o.key.PutEnrollment(ctx, "kunde:spring", in))(t); e.Status != stopped || e.HaltedBy != nil || !known(e.HaltedAt).Equal(o.clock.Now()) {
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

// An enrollment waits while the contact is away, and while a reply may lie
// unread in the mailbox of the user in whose name it is.
func TestEnrollmentIsHeld(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	o.customer(t)
	l := o.link(t, "uwe")
	must(o.key.PutEnrollment(ctx, "e1", wire.EnrollmentInput{ContactID: "kunde"}))(t)
	held := must(o.key.PutEnrollment(ctx, "e2", wire.EnrollmentInput{ContactID: "kunde", UserID: "uwe", HoldStale: true}))(t)
	if held.UserID != "uwe" || !held.HoldStale || held.Hold == nil || held.Hold.Reason != crm.HeldByStale || held.Hold.StaleMailboxes[0].ID != l.MailboxID {
		t.Errorf("before the first look: %+v", held.Hold)
	}
	o.looks(t, l.MailboxID, crm.LinkLive)
	if e := must(o.key.Enrollment(ctx, "e2"))(t); e.Hold != nil {
		t.Errorf("read: %+v", e.Hold)
	}
	o.clock.advance(16 * time.Minute)
	for id, reason := range map[string]crm.HoldReason{"e1": "", "e2": crm.HeldByStale} {
		if e := must(o.key.Enrollment(ctx, id))(t); (e.Hold != nil) != (reason != "") {
			t.Errorf("%s, not read for a while: %+v", id, e.Hold)
		}
	}

	until := o.clock.Now().Add(72 * time.Hour)
	notice := mailFrom("kunde", "kunde@kunde.example", "Automatic reply")
	notice.Letter.Kind = crm.KindAutoReply
	notice.Letter.Absence = crm.Absence{ReturnsOn: "2026-11-04", Until: until}
	id := o.imports(t, l, notice)[0]
	if m := must(o.key.Message(ctx, id))(t); m.ReturnsOn != "2026-11-04" {
		t.Errorf("the notice: %+v", m.Condition)
	}
	o.looks(t, l.MailboxID, crm.LinkLive)
	for _, e := range must(o.key.Enrollments(ctx, nil))(t) {
		if e.Status != crm.EnrollmentActive || e.Hold == nil || e.Hold.Reason != crm.HeldByAbsence || !e.Hold.Until.Equal(until) || e.Hold.MessageID != id {
			t.Errorf("%s while the contact is away: %+v", e.ID, e.Hold)
		}
	}
	since := "since=" + url.QueryEscape(o.clock.Now().Add(-time.Hour).Format(time.RFC3339))
	text := body(t, must(o.key.Send(ctx, "GET", "/v1/contacts/kunde/reply-check?"+since, "", nil))(t))
	if c := decode[wire.ReplyCheck](t, text); c.ClearToSend || c.Replied != wire.NotReplied || !c.AbsentUntil.Equal(until) || c.AbsenceID != id {
		t.Errorf("asked while they are away: %s", text)
	}
	o.clock.advance(72 * time.Hour)
	o.looks(t, l.MailboxID, crm.LinkLive)
	if e := must(o.key.Enrollment(ctx, "e1"))(t); e.Hold != nil {
		t.Errorf("when they are back: %+v", e.Hold)
	}
	o.replied(t, "when they are back", since, "no")
}

// A reply that fails DMARC is shown and told, and halts nothing.
func TestSuspectReply(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	o.customer(t)
	l := o.link(t, "uwe")
	must(o.key.PutEnrollment(ctx, "e1", wire.EnrollmentInput{ContactID: "kunde"}))(t)
	forged := mailFrom("kunde", "kunde@kunde.example", "Re: Hello")
	forged.Letter.Suspect = "Authentication-Results: mx.sakura.example; dmarc=fail"
	id := o.imports(t, l, forged)[0]
	if m := must(o.key.Message(ctx, id))(t); m.Suspect == "" {
		t.Errorf("the message: %+v", m.Condition)
	}
	if e := must(o.key.Enrollment(ctx, "e1"))(t); e.Status != crm.EnrollmentActive {
		t.Errorf("halted by it: %+v", e)
	}
	o.looks(t, l.MailboxID, crm.LinkLive)
	since := "since=" + url.QueryEscape(o.clock.Now().Add(-time.Hour).Format(time.RFC3339))
	if c := o.replied(t, "after the suspect", since, "no"); c.SuspectID != id {
		t.Errorf("it says %+v", c)
	}
}

func TestEnrollmentBadInput(t *testing.T) {
	o := newOffice(t)
	o.customer(t)
	_, err := o.key.PutEnrollment(t.Context(), "e1", wire.EnrollmentInput{ContactID: "kunde", UserID: "nobody"})
	wantCode(t, err, "user_unknown")
}
