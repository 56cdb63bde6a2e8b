package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/apitest"
	"mailsyncd.example/crm/api/wire"
)

func TestLinkByPreset(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	preset := must(o.as["mona"].CreatePreset(ctx, wire.PresetInput{
		Name: "Office", IMAP: wire.ServerInput{Host: "imap.sakura.example"}, Username: crm.UsernameLocalPart,
	}))(t)
	id := wire.ID(preset.ID)
	l := must(o.as["uwe"].CreateLink(ctx, wire.LinkInput{PresetID: &id, Address: "Uwe@Sakura.example", Password: "correct horse"}))(t)
	if l.Username != "uwe" || l.Address != "uwe@sakura.example" || l.PresetID != preset.ID || l.UserID != "uwe" || l.Status != crm.LinkSyncing {
		t.Errorf("the link is %+v", l)
	}
	if want := (wire.Server{Host: "imap.sakura.example", Port: 993, Security: "tls"}); l.IMAP != want {
		t.Errorf("its server is %+v", l.IMAP)
	}
	if want := time.Date(2026, 11, 2, 9, 0, 1, 0, time.UTC); !l.LinkedAt.Equal(want) {
		t.Errorf("linked at %v, want the moment of the look, %v", l.LinkedAt, want)
	}
	if login := o.watcher.logins[0]; login.Secret != "correct horse" || login.Username != "uwe" {
		t.Errorf("the mailbox was opened with %+v", login)
	}
	_, err := o.as["uwe"].CreateLink(ctx, linkInput("uwe@sakura.example"))
	wantCode(t, err, "link_exists")
	if n := len(o.watcher.logins); n != 1 {
		t.Errorf("the server was troubled %d times for a link that can't be", n)
	}
	if status := callStatus(t, o.as["mona"], "DELETE /v1/presets/"+string(preset.ID)); status != http.StatusNoContent {
		t.Errorf("deleting a preset that was used: %d", status)
	}
	if l := must(o.as["uwe"].Link(ctx, l.ID))(t); !l.EndedAt.IsZero() || l.IMAP.Host != "imap.sakura.example" {
		t.Errorf("without its preset the link is %+v", l)
	}
}

// The password never comes back: not in any answer, and not in the log.
func TestPasswordIsNeverShown(t *testing.T) {
	o := newOffice(t)
	l := o.link(t, "uwe")
	must(o.as["uwe"].ChangePassword(t.Context(), l.ID, "battery staple"))(t)
	for _, path := range []string{"/v1/links", "/v1/links/" + string(l.ID), "/v1/mailboxes", "/v1/events"} {
		text := body(t, must(o.key.Send(t.Context(), "GET", path, "", nil))(t))
		for _, hidden := range []string{"correct horse", "battery staple", "password", "secret"} {
			if strings.Contains(text, hidden) {
				t.Errorf("%s shows %q: %s", path, hidden, text)
			}
		}
	}
	for _, entry := range o.log.All() {
		for _, f := range entry.Context {
			if strings.Contains(f.String, "horse") || strings.Contains(f.String, "staple") {
				t.Errorf("the log shows the password: %v", entry)
			}
		}
	}
}

// What can't be opened is not stored, and the problem shows how far it went.
func TestProbesFailures(t *testing.T) {
	o := newOffice(t)
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{crm.E(crm.Rejected, "credential_rejected", "Wrong password; type it again."), 422, "credential_rejected"},
		{crm.E(crm.Forbidden, "host_not_allowed", "The host is private; ask the operator."), 422, "host_not_allowed"},
		{crm.E(crm.Unreachable, "host_unknown", "No such host; check it."), 422, "host_unknown"},
		{crm.E(crm.Unreachable, "certificate_invalid", "The certificate does not fit; check the host."), 422, "certificate_invalid"},
		{crm.E(crm.Unreachable, "not_imap", "That is no IMAP server; check host and port."), 422, "not_imap"},
		{&crm.Error{Kind: crm.Throttled, Code: "server_busy", Detail: "Try again later.", After: 90 * time.Second}, 429, "server_busy"},
		{context.DeadlineExceeded, 504, "timeout"},
		{errors.New("a fault"), 500, "internal"},
	} {
		o.watcher.probeErr = c.err
		_, err := o.as["uwe"].CreateLink(t.Context(), linkInput("uwe@sakura.example"))
		p, ok := errors.AsType[*wire.Problem](err)
		if !ok || p.Status != c.status || string(p.Code) != c.code || len(p.Steps) != 2 || p.Steps[1].OK || p.Steps[1].Detail != "said the server" {
			t.Errorf("%v: got %+v", c.err, err)
		}
		tested := must(o.as["uwe"].TestLink(t.Context(), linkInput("uwe@sakura.example")))(t)
		if tested.OK || string(tested.Code) != c.code || len(tested.Steps) != 2 || tested.Steps[0].MS != 3 || tested.Detail == "" {
			t.Errorf("%v: the test says %+v", c.err, tested)
		}
	}
	if links := must(o.key.Links(t.Context()))(t); len(links) != 0 {
		t.Errorf("stored nevertheless: %+v", links)
	}
	resp := must(o.as["uwe"].Send(t.Context(), "POST", "/v1/links/test", "application/json", strings.NewReader(`{"imap":{"host":"x.example"},"address":"u@x.example","password":"x"}`)))(t)
	if text := body(t, resp); resp.StatusCode != http.StatusOK {
		t.Errorf("a test that fails is an answer: %d %s", resp.StatusCode, text)
	}
}

func TestServersPatienceIsPassedOn(t *testing.T) {
	o := newOffice(t)
	l := o.link(t, "uwe")
	o.watcher.workErr = &crm.Error{Kind: crm.Throttled, Code: "server_busy", Detail: "Try again later.", After: 1500 * time.Millisecond}
	resp := must(o.as["uwe"].Send(t.Context(), "POST", "/v1/links/"+string(l.ID)+"/look", "", nil))(t)
	body(t, resp)
	if got := resp.Header.Get("Retry-After"); resp.StatusCode != http.StatusTooManyRequests || got != "2" {
		t.Errorf("%d, Retry-After %q", resp.StatusCode, got)
	}
}

func TestMailThatIsSwitchedOffCanNotBeLinked(t *testing.T) {
	o := newOffice(t)
	off := false
	must(o.client.UpdateAccount(t.Context(), o.account, wire.AccountPatch{AccountSettings: wire.AccountSettings{MailEnabled: &off}}))(t)
	_, err := o.as["uwe"].CreateLink(t.Context(), linkInput("uwe@sakura.example"))
	wantCode(t, err, "mail_disabled")
	if len(o.watcher.logins) != 0 {
		t.Error("the server was troubled for a link that can't be")
	}
}

// A link is unlinked, and its password changed, by its own user alone. Others
// who may see it are told so; who may not see it finds nothing.
func TestLinkBelongsToItsUser(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	l := o.link(t, "uwe")
	for who, code := range map[string]string{"olga": "link_not_yours", "adam": "link_not_yours", "mona": "link_not_yours", "ulla": "link_not_found"} {
		_, err := o.as[who].ChangePassword(ctx, l.ID, "other")
		wantCode(t, err, code)
		wantCode(t, o.as[who].Unlink(ctx, l.ID), code)
	}
	wantCode(t, o.key.Unlink(ctx, l.ID), "key_forbidden")
	if links := must(o.as["ulla"].Links(ctx))(t); len(links) != 0 {
		t.Errorf("Ulla sees %+v", links)
	}
	if links := must(o.as["mona"].Links(ctx))(t); len(links) != 1 {
		t.Errorf("Mona sees %+v", links)
	}
}

func TestUnlink(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	uwe := o.as["uwe"]
	l := o.link(t, "uwe")
	for range 2 { // ending it again does nothing
		if err := uwe.Unlink(ctx, l.ID); err != nil {
			t.Fatal(err)
		}
	}
	ended := must(uwe.Link(ctx, l.ID))(t)
	if ended.Status != crm.LinkUnlinked || ended.EndedAt.IsZero() || ended.EndedBy != crm.EndedUnlinked {
		t.Errorf("the link is %+v", ended)
	}
	_, err := uwe.ChangePassword(ctx, l.ID, "new")
	wantCode(t, err, "link_ended")
	_, err = uwe.Look(ctx, l.ID)
	wantCode(t, err, "link_ended")
	_, err = uwe.Receipt(ctx, l.ID)
	wantCode(t, err, "link_ended")
	again := o.link(t, "uwe")
	if links := must(uwe.Links(ctx))(t); len(links) != 2 || again.ID == l.ID {
		t.Errorf("linked again: %+v", links)
	}
}

func TestNewPasswordIsTriedFirst(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	l := o.link(t, "uwe")
	o.watcher.probeErr = crm.E(crm.Rejected, "credential_rejected", "Wrong password; type it again.")
	_, err := o.as["uwe"].ChangePassword(ctx, l.ID, "wrong")
	wantCode(t, err, "credential_rejected")
	o.watcher.probeErr = nil
	must(o.as["uwe"].ChangePassword(ctx, l.ID, "right"))(t)
	standing := must(o.store.Standing(ctx, o.account, l.MailboxID))(t)
	if len(standing.Logins) != 1 || standing.Logins[0].Secret != "right" {
		t.Errorf("the mailbox is opened with %d logins", len(standing.Logins))
	}
	if last := o.watcher.logins[len(o.watcher.logins)-1]; last.Link != l.ID || last.Server.Host != "imap.sakura.example" {
		t.Errorf("the password was tried with %+v", last)
	}
}

func TestLook(t *testing.T) {
	o := newOffice(t)
	l := o.link(t, "uwe")
	must(o.as["uwe"].Look(t.Context(), l.ID))(t)
	must(o.as["mona"].Look(t.Context(), l.ID))(t)
	if len(o.watcher.looked) != 2 || o.watcher.looked[0] != l.MailboxID {
		t.Errorf("looked at %v", o.watcher.looked)
	}
	o.watcher.workErr = crm.E(crm.Unreachable, "connect_failed", "No server there; check it.")
	_, err := o.as["uwe"].Look(t.Context(), l.ID)
	if p, ok := errors.AsType[*wire.Problem](err); !ok || p.Status != http.StatusBadGateway {
		t.Errorf("an unreachable server: %v", err)
	}
}

func TestExplain(t *testing.T) {
	o := newOffice(t)
	o.link(t, "uwe")
	o.watcher.found = []crm.Explanation{
		{FolderName: "INBOX", UID: 4, Outcome: crm.Imported, Rule: crm.Imported, Watched: true, Message: "msg_1"},
		{FolderName: "Archive", UID: 5, Rule: crm.BeforeContact, Watched: true},
		{FolderName: "Junk", UID: 6, Rule: crm.Imported},
	}
	for _, id := range []string{"1@kunde.example", " <1@kunde.example> "} {
		got := must(o.as["uwe"].Explain(t.Context(), id))(t)
		if len(got) != 3 || got[0].MessageID != "msg_1" || got[0].Sentence != "It is imported." ||
			!strings.Contains(got[1].Sentence, "next look") || !strings.Contains(got[2].Sentence, "not watched") ||
			got[0].Rule != crm.Imported || got[1].Rule != crm.BeforeContact || got[2].Rule != "not_watched" {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if got := must(o.as["uwe"].Explain(t.Context(), "other@kunde.example"))(t); len(got) != 0 {
		t.Errorf("a mail that is nowhere: %+v", got)
	}
	_, err := o.as["mona"].Explain(t.Context(), "1@kunde.example")
	wantCode(t, err, "no_link") // a manager asks about their own mailbox, too
}

func TestPresetsLife(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	p := must(o.as["olga"].CreatePreset(ctx, wire.PresetInput{
		Name: "会社", IMAP: wire.ServerInput{Host: "imap.sakura.example"}, SMTP: &wire.ServerInput{Host: "smtp.sakura.example"},
	}))(t)
	if p.Auth != crm.AuthPassword || p.Username != crm.UsernameAddress || p.SMTP == nil || p.SMTP.Port != 465 {
		t.Errorf("the preset is %+v %+v", p, p.SMTP)
	}
	path := "/v1/presets/" + string(p.ID)
	changed := decode[wire.Preset](t, body(t, must(o.as["adam"].Send(ctx, "PUT", path, "application/json",
		strings.NewReader(`{"name":"OAuth","imap":{"host":"imap.sakura.example","security":"starttls"},"auth":"oauth2"}`)))(t)))
	if changed.SMTP != nil || changed.IMAP.Port != 143 || changed.Auth != crm.AuthOAuth2 || !changed.CreatedAt.Equal(p.CreatedAt) {
		t.Errorf("the replaced preset is %+v", changed)
	}
	id := wire.ID(p.ID)
	_, err := o.as["uwe"].CreateLink(ctx, wire.LinkInput{PresetID: &id, Address: "uwe@sakura.example", Password: "x"})
	wantCode(t, err, "auth_mismatch")
	for _, want := range []int{http.StatusNoContent, http.StatusNotFound} {
		if status := callStatus(t, o.as["mona"], "DELETE "+path); status != want {
			t.Errorf("deleting the preset: %d, want %d", status, want)
		}
	}
}

// A user's mailbox has a receipt for its user; its health is for managers.
func TestReceiptAndHealth(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	must(o.key.PutContact(ctx, "kunde", wire.ContactInput{Addresses: []string{"kunde@kunde.example"}}))(t)
	l := o.link(t, "uwe")
	o.imports(t, l, mailFrom("kunde", "kunde@kunde.example", "One"), mailFrom("kunde", "kunde@kunde.example", "Two"))
	looked := crm.Looked{Account: o.account, Mailbox: l.MailboxID, At: o.clock.Now(), Status: crm.LinkLive, Mode: crm.ModeIdle, Synced: true, Missed: 1}
	if err := o.store.SaveLooks(ctx, []crm.Looked{looked}); err != nil {
		t.Fatal(err)
	}
	o.clock.advance(90 * time.Second)
	r := must(o.as["uwe"].Receipt(ctx, l.ID))(t)
	if r.Receipt.Bodies != 2 || r.Receipt.RefusedBodies != 0 || r.Balance.Unexplained != 0 || len(r.Balance.Folders) != 1 {
		t.Errorf("the receipt is %+v", r)
	}
	_, err := o.as["ulla"].Receipt(ctx, l.ID)
	wantCode(t, err, "link_not_found")
	boxes := must(o.as["mona"].Mailboxes(ctx))(t)
	if len(boxes) != 1 {
		t.Fatalf("mailboxes: %+v", boxes)
	}
	m := boxes[0]
	if m.Imported != 2 || known(m.Mode) != crm.ModeIdle || m.Status != crm.LinkLive || m.LagSeconds == nil || *m.LagSeconds != 90 || m.Missed != 1 ||
		m.LastError != nil || m.Host != "imap.sakura.example" || m.Users[0] != "uwe" || m.Addresses[0] != "uwe@sakura.example" {
		t.Errorf("the mailbox's health is %+v", m)
	}
	if f := m.Balance.Folders[0]; f.Name != "INBOX" || f.Imported != 2 || f.Refused[crm.NoContact] != 0 || len(f.Refused) != len(crm.Refusals) {
		t.Errorf("its balance is %+v", f)
	}
	looked.Status, looked.Synced, looked.Err = crm.LinkUnreachable, false, "connection refused"
	if err := o.store.SaveLooks(ctx, []crm.Looked{looked, looked}); err != nil {
		t.Fatal(err)
	}
	m = must(o.as["mona"].Balance(ctx, l.MailboxID))(t)
	if m.LastError == nil || m.LastError.Message != "connection refused" || m.LastError.Count != 2 || m.Status != crm.LinkUnreachable {
		t.Errorf("after two errors: %+v %+v", m, m.LastError)
	}
	if usage := must(o.as["mona"].Usage(ctx))(t); len(usage) != 1 || usage[0].Month != "2026-11" || usage[0].Messages != 2 || usage[0].Bytes != 200 {
		t.Errorf("usage: %+v", usage)
	}
	if code := apitest.CodeOf(callUsage(o, t, "/v1/usage?cursor=2020-01")); code != "cursor_invalid" {
		t.Errorf("a cursor of no month: %s", code)
	}
}

func callUsage(o *office, t *testing.T, path string) error {
	t.Helper()
	return o.key.Do(t.Context(), "GET", path, nil, nil)
}
