package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

// enrollment is an enrollment as the API shows it.
type enrollment struct {
	Status    crm.EnrollmentStatus `json:"status"`
	StartedAt time.Time            `json:"started_at"`
	HaltedBy  string               `json:"halted_by"`
	HaltedAt  time.Time            `json:"halted_at"`
}

// replyCheck is what automation is told before it sends.
type replyCheck struct {
	Replied       any       `json:"replied"`
	ClearToSend   bool      `json:"clear_to_send"`
	MessageID     string    `json:"message_id"`
	SyncedThrough time.Time `json:"synced_through"`
}

// happened is an event as the API shows it.
type happened struct {
	Seq  int64           `json:"seq"`
	Type crm.EventType   `json:"type"`
	Data json.RawMessage `json:"data"`
}

// A sequence goes on when the customer is away, and halts when they answer,
// whoever's mailbox the answer comes to and whichever address it comes from.
func TestAReplyHaltsTheSequence(t *testing.T) {
	dovecot := dovecottest.Start(t, dovecottest.Folder("Sent", `\Sent`))
	f := openFirm(t, serve(t, t.TempDir()), dovecot, "elena@rossi.example", "yuki.mori@hanabi.example")
	do(t, f.key, http.MethodPut, "/v1/contacts/c-1", map[string]any{"addresses": []string{"elena@rossi.example", "elena@home.example"}})
	aoi, dan := f.user("aoi", crm.RoleManager), f.user("dan", crm.RoleUser)
	f.mailbox("aoi@acme.example")
	f.mailbox("dan@acme.example")
	ofAoi, ofDan := f.link(aoi, "aoi@acme.example"), f.link(dan, "dan@acme.example")
	enroll := func(id, contact string) enrollment {
		t.Helper()
		return call[enrollment](t, f.key, http.MethodPut, "/v1/enrollments/"+id, map[string]any{"contact_id": contact, "sequence": "spring"})
	}
	ofElena, ofYuki := enroll("e-1", "c-1"), enroll("e-2", "c-2")
	check := func(contact string) replyCheck {
		t.Helper()
		query := url.Values{"since": {ofElena.StartedAt.Format(time.RFC3339Nano)}, "fresh": {"10s"}, "stale_after": {"1m"}}
		return call[replyCheck](t, f.key, http.MethodGet, "/v1/contacts/"+contact+"/reply-check?"+query.Encode(), nil)
	}

	offer := mailOf("offer@acme", danTo, elena+", "+yuki, "Our offer", "40 chairs")
	dovecot.Append(t, "dan@acme.example", "Sent", offer, time.Time{})
	dovecot.Deliver(t, "dan@acme.example", mailOf("away@rossi", elena, danTo, "Automatic reply: Our offer", "I am out of the office.",
		"In-Reply-To: <offer@acme>", "Auto-Submitted: auto-replied"))
	asked := time.Now()
	got := check("c-1")
	if got.Replied != false || !got.ClearToSend || got.SyncedThrough.Before(asked.Truncate(time.Millisecond)) {
		t.Errorf("after an absence notice the check says %+v", got)
	}
	if e := call[enrollment](t, f.key, http.MethodGet, "/v1/enrollments/e-1", nil); e != ofElena {
		t.Errorf("after an absence notice the enrollment is %+v, was %+v", e, ofElena)
	}

	answer := mailOf("answer@rossi", "Elena <elena@home.example>", "aoi@acme.example, "+yuki, "Re: Our offer", "We take them.", "In-Reply-To: <offer@acme>")
	dovecot.Deliver(t, "aoi@acme.example", answer)
	got = check("c-1")
	if got.Replied != true || got.ClearToSend {
		t.Errorf("after the answer the check says %+v", got)
	}
	halted := call[enrollment](t, f.key, http.MethodGet, "/v1/enrollments/e-1", nil)
	if halted.Status != crm.EnrollmentHalted || halted.HaltedBy != got.MessageID || halted.HaltedAt.Before(asked.Truncate(time.Millisecond)) {
		t.Errorf("after the answer the enrollment is %+v", halted)
	}
	if m := call[message](t, f.key, http.MethodGet, "/v1/messages/"+halted.HaltedBy, nil); m.Subject != "Re: Our offer" {
		t.Errorf("it was halted by %q", m.Subject)
	}
	// Yuki was written to by Elena, too, and has said nothing.
	if e := call[enrollment](t, f.key, http.MethodGet, "/v1/enrollments/e-2", nil); e != ofYuki {
		t.Errorf("the other customer's enrollment is %+v", e)
	}
	if got := check("c-2"); !got.ClearToSend {
		t.Errorf("of the other customer the check says %+v", got)
	}

	dovecot.Deliver(t, "dan@acme.example", answer)
	f.look(dan, ofDan)
	f.look(aoi, ofAoi)
	f.expectHalt(halted, ofAoi)
}

// expectHalt checks the events about mail: in order, each fact once.
func (f *firm) expectHalt(halted enrollment, l link) {
	f.t.Helper()
	var told []crm.EventType
	for _, e := range all[happened](f.t, f.key, "/v1/events", nil) {
		if strings.HasPrefix(string(e.Type), "link.") {
			continue
		}
		told = append(told, e.Type)
		var data map[string]any
		if err := json.Unmarshal(e.Data, &data); err != nil {
			f.t.Fatal(err)
		}
		switch e.Type {
		case crm.ContactReplied:
			if who, _ := data["contact_ids"].([]any); len(who) != 1 || who[0] != "c-1" {
				f.t.Errorf("who has replied: %v", data)
			}
		case crm.SequenceHalted:
			for name, want := range map[string]string{
				"enrollment_id": "e-1", "contact_id": "c-1", "sequence": "spring", "message_id": halted.HaltedBy, "mailbox_id": l.MailboxID,
			} {
				if data[name] != want {
					f.t.Errorf("the halt is told with %s %v, want %s", name, data[name], want)
				}
			}
		}
	}
	// The offer and the notice may come in either order: they lie in two folders.
	if notice := slices.Index(told, crm.MessageAutoReplied); notice > 0 {
		told = slices.Delete(told, notice, notice+1)
	} else {
		f.t.Error("the absence notice was not told")
	}
	want := []crm.EventType{crm.MessageImported, crm.MessageImported, crm.MessageImported, crm.ContactReplied, crm.SequenceHalted}
	if !slices.Equal(told, want) {
		f.t.Errorf("told %v, want %v", told, want)
	}
}
