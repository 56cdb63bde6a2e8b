package api_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/apitest"
	"mailsyncd.example/crm/api/wire"
)

// Bad input of every kind: each has its code, a sentence, and leaves nothing
// behind.
func TestBadInput(t *testing.T) {
	o := newOffice(t)
	manager, user := o.as["mona"], o.as["uwe"]
	big := strings.Repeat("a", 1<<20)
	const json = "application/json"
	o.refuses(t, map[string]badInput{
		"no JSON":              {o.key, "PUT /v1/contacts/k", json, `{"name":`, 400, "json_malformed", "", "JSON"},
		"two JSON values":      {o.key, "PUT /v1/contacts/k", json, `{} {}`, 400, "json_malformed", "", "JSON"},
		"not UTF-8":            {o.key, "PUT /v1/contacts/k", json, "{\"name\":\"\x8c\xa9\"}", 400, "json_malformed", "", "UTF-8"},
		"no body":              {o.key, "PUT /v1/contacts/k", json, ``, 400, "body_missing", "", "JSON object"},
		"null as the body":     {o.key, "PUT /v1/contacts/k", json, `null`, 422, "field_invalid", "body", "object"},
		"a form":               {o.key, "PUT /v1/contacts/k", "application/x-www-form-urlencoded", `name=x`, 415, "media_type_unsupported", "", "application/json"},
		"too much":             {o.key, "PUT /v1/contacts/k", json, `{"name":"` + big + `"}`, 413, "body_too_large", "", "1048576"},
		"unknown field":        {o.key, "PUT /v1/contacts/k", json, `{"nmae":"x"}`, 422, "field_unknown", "body.nmae", "no such field"},
		"wrong type":           {o.key, "PUT /v1/contacts/k", json, `{"name":1}`, 422, "field_invalid", "body.name", "expected string"},
		"wrong type in a list": {o.key, "PUT /v1/contacts/k", json, `{"addresses":[1]}`, 422, "field_invalid", "body.addresses[0]", "expected string"},
		"NUL":                  {o.key, "PUT /v1/contacts/k", json, `{"name":"a\u0000"}`, 422, "field_invalid", "body.name", "control characters"},
		"a missing field":      {o.key, "PUT /v1/users/u", json, `{"email":"u@sakura.example"}`, 422, "field_missing", "body.role", "add it"},
		"an unknown role":      {o.key, "PUT /v1/users/u", json, `{"email":"u@sakura.example","role":"boss"}`, 422, "field_invalid", "body.role", "one of"},
		"no address":           {o.key, "PUT /v1/contacts/k", json, `{"addresses":["k@kunde.example","nobody"]}`, 422, "address_invalid", "", "addresses[1]"},
		"no address in a user": {o.key, "PUT /v1/users/u", json, `{"email":"u","role":"user"}`, 422, "address_invalid", "", "email"},
		"a short token":        {o.key, "POST /v1/users/uwe/tokens", json, `{"ttl_seconds":0}`, 422, "field_invalid", "body.ttl_seconds", ">= 1"},
		"a long token":         {o.key, "POST /v1/users/uwe/tokens", json, `{"ttl_seconds":86401}`, 422, "field_invalid", "body.ttl_seconds", "<= 86400"},

		"an id with a control character": {o.key, "GET /v1/contacts/a%00b", "", "", 422, "parameter_invalid", "path.id", "id"},
		"an id that is too long":         {o.key, "GET /v1/contacts/" + strings.Repeat("x", 201), "", "", 422, "parameter_invalid", "path.id", "200"},
		"an id that is not UTF-8":        {o.key, "GET /v1/contacts/%8c%a9", "", "", 422, "parameter_invalid", "", "UTF-8"},
		"a query that is not UTF-8":      {o.key, "GET /v1/threads?q=%8c%a9", "", "", 422, "parameter_invalid", "", "UTF-8"},
		"a query that is cut off":        {o.key, "GET /v1/threads?q=%8", "", "", 422, "parameter_invalid", "", "encode"},
		"an unknown parameter":           {o.key, "GET /v1/contacts?limt=1", "", "", 422, "parameter_unknown", "query.limt", "no such parameter"},
		"a limit of 0":                   {o.key, "GET /v1/contacts?limit=0", "", "", 422, "parameter_invalid", "query.limit", ">= 1"},
		"a limit below 0":                {o.key, "GET /v1/events?limit=-1", "", "", 422, "parameter_invalid", "query.limit", ">= 1"},
		"a limit that is no number":      {o.key, "GET /v1/contacts?limit=many", "", "", 422, "parameter_invalid", "query.limit", "integer"},
		"a cursor of nobody's":           {o.key, "GET /v1/contacts?cursor=%21", "", "", 422, "cursor_invalid", "", "without one"},
		"a cursor of no event":           {o.key, "GET /v1/events?cursor=x", "", "", 422, "cursor_invalid", "", "without one"},
		"a Last-Event-ID below 0":        {o.key, "GET /v1/events/stream?after=-1", "", "", 422, "parameter_invalid", "query.after", ">= 0"},

		"a preset with port 0":      {manager, "POST /v1/presets", json, `{"name":"p","imap":{"host":"h.example","port":0}}`, 422, "port_invalid", "", "imap.port"},
		"a preset with port 65536":  {manager, "POST /v1/presets", json, `{"name":"p","imap":{"host":"h.example","port":65536}}`, 422, "port_invalid", "", "65535"},
		"a port beyond all numbers": {manager, "POST /v1/presets", json, `{"name":"p","imap":{"host":"h.example","port":99999999999999999999}}`, 422, "field_invalid", "body", "too big"},
		"a preset's SMTP port 0":    {manager, "POST /v1/presets", json, `{"name":"p","imap":{"host":"h.example"},"smtp":{"host":"h.example","port":0}}`, 422, "port_invalid", "", "smtp.port"},
		"a URL as host":             {manager, "POST /v1/presets", json, `{"name":"p","imap":{"host":"imaps://h.example"}}`, 422, "host_invalid", "", "imap.host"},
		"a host with a port":        {manager, "POST /v1/presets", json, `{"name":"p","imap":{"host":"h.example:993"}}`, 422, "host_invalid", "", "without a scheme"},
		"a host with a path":        {manager, "POST /v1/presets", json, `{"name":"p","imap":{"host":"h.example/x"}}`, 422, "host_invalid", "", "host"},
		"an empty host":             {manager, "POST /v1/presets", json, `{"name":"p","imap":{"host":" "}}`, 422, "host_invalid", "", "host"},
		"a long label":              {manager, "POST /v1/presets", json, `{"name":"p","imap":{"host":"` + strings.Repeat("x", 64) + `.example"}}`, 422, "host_invalid", "", "host"},
		"a bad SMTP host":           {manager, "POST /v1/presets", json, `{"name":"p","imap":{"host":"h.example"},"smtp":{"host":"h/x"}}`, 422, "host_invalid", "", "smtp.host"},
		"an SMTP port of 0":         {manager, "POST /v1/presets", json, `{"name":"p","imap":{"host":"h.example"},"smtp":{"host":"h.example","port":0}}`, 422, "port_invalid", "", "smtp.port"},
		"an unknown way to log in":  {manager, "POST /v1/presets", json, `{"name":"p","imap":{"host":"h.example"},"auth":"kerberos"}`, 422, "field_invalid", "body.auth", "one of"},
		"an unknown user name form": {manager, "POST /v1/presets", json, `{"name":"p","imap":{"host":"h.example"},"username":"own"}`, 422, "field_invalid", "body.username", "one of"},
		"a preset without a name":   {manager, "POST /v1/presets", json, `{"name":"","imap":{"host":"h.example"}}`, 422, "field_invalid", "body.name", ""},
		"a preset without IMAP":     {manager, "PUT /v1/presets/pre_0", json, `{"name":"p"}`, 422, "field_missing", "body.imap", "add it"},
		"an unknown security":       {manager, "POST /v1/presets", json, `{"name":"p","imap":{"host":"h.example","security":"ssl"}}`, 422, "field_invalid", "body.imap.security", "one of"},

		"an enrollment of nobody":    {o.key, "PUT /v1/enrollments/e", json, `{"contact_id":"nobody","sequence":"s"}`, 422, "contact_unknown", "", "contact_id"},
		"an enrollment of no one":    {o.key, "PUT /v1/enrollments/e", json, `{"sequence":"s"}`, 422, "field_missing", "body.contact_id", "add it"},
		"an unknown status":          {o.key, "PUT /v1/enrollments/e", json, `{"contact_id":"k","status":"done"}`, 422, "field_invalid", "body.status", "one of"},
		"an unknown enrollment":      {o.key, "GET /v1/enrollments/e", "", "", 404, "enrollment_not_found", "", ""},
		"a reply of nobody's":        {o.key, "GET /v1/contacts/nobody/reply-check", "", "", 404, "contact_not_found", "", ""},
		"a since that is no time":    {o.key, "GET /v1/contacts/k/reply-check?since=today", "", "", 422, "parameter_invalid", "query.since", ""},
		"a fresh that is no time":    {o.key, "GET /v1/contacts/k/reply-check?fresh=2", "", "", 422, "parameter_invalid", "query.fresh", "2s"},
		"a fresh below 0":            {o.key, "GET /v1/contacts/k/reply-check?fresh=-2s", "", "", 422, "parameter_invalid", "query.fresh", "2s"},
		"a fresh of too long":        {o.key, "GET /v1/contacts/k/reply-check?fresh=11s", "", "", 422, "parameter_invalid", "", "10s"},
		"a stale_after of too long":  {o.key, "GET /v1/contacts/k/reply-check?stale_after=25h", "", "", 422, "parameter_invalid", "", "24h"},
		"an unknown path":            {user, "GET /v1/nothing", "", "", 404, "route_unknown", "", "openapi.json"},
		"an unknown version":         {user, "GET /v2/links", "", "", 404, "route_unknown", "", "openapi.json"},
		"a method that is not there": {user, "PUT /v1/links", "", "", 405, "method_not_allowed", "", "GET, HEAD, POST"},
		"an unknown id":              {user, "GET /v1/messages/msg_0", "", "", 404, "message_not_found", "", ""},
	})
	if contacts := must(o.key.Send(t.Context(), "GET", "/v1/contacts", "", nil))(t); !strings.Contains(body(t, contacts), `"items":[]`) {
		t.Error("something was half-written")
	}
}

// badInput is a call that is refused, and how.
type badInput struct {
	by                       apitest.Client
	call, contentType, body  string
	status                   int
	code, location, inDetail string
}

func (o *office) refuses(t *testing.T, calls map[string]badInput) {
	t.Helper()
	for name, c := range calls {
		t.Run(name, func(t *testing.T) {
			p := o.problem(t, c.by, c.call, c.contentType, c.body)
			if p.Status != c.status || string(p.Code) != c.code || !strings.Contains(p.Detail, c.inDetail) {
				t.Errorf("got %d %s %q, want %d %s …%s…", p.Status, p.Code, p.Detail, c.status, c.code, c.inDetail)
			}
			if c.location != "" && (len(p.Errors) == 0 || p.Errors[0].Location != c.location) {
				t.Errorf("got the errors %+v, want the location %s", p.Errors, c.location)
			}
			if !strings.HasSuffix(p.Detail, ".") || p.Title != http.StatusText(c.status) || p.RequestID == "" {
				t.Errorf("not a whole problem: %+v", p)
			}
		})
	}
}

// What is wrong with a mailbox that somebody wants to link, or to look into.
func TestBadInputOfLinks(t *testing.T) {
	o := newOffice(t)
	user := o.as["uwe"]
	const json, link = "application/json", `"address":"uwe@sakura.example","password":"x"`
	o.refuses(t, map[string]badInput{
		"a link to nowhere":          {user, "POST /v1/links", json, `{` + link + `}`, 422, "server_missing", "", "preset_id"},
		"a link to two servers":      {user, "POST /v1/links", json, `{"preset_id":"pre_0","imap":{"host":"h.example"},` + link + `}`, 422, "server_missing", "", "one of them"},
		"an unknown preset":          {user, "POST /v1/links", json, `{"preset_id":"pre_0",` + link + `}`, 422, "preset_unknown", "", "/v1/presets"},
		"a password of lines":        {user, "POST /v1/links", json, `{"imap":{"host":"h.example"},"address":"uwe@sakura.example","password":"hunter\r\n2"}`, 422, "field_invalid", "body.password", "line breaks"},
		"a password of wrong type":   {user, "POST /v1/links/test", json, `{"imap":{"host":"h.example"},"address":"uwe@sakura.example","password":[40404]}`, 422, "field_invalid", "body.password", "string"},
		"a user name of two lines":   {user, "POST /v1/links", json, `{"imap":{"host":"h.example"},` + link + `,"username":"a\nb"}`, 422, "field_invalid", "body.username", "control"},
		"an address that is none":    {user, "POST /v1/links", json, `{"imap":{"host":"h.example"},"address":"uwe","password":"x"}`, 422, "address_invalid", "", "address"},
		"preview of nothing":         {user, "POST /v1/links/preview", json, `{}`, 422, "field_missing", "", "password"},
		"preview of nowhere":         {user, "POST /v1/links/preview", json, `{` + link + `}`, 422, "server_missing", "", "preset_id"},
		"preview without an address": {user, "POST /v1/links/preview", json, `{"imap":{"host":"h.example"},"password":"x"}`, 422, "address_invalid", "", "address"},
		"preview by both":            {user, "POST /v1/links/preview", json, `{"link_id":"lnk_0",` + link + `}`, 422, "server_missing", "", "link_id"},
		"preview of no link":         {user, "POST /v1/links/preview", json, `{"link_id":"lnk_0"}`, 404, "link_not_found", "", ""},
		"preview of an empty link":   {user, "POST /v1/links/preview", json, `{"link_id":""}`, 422, "field_invalid", "body.link_id", ""},
		"preview at a bad host":      {user, "POST /v1/links/preview", json, `{"imap":{"host":"h/x"},` + link + `}`, 422, "host_invalid", "", "imap.host"},
		"preview at no port":         {user, "POST /v1/links/preview", json, `{"imap":{"host":"h.example","port":0},` + link + `}`, 422, "port_invalid", "", "imap.port"},
		"preview with two lines":     {user, "POST /v1/links/preview", json, `{"imap":{"host":"h.example"},"address":"uwe@sakura.example","password":"hunter\r\n2"}`, 422, "field_invalid", "body.password", "line breaks"},
		"preview of no preset":       {user, "POST /v1/links/preview", json, `{"preset_id":"pre_0",` + link + `}`, 422, "preset_unknown", "", "/v1/presets"},
		"preview as nobody":          {user, "POST /v1/links/preview", json, `{"imap":{"host":"h.example"},` + link + `,"username":""}`, 422, "field_invalid", "body.username", ""},
		"discover nothing":           {user, "POST /v1/links/discover", json, `{}`, 422, "field_missing", "body.address", "add it"},
		"discover no address":        {user, "POST /v1/links/discover", json, `{"address":"uwe"}`, 422, "address_invalid", "", "address"},
		"discover a number":          {user, "POST /v1/links/discover", json, `{"address":7}`, 422, "field_invalid", "body.address", "string"},
		"discover a machine":         {user, "POST /v1/links/discover", json, `{"address":"uwe@[192.0.2.1]"}`, 422, "address_invalid", "", "number"},
		"discover a long address":    {user, "POST /v1/links/discover", json, `{"address":"` + strings.Repeat("x", 310) + `@sakura.example"}`, 422, "field_invalid", "body.address", "320"},
		"discover with a password":   {user, "POST /v1/links/discover", json, `{"address":"uwe@sakura.example","password":"hunter2"}`, 422, "field_unknown", "body.password", "no such field"},
		"an empty Message-ID":        {user, "POST /v1/explain", json, `{"message_id":"<>"}`, 422, "message_id_invalid", "", "Message-ID"},
		"explain without a link":     {user, "POST /v1/explain", json, `{"message_id":"x"}`, 404, "no_link", "", "link"},
	})
}

// problem makes a call that must fail, and checks that the answer echoes
// nothing of what may have been a password.
func (o *office) problem(t *testing.T, c apitest.Client, call, contentType, sent string) wire.Problem {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	resp, err := c.Send(t.Context(), method, path, contentType, strings.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	text := body(t, resp)
	if resp.StatusCode < 400 || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%s: %d %s, no problem: %s", call, resp.StatusCode, resp.Header.Get("Content-Type"), text)
	}
	for _, secret := range []string{"hunter", "40404"} {
		if strings.Contains(text, secret) {
			t.Errorf("the answer echoes the password: %s", text)
		}
	}
	p := decode[wire.Problem](t, text)
	o.documented(t, string(p.Code))
	return p
}

// documented fails where a code is not explained in the document.
func (o *office) documented(t *testing.T, code string) {
	t.Helper()
	if !bytes.Contains(o.document(t), []byte("`"+code+"`")) {
		t.Errorf("the code %s is not in the document", code)
	}
}

// What an account may not see is not found: neither read nor changed.
func TestOtherAccountsThingsAreNotFound(t *testing.T) {
	o := newOffice(t)
	names := o.things(t)
	_, key, others := o.open(t, "Fuji")
	for _, call := range []string{
		"GET /v1/links/{link}", "PATCH /v1/links/{link}", "DELETE /v1/links/{link}", "POST /v1/links/{link}/look",
		"GET /v1/messages/{message}", "GET /v1/messages/{message}/raw", "DELETE /v1/messages/{message}",
		"GET /v1/threads/{thread}", "GET /v1/mailboxes/{mailbox}", "POST /v1/mailboxes/{mailbox}/balance",
		"GET /v1/presets/{preset}", "DELETE /v1/presets/{preset}",
	} {
		if strings.HasPrefix(call, "PATCH") {
			call += ` {"password":"x"}`
		}
		if status := callStatus(t, others["olga"], names.Replace(call)); status != http.StatusNotFound {
			t.Errorf("%s: %d", call, status)
		}
	}
	for _, path := range []string{"/v1/messages", "/v1/threads", "/v1/mailboxes", "/v1/links", "/v1/contacts", "/v1/events", "/v1/usage"} {
		if text := body(t, must(key.Send(t.Context(), "GET", path, "", nil))(t)); !strings.Contains(text, `"items":[]`) {
			t.Errorf("%s shows another account's things: %s", path, text)
		}
	}
}

// Hosts come into one form, and port and security follow from each other.
func TestServersAreFilledIn(t *testing.T) {
	o := newOffice(t)
	port := func(n int) *int { return &n }
	security := func(s crm.Security) *crm.Security { return &s }
	for name, c := range map[string]struct {
		in   wire.ServerInput
		want wire.Server
	}{
		"host alone":         {wire.ServerInput{Host: " IMAP.Example.COM. "}, wire.Server{Host: "imap.example.com", Port: 993, Security: "tls"}},
		"STARTTLS":           {wire.ServerInput{Host: "h.example", Security: security("starttls")}, wire.Server{Host: "h.example", Port: 143, Security: "starttls"}},
		"the port of none":   {wire.ServerInput{Host: "h.example", Port: port(143)}, wire.Server{Host: "h.example", Port: 143, Security: "starttls"}},
		"a port of its own":  {wire.ServerInput{Host: "h.example", Port: port(10993)}, wire.Server{Host: "h.example", Port: 10993, Security: "tls"}},
		"none, as asked for": {wire.ServerInput{Host: "127.0.0.1", Port: port(143), Security: security("none")}, wire.Server{Host: "127.0.0.1", Port: 143, Security: "none"}},
		"a Japanese name":    {wire.ServerInput{Host: "メール.example"}, wire.Server{Host: "xn--4dkua4c.example", Port: 993, Security: "tls"}},
		"IPv6 in brackets":   {wire.ServerInput{Host: "[2001:DB8::1]"}, wire.Server{Host: "2001:db8::1", Port: 993, Security: "tls"}},
		"an underscore":      {wire.ServerInput{Host: "mail_server"}, wire.Server{Host: "mail_server", Port: 993, Security: "tls"}},
	} {
		p := must(o.as["mona"].CreatePreset(t.Context(), wire.PresetInput{Name: "p", IMAP: c.in}))(t)
		if p.IMAP != c.want {
			t.Errorf("%s: got %+v, want %+v", name, p.IMAP, c.want)
		}
	}
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
