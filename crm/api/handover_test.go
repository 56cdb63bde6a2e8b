package api_test

import (
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// Somebody leaves: what they leave behind is on one sheet, as long as the mail
// is here.
func TestHandover(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	o.customer(t)
	l := o.link(t, "uwe")
	must(o.key.PutEnrollment(ctx, "e1", wire.EnrollmentInput{ContactID: "kunde", UserID: "uwe", HoldStale: true}))(t)
	o.clock.advance(-time.Hour)
	id := o.imports(t, l, mailFrom("kunde", "kunde@kunde.example", "Are you there?"))[0]
	o.clock.advance(time.Hour)
	o.looks(t, l.MailboxID, crm.LinkLive)
	for _, leave := range []func() error{
		func() error { return nil }, // still here
		func() error {
			inactive := false
			_, err := o.key.PutUser(ctx, "uwe", wire.UserInput{Email: "uwe@sakura.example", Role: crm.RoleUser, Active: &inactive})
			return err
		},
		func() error { return o.key.DeleteUser(ctx, "uwe") },
	} {
		if err := leave(); err != nil {
			t.Fatal(err)
		}
		h := must(o.as["mona"].Handover(ctx, "uwe"))(t)
		m := must(o.key.Message(ctx, id))(t)
		if h.UserID != "uwe" || len(h.Waiting) != 1 || h.Waiting[0].ID != m.ThreadID || len(h.Contacts) != 1 || h.Contacts[0].ContactID != "kunde" {
			t.Errorf("the sheet: %+v", h)
		}
		if len(h.Mailboxes) != 1 || h.Mailboxes[0].ID != l.MailboxID || !h.Mailboxes[0].LastSyncedAt.Equal(o.clock.Now()) {
			t.Errorf("mailboxes: %+v", h.Mailboxes)
		}
		if len(h.Enrollments) != 1 || (h.Enrollments[0].Hold != nil) == h.Mailboxes[0].EndedAt.IsZero() {
			t.Errorf("enrollments: %+v", h.Enrollments)
		}
	}
	_, err := o.as["mona"].Handover(ctx, "nobody")
	wantCode(t, err, "user_not_found")
}

// Threads that wait for an answer can be asked for as well.
func TestWaitingThreads(t *testing.T) {
	o := newOffice(t)
	o.customer(t)
	l := o.link(t, "uwe")
	o.imports(t, l, mailFrom("kunde", "kunde@kunde.example", "Are you there?"))
	for query, want := range map[string]int{"": 1, "?waiting=true": 1, "?waiting=false": 1} {
		text := body(t, must(o.key.Send(t.Context(), "GET", "/v1/threads"+query, "", nil))(t))
		if list := decode[wire.List[wire.Thread]](t, text); len(list.Items) != want {
			t.Errorf("%q: %s", query, text)
		}
	}
}
