package api_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mailsyncd.example/crm/api/wire"
)

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// document reads /openapi.json.
func (o *office) document(t *testing.T) []byte {
	t.Helper()
	resp := must(o.client.As("").Send(t.Context(), "GET", "/openapi.json", "", nil))(t)
	return []byte(body(t, resp))
}

// The document is what a generator of clients expects: OpenAPI 3.1, operations
// with ids, answers and errors, and no reference into nothing.
func TestDocument(t *testing.T) {
	o := newOffice(t)
	doc := decode[map[string]any](t, string(o.document(t)))
	if doc["openapi"] != "3.1.0" {
		t.Errorf("openapi is %v", doc["openapi"])
	}
	if info := doc["info"].(map[string]any); info["title"] != "mailsyncd" || info["version"] != "1.2.3" {
		t.Errorf("info is %v", info)
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	for _, ref := range refs(doc) {
		if _, ok := schemas[strings.TrimPrefix(ref, "#/components/schemas/")]; !ok {
			t.Errorf("%s leads nowhere", ref)
		}
	}
	for path, methods := range doc["paths"].(map[string]any) {
		for method, op := range methods.(map[string]any) {
			checkOperation(t, method+" "+path, op.(map[string]any))
		}
	}
	for name, schema := range schemas {
		closed := schema.(map[string]any)["additionalProperties"] == false
		sent := strings.HasSuffix(name, "Input") || strings.HasSuffix(name, "Patch") || strings.HasSuffix(name, "Line")
		if closed != sent {
			t.Errorf("%s: closed to unknown fields: %v; it should be so for what is sent to us, and only that", name, closed)
		}
	}
}

// Everything but the plainest reading says what it is for, and what is said is
// about an operation that there is.
func TestOperationsSayWhatTheyAreFor(t *testing.T) {
	doc := decode[struct {
		Paths map[string]map[string]struct{ OperationID, Description string }
	}](t, string(newOffice(t).document(t)))
	for path, methods := range doc.Paths {
		for method, op := range methods {
			plain := method == "get" && (strings.HasPrefix(op.OperationID, "list-") || strings.HasPrefix(op.OperationID, "get-"))
			if about := wire.About(op.OperationID); about == "" && !plain || !strings.HasPrefix(op.Description, about) {
				t.Errorf("%s %s (%s) says %q", method, path, op.OperationID, op.Description)
			}
		}
	}
}

func checkOperation(t *testing.T, name string, op map[string]any) {
	t.Helper()
	answers := op["responses"].(map[string]any)
	if op["operationId"] == nil || op["summary"] == nil || op["description"] == nil {
		t.Errorf("%s has no id, summary or description", name)
	}
	if _, ok := answers["default"].(map[string]any)["content"].(map[string]any)["application/problem+json"]; !ok {
		t.Errorf("%s does not say what its problems look like", name)
	}
	if len(answers) < 2 {
		t.Errorf("%s does not say what success looks like", name)
	}
	for _, status := range []string{"200", "201"} {
		if a, ok := answers[status].(map[string]any); ok && a["content"] == nil {
			t.Errorf("%s: %s has no content", name, status)
		}
	}
	params, _ := op["parameters"].([]any)
	for _, segment := range strings.Split(strings.Split(name, " ")[1], "/") {
		if param, ok := strings.CutPrefix(segment, "{"); ok && !slices.ContainsFunc(params, func(p any) bool {
			return p.(map[string]any)["name"] == strings.TrimSuffix(param, "}")
		}) {
			t.Errorf("%s does not document {%s", name, param)
		}
	}
}

// refs finds all references in a document.
func refs(v any) []string {
	var found []string
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			found = append(found, ref)
		}
		for _, inner := range v {
			found = append(found, refs(inner)...)
		}
	case []any:
		for _, inner := range v {
			found = append(found, refs(inner)...)
		}
	}
	return found
}

// The contract's paths are all there.
func TestContractsPaths(t *testing.T) {
	o := newOffice(t)
	var have []string
	for _, pattern := range o.operations(t) {
		have = append(have, pattern)
	}
	for _, want := range []string{
		"POST /v1/accounts", "GET /v1/accounts", "GET /v1/accounts/{id}", "PATCH /v1/accounts/{id}", "DELETE /v1/accounts/{id}",
		"POST /v1/accounts/{id}/keys", "GET /v1/accounts/{id}/keys", "DELETE /v1/accounts/{id}/keys/{key_id}",
		"PUT /v1/users/{id}", "GET /v1/users/{id}", "DELETE /v1/users/{id}", "POST /v1/users/{id}/tokens", "GET /v1/users/{id}/handover",
		"PUT /v1/contacts/{id}", "GET /v1/contacts/{id}", "DELETE /v1/contacts/{id}", "POST /v1/contacts/import", "GET /v1/contacts/internal-suspects",
		"GET /v1/contacts/{id}/reply-check", "PUT /v1/enrollments/{id}", "GET /v1/enrollments/{id}", "DELETE /v1/enrollments/{id}",
		"POST /v1/presets", "GET /v1/presets", "GET /v1/presets/{id}", "PUT /v1/presets/{id}", "DELETE /v1/presets/{id}",
		"POST /v1/links/discover", "POST /v1/links/test", "POST /v1/links/preview", "POST /v1/links/oauth", "POST /v1/links/{id}/oauth", "GET /v1/oauth/callback", "POST /v1/links", "GET /v1/links", "GET /v1/links/{id}", "DELETE /v1/links/{id}", "PATCH /v1/links/{id}",
		"POST /v1/links/{id}/look", "GET /v1/links/{id}/receipt", "GET /v1/mailboxes", "GET /v1/mailboxes/{id}", "POST /v1/mailboxes/{id}/balance", "GET /v1/threads", "GET /v1/threads/{id}", "GET /v1/messages", "GET /v1/messages/{id}",
		"DELETE /v1/messages/{id}", "GET /v1/messages/{id}/raw", "GET /v1/messages/{id}/attachments/{attachment_id}",
		"POST /v1/webhooks", "GET /v1/webhooks", "GET /v1/webhooks/{id}", "PUT /v1/webhooks/{id}", "DELETE /v1/webhooks/{id}",
		"GET /v1/webhooks/{id}/deliveries", "POST /v1/webhooks/{id}/deliveries/{delivery_id}/redeliver",
		"GET /v1/events", "GET /v1/events/stream", "POST /v1/explain", "GET /v1/usage", "GET /v1/audit",
		"GET /healthz", "GET /readyz", "GET /metrics", "GET /openapi.json",
	} {
		if !slices.Contains(have, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

// Every code that this package raises, or a package whose errors it shows, is
// explained in the document.
func TestEveryCodeIsDocumented(t *testing.T) {
	o := newOffice(t)
	document := string(o.document(t))
	for _, folder := range []string{".", "bulk", "content", "gate", "live", "web", "wire", "../store/office", "../store/report", "../store/sequence", "../store/txn", "../../sync/imapbox", "../../sync/imapbox/talk", "../../sync/watch", "../../sync/guard", "../webhook", "../outbox", "../consent", "../../sync/grant", "../../sync/issuer"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			for code, at := range codesIn(t, name) {
				if !strings.Contains(document, "`"+code+"`") {
					t.Errorf("%s: the code %s is not in the document (codes.go)", at, code)
				}
			}
		}
	}
}

// codesIn finds the codes of crm.E, crm.Wrap and NewProblem in a file that is
// part of the program.
func codesIn(t *testing.T, name string) map[string]string {
	t.Helper()
	found := map[string]string{}
	if strings.HasSuffix(name, "_test.go") {
		return found
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		place := map[string]int{"crm.E": 1, "crm.Wrap": 1, "NewProblem": 2, "web.NewProblem": 2}
		at, ok := place[nameOf(call.Fun)]
		if !ok || len(call.Args) <= at {
			return true
		}
		if lit, ok := call.Args[at].(*ast.BasicLit); ok && lit.Kind == token.STRING {
			code, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			found[code] = fmt.Sprint(fset.Position(lit.Pos()))
		}
		return true
	})
	return found
}

func nameOf(fun ast.Expr) string {
	switch fun := fun.(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.SelectorExpr:
		if pkg, ok := fun.X.(*ast.Ident); ok {
			return pkg.Name + "." + fun.Sel.Name
		}
	}
	return ""
}

// Answers carry what keeps them harmless in a browser, whatever the answer.
func TestHeaders(t *testing.T) {
	o := newOffice(t)
	for _, path := range []string{"/v1/links", "/nothing", "/healthz"} {
		resp := must(o.key.Send(t.Context(), http.MethodGet, path, "", nil))(t)
		body(t, resp)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if resp.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s has no request id", path)
		}
	}
}
