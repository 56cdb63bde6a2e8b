package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

// A customer's mail, handed to the mail server, becomes a signed post to the
// endpoint that somebody registered; private mail does not.
func TestMailReachesAWebhook(t *testing.T) {
	type post struct {
		header http.Header
		body   []byte
	}
	posts := make(chan post, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		posts <- post{r.Header, body}
	}))
	defer receiver.Close()
	dovecot := dovecottest.Start(t)
	f := openFirm(t, serve(t, t.TempDir()), dovecot, "elena@rossi.example")
	dan := f.user("dan", crm.RoleUser)
	f.mailbox("dan@acme.example")
	l := f.link(dan, "dan@acme.example")
	f.look(dan, l)
	hook := call[struct{ ID, Secret string }](t, f.key, http.MethodPost, "/v1/webhooks", map[string]any{
		"url": receiver.URL, "types": []string{"message.imported"}, "include": []string{"message"},
	})
	dovecot.Deliver(t, "dan@acme.example", mailOf("tooth@dentist", doctor, danTo, "Tuesday", "private"))
	dovecot.Deliver(t, "dan@acme.example", mailOf("ask@rossi", elena, danTo, "An offer, please", "forty chairs"))

	got := <-posts
	verifier, err := standardwebhooks.NewWebhook(hook.Secret)
	if err == nil {
		err = verifier.Verify(got.body, got.header)
	}
	if err != nil {
		t.Fatalf("%v: %v %s", err, got.header, got.body)
	}
	var said struct {
		Type    crm.EventType
		Account string `json:"account_id"`
		Data    struct {
			Message  string          `json:"message_id"`
			Contacts []crm.ContactID `json:"contact_ids"`
		}
		Message struct{ Subject, Text, Snippet string }
	}
	if err := json.Unmarshal(got.body, &said); err != nil {
		t.Fatal(err)
	}
	if said.Type != crm.MessageImported || said.Account != f.account || said.Message.Subject != "An offer, please" ||
		said.Data.Message == "" || len(said.Data.Contacts) != 1 {
		t.Errorf("posted %s", got.body)
	}
	tested := call[struct{ OK bool }](t, f.key, http.MethodPost, "/v1/webhooks/"+hook.ID+"/test", nil)
	if test := <-posts; !tested.OK || verifier.Verify(test.body, test.header) != nil {
		t.Errorf("tested: %v, %s", tested, test.body)
	}
}

// An endpoint in a private network that the operator did not name, or without
// TLS outside of one, is refused before anything is stored.
func TestPrivateWebhookIsRefused(t *testing.T) {
	f := openFirm(t, serve(t, t.TempDir()), nil)
	for url, code := range map[string]string{
		"https://10.1.2.3/x":            "host_not_allowed",
		"https://[::ffff:10.1.2.3]/x":   "host_not_allowed",
		"https://[::1]:443/x":           "host_not_allowed",
		"https://169.254.169.254/x":     "host_not_allowed",
		"http://93.184.216.34/x":        "host_not_allowed",
		"https://93.184.216.34:25/x":    "host_not_allowed",
		"https://me:pw@93.184.216.34/x": "url_invalid",
		"https://93.184.216.34/#x":      "url_invalid",
		"https://93.184.216.34:0/":      "url_invalid",
		"ftp://93.184.216.34/x":         "url_invalid",
		"hooks.example":                 "url_invalid",
		"https://":                      "url_invalid",
		"https:x":                       "url_invalid",
	} {
		err := f.key.call(t.Context(), http.MethodPost, "/v1/webhooks", map[string]any{"url": url}, nil)
		if crm.CodeOf(err) != code {
			t.Errorf("%s: %v, want %s", url, err, code)
		}
	}
	if hooks := all[struct{ ID string }](t, f.key, "/v1/webhooks", nil); len(hooks) > 0 {
		t.Errorf("stored: %v", hooks)
	}
}
