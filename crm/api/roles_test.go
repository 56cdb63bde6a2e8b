package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/apitest"
	"mailsyncd.example/crm/api/wire"
)

// row says what becomes of a call of one operation, caller by caller. The
// columns: operator, account key, owner, admin, manager, user (whose things
// they are), another user of the account, a user of another account.
//
//	y  goes through (to success, or to a refusal that is not about who calls)
//	f  403, forbidden
//	n  404, not found
type row struct {
	op, call string // call: method, path and body; {link} and the like stand for what is Uwe's
	may      string
}

var rows = []row{
	// Accounts and keys are the operator's.
	{"create-account", "POST /v1/accounts {}", "yfffffff"},
	{"list-accounts", "GET /v1/accounts", "yfffffff"},
	{"get-account", "GET /v1/accounts/{account}", "yfffffff"},
	{"update-account", "PATCH /v1/accounts/{account} {}", "yfffffff"},
	{"delete-account", "DELETE /v1/accounts/acc_0", "nfffffff"},
	{"create-key", "POST /v1/accounts/{account}/keys {}", "yfffffff"},
	{"list-keys", "GET /v1/accounts/{account}/keys", "yfffffff"},
	{"delete-key", "DELETE /v1/accounts/{account}/keys/key_0", "nfffffff"},

	// The CRM's back end brings users and contacts.
	{"list-users", "GET /v1/users", "fyffffff"},
	{"put-user", "PUT /v1/users/uwe {}", "fyffffff"},
	{"get-user", "GET /v1/users/uwe", "fyffffff"},
	{"delete-user", "DELETE /v1/users/nobody", "fnffffff"},
	{"get-handover", "GET /v1/users/uwe/handover", "fyyyyffy"},
	{"create-token", "POST /v1/users/uwe/tokens {}", "fyffffff"},
	{"list-contacts", "GET /v1/contacts", "fyyyyyyy"},
	{"list-suspects", "GET /v1/contacts/internal-suspects", "fyyyyffy"},
	{"import-contacts", "POST /v1/contacts/import {}", "fyffffff"},
	{"put-contact", "PUT /v1/contacts/kunde {}", "fyffffff"},
	{"get-contact", "GET /v1/contacts/kunde", "fyyyyyyn"},
	{"delete-contact", "DELETE /v1/contacts/nobody", "fnffffff"},

	// Sales automation is the back end's.
	{"check-reply", "GET /v1/contacts/kunde/reply-check", "fyffffff"},
	{"list-enrollments", "GET /v1/enrollments", "fyffffff"},
	{"put-enrollment", `PUT /v1/enrollments/e1 {"contact_id":"kunde"}`, "fyffffff"},
	{"get-enrollment", "GET /v1/enrollments/e1", "fyffffff"},
	{"delete-enrollment", "DELETE /v1/enrollments/nobody", "fnffffff"},

	// Presets are kept by manager and up.
	{"create-preset", "POST /v1/presets {}", "ffyyyffy"},
	{"list-presets", "GET /v1/presets", "fyyyyyyy"},
	{"get-preset", "GET /v1/presets/{preset}", "fyyyyyyn"},
	{"update-preset", `PUT /v1/presets/{preset} {"name":"x","imap":{"host":"x.example"}}`, "ffyyyffn"},
	{"delete-preset", "DELETE /v1/presets/pre_0", "ffnnnffn"},

	// A mailbox is linked, changed and unlinked by its own user alone; seen
	// by manager and up and the back end.
	{"discover-link", `POST /v1/links/discover {"address":"uwe@sakura.example"}`, "ffyyyyyy"},
	{"test-link", "POST /v1/links/test {}", "ffyyyyyy"},
	{"preview-link", "POST /v1/links/preview {}", "ffyyyyyy"},
	{"create-link", "POST /v1/links {}", "ffyyyyyy"},
	{"begin-oauth", "POST /v1/links/oauth {}", "ffyyyyyy"},
	{"renew-oauth", "POST /v1/links/{link}/oauth", "fffffynn"},
	{"finish-oauth", "GET /v1/oauth/callback", "yyyyyyyy"},
	{"list-links", "GET /v1/links", "fyyyyyyy"},
	{"get-link", "GET /v1/links/{link}", "fyyyyynn"},
	{"update-link", `PATCH /v1/links/{link} {"password":"x"}`, "fffffynn"},
	{"delete-link", "DELETE /v1/links/{link}", "fffffynn"},
	{"look-link", "POST /v1/links/{link}/look", "ffyyyynn"},
	{"get-receipt", "GET /v1/links/{link}/receipt", "fyyyyynn"},
	{"explain", `POST /v1/explain {"message_id":"x"}`, "ffnnnynn"},

	// Health and usage are for manager and up, and the back end.
	{"list-mailboxes", "GET /v1/mailboxes", "fyyyyffy"},
	{"get-mailbox", "GET /v1/mailboxes/{mailbox}", "fyyyyffn"},
	{"balance-mailbox", "POST /v1/mailboxes/{mailbox}/balance", "fyyyyffn"},
	{"list-usage", "GET /v1/usage", "fyyyyffy"},
	{"list-audit", "GET /v1/audit", "fyyyyffy"},

	// Mail is read by everybody in the account; deleted by manager and up.
	{"list-threads", "GET /v1/threads", "fyyyyyyy"},
	{"get-thread", "GET /v1/threads/{thread}", "fyyyyyyn"},
	{"list-messages", "GET /v1/messages", "fyyyyyyy"},
	{"get-message", "GET /v1/messages/{message}", "fyyyyyyn"},
	{"get-raw-message", "GET /v1/messages/{message}/raw", "fyyyyyyn"},
	{"get-attachment", "GET /v1/messages/{message}/attachments/2", "fyyyyyyn"},
	{"delete-message", "DELETE /v1/messages/msg_0", "ffnnnffn"},
	{"list-events", "GET /v1/events", "fyyyyyyy"},
	{"stream-events", "GET /v1/events/stream?after=x", "fyyyyyyy"},

	// Webhooks are kept by manager and up, and the back end.
	{"create-webhook", "POST /v1/webhooks {}", "fyyyyffy"},
	{"list-webhooks", "GET /v1/webhooks", "fyyyyffy"},
	{"get-webhook", "GET /v1/webhooks/{webhook}", "fyyyyffn"},
	{"update-webhook", `PUT /v1/webhooks/{webhook} {"url":"https://hooks.example/x"}`, "fyyyyffn"},
	{"rotate-webhook", "POST /v1/webhooks/{webhook}/rotate", "fyyyyffn"},
	{"test-webhook", "POST /v1/webhooks/{webhook}/test", "fyyyyffn"},
	{"list-deliveries", "GET /v1/webhooks/{webhook}/deliveries", "fyyyyffn"},
	{"redeliver", "POST /v1/webhooks/{webhook}/deliveries/dlv_0/redeliver", "fnnnnffn"},
	{"delete-webhook", "DELETE /v1/webhooks/whk_0", "fnnnnffn"},

	{"get-healthz", "GET /healthz", "yyyyyyyy"},
	{"get-readyz", "GET /readyz", "yyyyyyyy"},
	{"get-metrics", "GET /metrics", "yfffffff"},
	{"get-openapi", "GET /openapi.json", "yyyyyyyy"},
}

// The table is the contract's roles, row by row. The user of the other account
// is its owner, so that what keeps them out is the account and not the role.
func TestWhoMayDoWhat(t *testing.T) {
	o := newOffice(t)
	_, _, others := o.open(t, "Fuji")
	names, doc := o.things(t), operations()
	callers := []apitest.Client{o.client, o.key, o.as["olga"], o.as["adam"], o.as["mona"], o.as["uwe"], o.as["ulla"], others["olga"]}
	called := []string{"operator", "key", "owner", "admin", "manager", "user", "another user", "another account"}
	for _, r := range rows {
		for i, c := range callers {
			if r.op == "delete-link" && r.may[i] == 'y' {
				continue // would end what the rows after it need; TestUnlink is about it
			}
			status := doc[r.op].callStatus(t, c, names.Replace(r.call))
			want := map[byte]string{'y': "neither 401 nor 403 nor 404 nor 5xx", 'f': "403", 'n': "404"}[r.may[i]]
			fine := status < 500 && status != 401 && status != 403 && status != 404
			if r.may[i] != 'y' {
				fine = fmt.Sprint(status) == want
			}
			if !fine {
				t.Errorf("%s as %s: got %d, want %s", r.op, called[i], status, want)
			}
		}
	}
}

// Without a valid token nothing is open but what says so.
func TestNobodyGetsIn(t *testing.T) {
	o := newOffice(t)
	names, doc := o.things(t), operations()
	expired := o.as["olga"]
	o.clock.advance(2 * time.Hour)
	callers := map[string]apitest.Client{
		"nobody": o.client.As(""), "a forger": o.client.As("msk_" + strings.Repeat("A", 32)), "an expired token": expired,
	}
	for _, r := range rows {
		open := strings.Count(r.may, "y") == len(r.may)
		for who, c := range callers {
			status := doc[r.op].callStatus(t, c, names.Replace(r.call))
			if open == (status == http.StatusUnauthorized) {
				t.Errorf("%s by %s: %d", r.op, who, status)
			}
		}
	}
}

// Every operation of the document has its row, and every row its operation.
func TestEveryOperationHasARow(t *testing.T) {
	o := newOffice(t)
	inTable := map[string]string{}
	for _, r := range rows {
		inTable[r.op] = r.call
	}
	for id, pattern := range o.operations(t) {
		call, ok := inTable[id]
		if !ok {
			t.Errorf("%s (%s) has no row in the table of roles", id, pattern)
			continue
		}
		method, path, _ := strings.Cut(pattern, " ")
		segments := strings.Count(strings.Split(call, " ")[1], "/")
		if !strings.HasPrefix(call, method+" ") || segments != strings.Count(path, "/") {
			t.Errorf("the row of %s calls %s, not %s", id, call, pattern)
		}
		delete(inTable, id)
	}
	for id := range inTable {
		t.Errorf("the row %s stands for no operation", id)
	}
}

// operations reads the document: ids with method and path.
func (o *office) operations(t *testing.T) map[string]string {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(o.document(t), &doc); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			ids[op.OperationID] = strings.ToUpper(method) + " " + path
		}
	}
	return ids
}

// things makes one of everything, Uwe's where it is anybody's.
func (o *office) things(t *testing.T) *strings.Replacer {
	t.Helper()
	must(o.key.PutContact(t.Context(), "kunde", wire.ContactInput{Name: "Kunde", Addresses: []string{"kunde@kunde.example"}}))(t)
	preset := must(o.as["mona"].CreatePreset(t.Context(), wire.PresetInput{Name: "Office", IMAP: wire.ServerInput{Host: "imap.sakura.example"}}))(t)
	link := o.link(t, "uwe")
	id := o.imports(t, link, mailFrom("kunde", "kunde@kunde.example", "Hello"))[0]
	m := must(o.key.Message(t.Context(), id))(t)
	webhook := must(o.key.CreateWebhook(t.Context(), wire.WebhookInput{URL: "https://hooks.example/sakura"}))(t)
	return strings.NewReplacer("{account}", string(o.account), "{preset}", string(preset.ID), "{webhook}", string(webhook.ID), "{link}", string(link.ID),
		"{mailbox}", string(link.MailboxID), "{thread}", string(m.ThreadID), "{message}", string(m.ID))
}

// callStatus makes the call of a row.
func callStatus(t *testing.T, c apitest.Client, call string) int {
	t.Helper()
	resp := sendCall(t, c, call)
	defer resp.Body.Close()
	page := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") // for a person
	if resp.StatusCode >= 400 && !page && resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %d without a problem document", call, resp.StatusCode)
	}
	return resp.StatusCode
}

// sendCall makes the call of a row; the caller closes the answer's body.
func sendCall(t *testing.T, c apitest.Client, call string) *http.Response {
	t.Helper()
	parts := strings.SplitN(call, " ", 3)
	contentType, body := "", ""
	if len(parts) == 3 {
		contentType, body = "application/json", parts[2]
	}
	resp, err := c.Send(t.Context(), parts[0], parts[1], contentType, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// The role is the one at the time of the request, not of the token.
func TestRoleIsTheOneOfThisMoment(t *testing.T) {
	o := newOffice(t)
	_, err := o.as["uwe"].Mailboxes(t.Context())
	wantCode(t, err, "role_forbidden")
	must(o.key.PutUser(t.Context(), "uwe", wire.UserInput{Email: "uwe@sakura.example", Role: crm.RoleManager}))(t)
	must(o.as["uwe"].Mailboxes(t.Context()))(t)
}

// Disabling an account locks its users out; its back end may still look.
func TestDisabledAccount(t *testing.T) {
	o := newOffice(t)
	link := o.link(t, "uwe")
	disabled := crm.AccountDisabled
	must(o.client.UpdateAccount(t.Context(), o.account, wire.AccountPatch{AccountSettings: wire.AccountSettings{Status: &disabled}}))(t)
	_, err := o.as["uwe"].Links(t.Context())
	wantCode(t, err, "account_disabled")
	if l := must(o.key.Link(t.Context(), link.ID))(t); l.Status != crm.LinkUnlinked || l.EndedBy != crm.EndedAccountDisabled {
		t.Errorf("the link is %s, ended by %q", l.Status, l.EndedBy)
	}
	_, err = o.key.PutContact(t.Context(), "new", wire.ContactInput{})
	wantCode(t, err, "account_disabled")
}
