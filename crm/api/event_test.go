package api_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api"
	"mailsyncd.example/crm/api/wire"
)

// Events come in order, page by page; of links a user sees their own.
func TestEvents(t *testing.T) {
	o, l, ids := withMail(t)
	ctx := t.Context()
	all := must(o.key.Events(ctx, 0))(t)
	for i, e := range all {
		if e.Seq != int64(i+1) || !strings.HasPrefix(string(e.ID), "evt_") || e.At.IsZero() {
			t.Errorf("event %d is %+v", i, e)
		}
	}
	if all[0].Type != crm.LinkCreated || !strings.Contains(string(all[0].Data), string(l.ID)) {
		t.Errorf("the first event is %+v", all[0])
	}
	imported := slices.DeleteFunc(slices.Clone(all), func(e wire.Event) bool { return e.Type != crm.MessageImported })
	if len(imported) != 2 || !strings.Contains(string(imported[0].Data), string(ids[0])) {
		t.Errorf("the imports are told as %+v", imported)
	}
	if rest := must(o.key.Events(ctx, 2))(t); len(rest) != len(all)-2 || rest[0].Seq != 3 {
		t.Errorf("after 2: %+v", rest)
	}
	page := decode[wire.List[wire.Event]](t, body(t, must(o.key.Send(ctx, "GET", "/v1/events?limit=2&cursor=1", "", nil))(t)))
	if len(page.Items) != 2 || page.Items[0].Seq != 2 || page.Next != "3" {
		t.Errorf("a page: %+v", page)
	}
	for who, sees := range map[string]bool{"uwe": true, "mona": true, "ulla": false} {
		events := must(o.as[who].Events(ctx, 0))(t)
		if got := slices.ContainsFunc(events, func(e wire.Event) bool { return e.Type == crm.LinkCreated }); got != sees {
			t.Errorf("%s sees Uwe's link: %v", who, got)
		}
		if !slices.ContainsFunc(events, func(e wire.Event) bool { return e.Type == crm.MessageImported }) {
			t.Errorf("%s does not see mail", who)
		}
	}
}

// A stream gives what there is and then what comes, and goes on where a
// client that lost it was.
func TestStream(t *testing.T) {
	o, l, _ := withMail(t)
	before := must(o.key.Events(t.Context(), 0))(t)
	var got []wire.Event
	for e, err := range o.key.Stream(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
		if len(got) == len(before)-1 { // all there is; now something happens
			if err := o.as["uwe"].Unlink(t.Context(), l.ID); err != nil {
				t.Fatal(err)
			}
		}
		if e.Type == crm.LinkEnded {
			break
		}
	}
	for i, e := range got {
		if e.Seq != int64(i+2) {
			t.Errorf("event %d of the stream has the number %d", i, e.Seq)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", o.url+"/v1/events/stream?after=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.key.Token)
	req.Header.Set("Last-Event-ID", "2")
	resp := must(http.DefaultClient.Do(req))(t)
	defer func() { resp.Body.Close(); <-o.bell.left }()
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("the stream is %s", kind)
	}
	first := readUntil(t, resp, "\n\nid: ")
	if !strings.HasSuffix(first+readUntil(t, resp, "\n"), "id: 3\n") {
		t.Errorf("the stream goes on with %q", first)
	}
}

// readUntil reads a stream up to a mark.
func readUntil(t *testing.T, resp *http.Response, mark string) string {
	t.Helper()
	var text strings.Builder
	for one := make([]byte, 1); !strings.HasSuffix(text.String(), mark); {
		if _, err := resp.Body.Read(one); err != nil {
			t.Fatalf("after %q: %v", text.String(), err)
		}
		text.Write(one)
	}
	return text.String()
}

// A stream ends when the daemon stops, without an error.
func TestStreamEndsWithTheDaemon(t *testing.T) {
	o := newOffice(t)
	o.link(t, "uwe")
	n := 0
	for _, err := range o.key.Stream(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		close(o.closing)
	}
	if n != 1 {
		t.Errorf("%d events", n)
	}
	<-o.bell.left
}

// A client that goes away is not listened for any longer.
func TestStreamEndsWithItsClient(t *testing.T) {
	o := newOffice(t)
	o.link(t, "uwe")
	for _, err := range o.key.Stream(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	<-o.bell.left
}

// While nothing happens a comment shows that the other side is there. At each
// of them the token is looked at: who may not ask any more is not told more.
func TestStreamsHeartbeat(t *testing.T) {
	o := newOfficeWith(t, func(opts api.Options) http.Handler { return api.NewBeating(opts, time.Millisecond) })
	for what, end := range map[string]func(){
		"the token expires": func() { o.clock.advance(2 * time.Hour) },
		"the user is deactivated": func() {
			inactive := false
			must(o.key.PutUser(t.Context(), "uwe", wire.UserInput{Email: "uwe@sakura.example", Role: crm.RoleUser, Active: &inactive}))(t)
		},
		"the account is disabled": func() {
			disabled := crm.AccountDisabled
			must(o.client.UpdateAccount(t.Context(), o.account, wire.AccountPatch{AccountSettings: wire.AccountSettings{Status: &disabled}}))(t)
		},
	} {
		active := crm.AccountActive
		must(o.client.UpdateAccount(t.Context(), o.account, wire.AccountPatch{AccountSettings: wire.AccountSettings{Status: &active}}))(t)
		must(o.key.PutUser(t.Context(), "uwe", wire.UserInput{Email: "uwe@sakura.example", Role: crm.RoleUser}))(t)
		uwe := o.key.As(must(o.key.UserToken(t.Context(), "uwe"))(t))
		resp := must(uwe.Send(t.Context(), "GET", "/v1/events/stream", "", nil))(t)
		readUntil(t, resp, "\n\n:\n\n:\n\n")
		end()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil { // returns at the stream's end
			t.Errorf("%s: %v", what, err)
		}
		resp.Body.Close()
		<-o.bell.left
	}
}

// Who asks for the header alone is not kept waiting for events.
func TestHeadOfAStream(t *testing.T) {
	o := newOffice(t)
	resp := must(o.key.Send(t.Context(), "HEAD", "/v1/events/stream", "", nil))(t)
	if body(t, resp); resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
}
