package api_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

func TestPreview(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	at := o.clock.Now()
	o.watcher.preview = crm.Preview{
		Since: at.AddDate(0, 0, -7), Until: at, Looked: 3, Imported: 1, Complete: true, Refused: map[crm.Outcome]int{crm.NoContact: 2},
		Items: []crm.Glimpse{{FolderName: "INBOX", ReceivedAt: at, Direction: crm.Inbound, From: []crm.Address{"kunde@kunde.example"}, Contacts: []crm.ContactID{"kunde"}}},
	}
	password := wire.Password("correct horse")
	p := must(o.as["uwe"].Preview(ctx, wire.PreviewInput{
		IMAP: &wire.ServerInput{Host: "imap.sakura.example"}, Address: "Info@Sakura.example", Password: &password,
	}))(t)
	if p.Looked != 3 || p.Imported != 1 || p.Refused[crm.NoContact] != 2 || len(p.Refused) != 4 || p.Items[0].Contacts[0] != "kunde" || p.Items[0].To == nil {
		t.Errorf("the preview is %+v", p)
	}
	q := o.watcher.previews[0]
	if q.Login.Secret != "correct horse" || q.Login.Server.Port != 993 || !q.Since.Equal(at.AddDate(0, 0, -7)) || !slices.Contains(q.Own, "info@sakura.example") || q.Account != o.account {
		t.Errorf("asked for %+v", q)
	}
	if links := must(o.key.Links(ctx))(t); len(links) != 0 {
		t.Errorf("a preview made %+v", links)
	}

	l := o.link(t, "uwe")
	id := wire.ID(l.ID)
	must(o.as["uwe"].Preview(ctx, wire.PreviewInput{LinkID: &id}))(t)
	if q := o.watcher.previews[1]; q.Login.Link != l.ID || q.Login.Secret != "" || q.Mailbox != l.MailboxID {
		t.Errorf("of a link it asked for %+v", q)
	}
	// What is in somebody's mailbox is for nobody else, whatever their role.
	for who, code := range map[string]string{"olga": "link_not_yours", "ulla": "link_not_found"} {
		_, err := o.as[who].Preview(ctx, wire.PreviewInput{LinkID: &id})
		wantCode(t, err, code)
	}
	if err := o.as["uwe"].Unlink(ctx, l.ID); err != nil {
		t.Fatal(err)
	}
	_, err := o.as["uwe"].Preview(ctx, wire.PreviewInput{LinkID: &id})
	wantCode(t, err, "link_ended")
}

func TestPreviewThatCanNotBe(t *testing.T) {
	o := newOffice(t)
	password := wire.Password("wrong horse")
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{crm.E(crm.Rejected, "credential_rejected", "Wrong password; type it again."), 422, "credential_rejected"},
		{crm.E(crm.Unreachable, "connect_failed", "No server there; check it."), 422, "connect_failed"},
		{crm.E(crm.Forbidden, "host_not_allowed", "The host is private; ask the operator."), 422, "host_not_allowed"},
		{&crm.Error{Kind: crm.Throttled, Code: "server_busy", Detail: "Try again later.", After: time.Minute}, http.StatusTooManyRequests, "server_busy"},
	} {
		o.watcher.workErr = c.err
		_, err := o.as["uwe"].Preview(t.Context(), wire.PreviewInput{
			IMAP: &wire.ServerInput{Host: "imap.sakura.example"}, Address: "uwe@sakura.example", Password: &password,
		})
		if p, ok := errors.AsType[*wire.Problem](err); !ok || p.Status != c.status || string(p.Code) != c.code {
			t.Errorf("%v: got %v", c.err, err)
		}
	}
}
