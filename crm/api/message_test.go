package api_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// withMail is an office with a contact, Uwe's link and two messages.
func withMail(t *testing.T) (*office, wire.Link, []crm.MessageID) {
	t.Helper()
	o := newOffice(t)
	must(o.key.PutContact(t.Context(), "kunde", wire.ContactInput{Name: "Kunde", Addresses: []string{"kunde@kunde.example"}}))(t)
	l := o.link(t, "uwe")
	return o, l, o.imports(t, l, mailFrom("kunde", "kunde@kunde.example", "One"), mailFrom("kunde", "kunde@kunde.example", "Two"))
}

func TestReadMail(t *testing.T) {
	o, l, ids := withMail(t)
	ctx := t.Context()
	reader := o.as["ulla"] // not hers, but the account's
	list := must(reader.Messages(ctx, url.Values{"contact_id": {"kunde"}, "limit": {"1"}}))(t)
	if len(list) != 2 || list[0].Text != "Text of "+list[0].Subject || list[0].HTML != nil || !slices.Equal(list[0].Contacts, []crm.ContactID{"kunde"}) {
		t.Fatalf("the list is %+v", list)
	}
	m := must(reader.Message(ctx, ids[0]))(t)
	if m.Subject != "One" || m.HeaderID != "One@kunde.example" || m.Text != "Text of One" || m.Direction != crm.Inbound ||
		m.Kind != crm.KindPersonal || m.Degraded || m.From[0].Name != "Kunde" || len(m.Cc) != 0 || len(m.Attachments) != 2 {
		t.Errorf("the message is %+v", m)
	}
	if want := []wire.Sighting{{MailboxID: l.MailboxID, Folder: "INBOX", UID: 1}}; !slices.Equal(m.Sightings, want) {
		t.Errorf("sightings: %+v", m.Sightings)
	}
	for _, id := range []string{"Two@kunde.example", "<Two@kunde.example>"} {
		if found := must(reader.Messages(ctx, url.Values{"message_id": {id}}))(t); len(found) != 1 || found[0].ID != ids[1] {
			t.Errorf("by the Message-ID %s: %+v", id, found)
		}
	}
	if none := must(reader.Messages(ctx, url.Values{"contact_id": {"other"}}))(t); len(none) != 0 {
		t.Errorf("another contact's: %+v", none)
	}
}

func TestReadBounce(t *testing.T) {
	o, l, _ := withMail(t)
	notice := mailFrom("kunde", "kunde@kunde.example", "Undelivered")
	notice.Letter.Kind = crm.KindBounce
	notice.Letter.Bounces = []crm.Bounce{{Address: "gone@kunde.example", Status: "5.1.1", Severity: crm.Hard, At: o.clock.Now().UTC()}}
	m := must(o.key.Message(t.Context(), o.imports(t, l, notice)[0]))(t)
	want := []wire.Bounce{{Address: "gone@kunde.example", Status: "5.1.1", Severity: crm.Hard, At: o.clock.Now().UTC()}}
	if !slices.Equal(m.Bounces, want) {
		t.Errorf("%+v, want %+v", m.Bounces, want)
	}
}

func TestReadThreads(t *testing.T) {
	o, l, ids := withMail(t)
	ctx := t.Context()
	for name, query := range map[string]url.Values{
		"by contact": {"contact_id": {"kunde"}}, "by mailbox": {"mailbox_id": {string(l.MailboxID)}}, "all": nil,
	} {
		if threads := must(o.as["ulla"].Threads(ctx, query))(t); len(threads) != 2 {
			t.Errorf("%s: %+v", name, threads)
		}
	}
	found := must(o.as["ulla"].Threads(ctx, url.Values{"q": {"Text of Two"}}))(t)
	if len(found) != 1 || found[0].Subject != "Two" || found[0].MessageCount != 1 || !slices.Equal(found[0].Contacts, []crm.ContactID{"kunde"}) {
		t.Fatalf("by text: %+v", found)
	}
	thread := must(o.as["ulla"].Thread(ctx, found[0].ID))(t)
	if len(thread.Messages) != 1 || thread.Messages[0].ID != ids[1] || thread.Messages[0].Text != "Text of Two" || thread.Next != "" {
		t.Errorf("the thread is %+v", thread)
	}
	_, err := o.as["ulla"].Thread(ctx, "thr_0")
	wantCode(t, err, "thread_not_found")
}

// HTML is made harmless when it is read; images of the message itself come
// from its attachments, others only when they are asked for.
func TestHTMLIsHarmless(t *testing.T) {
	o, _, ids := withMail(t)
	o.letters.html = `<p onclick="x()">Hi <img src="cid:logo"><img src="https://tracker.example/p.gif"></p><script>alert(1)</script>`
	path := "/v1/messages/" + string(ids[0])
	read := func(path string, blocked int) string {
		m := decode[wire.Message](t, body(t, must(o.as["uwe"].Send(t.Context(), "GET", path, "", nil))(t)))
		if m.HTML == nil || m.RemoteBlocked != blocked {
			t.Fatalf("HTML %v, %d images blocked", m.HTML, m.RemoteBlocked)
		}
		return *m.HTML
	}
	html := read(path, 1)
	if !strings.Contains(html, `src="`+path+`/attachments/3"`) || strings.Contains(html, "script") || strings.Contains(html, "onclick") || strings.Contains(html, `src="https://tracker`) {
		t.Errorf("the HTML is %s", html)
	}
	if html := read(path+"?remote=true", 0); !strings.Contains(html, `src="https://tracker.example/p.gif"`) || strings.Contains(html, "script") {
		t.Errorf("with remote content: %s", html)
	}
}

// A message whose HTML is lost is still read, and says what is missing.
func TestHTMLThatIsLost(t *testing.T) {
	o, _, ids := withMail(t)
	o.letters.err = errors.New("no such part")
	m := must(o.as["uwe"].Message(t.Context(), ids[0]))(t)
	if m.HTML != nil || m.Text != "Text of One" || !m.Degraded || len(m.DegradedReasons) != 1 {
		t.Errorf("the message is %+v", m)
	}
	if o.log.FilterMessageSnippet("HTML").Len() != 1 {
		t.Error("the log does not tell")
	}
}

func TestDownloads(t *testing.T) {
	o, _, ids := withMail(t)
	path := "/v1/messages/" + string(ids[0])
	for _, c := range []struct{ path, content, kind, disposition string }{
		{path + "/raw", "raw of One", "message/rfc822", `attachment; filename="` + string(ids[0]) + `.eml"`},
		{path + "/attachments/2", "%PDF", "application/pdf", `attachment; filename="___.pdf"; filename*=UTF-8''%E8%A6%8B%E7%A9%8D%E6%9B%B8.pdf`},
		{path + "/attachments/3", "", "image/png", `attachment; filename="logo.png"`},
	} {
		resp := must(o.as["ulla"].Send(t.Context(), "GET", c.path, "", nil))(t)
		if got := body(t, resp); resp.StatusCode != http.StatusOK || got != c.content {
			t.Errorf("%s: %d %q", c.path, resp.StatusCode, got)
		}
		for name, want := range map[string]string{
			"Content-Type": c.kind, "Content-Disposition": c.disposition,
			"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", c.path, name, got, want)
			}
		}
	}
	_, err := o.key.Attachment(t.Context(), ids[0], "9")
	wantCode(t, err, "attachment_not_found")
}

// A download that can't be begun is a problem; one that breaks off is cut, so
// that nobody takes a part for the whole.
func TestDownloadsThatBreakOff(t *testing.T) {
	o, _, ids := withMail(t)
	o.letters.err = errors.New("the part is broken")
	_, err := o.key.Attachment(t.Context(), ids[0], "3")
	wantCode(t, err, "internal")
	if _, err := o.key.Attachment(t.Context(), ids[0], "2"); err == nil {
		t.Error("the answer ended as if it were whole")
	}
	if err := o.blobs.DeleteAccount(t.Context(), o.account); err != nil {
		t.Fatal(err)
	}
	_, err = o.key.Raw(t.Context(), ids[0])
	wantCode(t, err, "content_lost")
}

func TestDeleteMessage(t *testing.T) {
	o, _, ids := withMail(t)
	ctx := t.Context()
	wantCode(t, o.as["uwe"].DeleteMessage(ctx, ids[0]), "role_forbidden")
	if err := o.as["mona"].DeleteMessage(ctx, ids[0]); err != nil {
		t.Fatal(err)
	}
	_, err := o.key.Message(ctx, ids[0])
	wantCode(t, err, "message_not_found")
	if n := len(o.blobs.kept[o.account]); n != 1 {
		t.Errorf("%d raw messages are kept, want the other one", n)
	}
	known := must(o.store.Known(ctx, o.account, []crm.Identity{{1}}))(t)
	if !known[crm.Identity{1}].Deleted {
		t.Error("the deleted message would be imported again")
	}
	o.blobs.err = errors.New("the disk is read-only")
	wantCode(t, o.as["mona"].DeleteMessage(ctx, ids[1]), "content_not_erased")
}
