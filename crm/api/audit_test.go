package api_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/apitest"
)

// audited is what each operation that changes something writes into the audit;
// "" with a reason where it is not a matter for it.
var audited = []struct{ op, call, as, action string }{
	{"update-account", `PATCH /v1/accounts/{account} {"contact_visibility":"owner_only"}`, "operator", "account.updated"},
	{"create-key", `POST /v1/accounts/{account}/keys {"name":"second"}`, "operator", "key.created"},
	{"delete-key", "DELETE /v1/accounts/{account}/keys/{key}", "operator", "key.deleted"},
	{"put-user", `PUT /v1/users/ulla {"email":"ulla@sakura.example","role":"manager"}`, "key", "user.role_changed"},
	{"put-user", `PUT /v1/users/ulla {"email":"ulla@sakura.example","role":"manager","active":false}`, "key", "user.disabled"},
	{"put-user", `PUT /v1/users/ulla {"email":"ulla@sakura.example","role":"manager","active":true}`, "key", "user.enabled"},
	{"delete-user", "DELETE /v1/users/ulla", "key", "user.deleted"},
	{"put-user", `PUT /v1/users/new {"email":"new@sakura.example","role":"user"}`, "key", "user.created"},
	{"create-preset", `POST /v1/presets {"name":"Second","imap":{"host":"imap.sakura.example"}}`, "mona", "preset.created"},
	{"update-preset", `PUT /v1/presets/{preset} {"name":"First","imap":{"host":"imap.sakura.example"}}`, "adam", "preset.updated"},
	{"delete-preset", "DELETE /v1/presets/{preset}", "olga", "preset.deleted"},
	{"create-link", `POST /v1/links {"address":"mona@sakura.example","password":"p","imap":{"host":"imap.sakura.example"}}`, "mona", "link.created"},
	{"update-link", `PATCH /v1/links/{link} {"password":"x"}`, "uwe", "link.credential_changed"},
	{"delete-link", "DELETE /v1/links/{link}", "uwe", "link.ended"},
	{"create-webhook", `POST /v1/webhooks {"url":"https://hooks.example/?key=hidden"}`, "mona", "webhook.created"},
	{"update-webhook", `PUT /v1/webhooks/{webhook} {"url":"https://hooks.example/x"}`, "key", "webhook.updated"},
	{"rotate-webhook", "POST /v1/webhooks/{webhook}/rotate", "mona", "webhook.secret_rotated"},
	{"delete-webhook", "DELETE /v1/webhooks/{webhook}", "mona", "webhook.deleted"},
	{"delete-message", "DELETE /v1/messages/{message}", "mona", "message.deleted"},
}

// unaudited are the others, and why.
var unaudited = map[string]string{
	"create-account":    "the account is new; TestAudit sees account.created",
	"delete-account":    "the audit goes with the account",
	"create-token":      "a session of a person, who is named by what they do in it",
	"put-contact":       "the CRM's own data, of which the CRM keeps the history",
	"import-contacts":   "likewise",
	"delete-contact":    "likewise",
	"put-enrollment":    "likewise",
	"delete-enrollment": "likewise",
	"discover-link":     "changes nothing",
	"test-link":         "changes nothing",
	"preview-link":      "changes nothing",
	"begin-oauth":       "changes nothing before its user comes back; TestLinkBySigningIn sees link.created",
	"renew-oauth":       "likewise; TestSigningInAgain sees link.credential_changed",
	"look-link":         "changes nothing",
	"explain":           "changes nothing",
	"balance-mailbox":   "changes nothing that people decide",
	"test-webhook":      "changes nothing",
	"redeliver":         "changes nothing",
}

func TestAudit(t *testing.T) {
	o := newOffice(t)
	names := o.things(t)
	callers := map[string]apitest.Client{"operator": o.client, "key": o.key}
	for who, c := range o.as {
		callers[who] = c
	}
	before := must(o.key.Audit(t.Context()))(t)
	last := before[len(before)-1]
	if last.Action != string(crm.AuditAccountCreated) || last.Actor.Kind != "operator" {
		t.Errorf("the account's first line: %+v", last)
	}
	for _, a := range audited {
		o.clock.advance(time.Second) // what is newer has a later id
		newest := must(o.client.Keys(t.Context(), o.account))(t)[0].ID
		call := strings.ReplaceAll(names.Replace(a.call), "{key}", string(newest))
		before := must(o.as["olga"].Audit(t.Context()))(t)
		if status := callStatus(t, callers[a.as], call); status >= 300 {
			t.Errorf("%s: status %d", a.op, status)
			continue
		}
		after := must(o.as["olga"].Audit(t.Context()))(t)
		if len(after) != len(before)+1 {
			t.Errorf("%s wrote %d lines", a.op, len(after)-len(before))
			continue
		}
		e := after[0]
		kind, id := "user", a.as
		if a.as == "operator" || a.as == "key" {
			kind, id = a.as, e.Actor.ID // a key's id is its own
		}
		if e.Action != a.action || e.Actor.Kind != kind || e.Actor.ID != id || (kind == "key") != strings.HasPrefix(e.Actor.ID, "key_") || !e.At.Equal(o.clock.Now()) {
			t.Errorf("%s as %s wrote %+v", a.op, a.as, e)
		}
		for key, value := range e.Detail {
			if strings.Contains(value, "hidden") {
				t.Errorf("%s wrote a secret as %s", a.op, key)
			}
		}
	}
}

// Whoever adds a route that changes something says what the audit shows of it.
func TestAuditOfEveryRoute(t *testing.T) {
	var ops []string
	for _, a := range audited {
		ops = append(ops, a.op)
	}
	for _, r := range rows {
		if strings.HasPrefix(r.call, "GET ") || slices.Contains(ops, r.op) {
			continue
		}
		if unaudited[r.op] == "" {
			t.Errorf("%s changes something: say what the audit shows of it, or why it shows nothing", r.op)
		}
	}
}
