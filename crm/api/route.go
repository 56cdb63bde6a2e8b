package api

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"mailsyncd.example/crm/api/gate"
	"mailsyncd.example/crm/api/web"
	"mailsyncd.example/crm/api/wire"
)

// router is what add needs besides the route.
type router struct {
	s   *server
	api huma.API
}

// An option says what is special about a route.
type option func(*huma.Operation)

// created: the answer to success is 201.
func created(op *huma.Operation) { op.DefaultStatus = http.StatusCreated }

// upserts: the answer is 201 where the thing was not there before, else 200.
func upserts(op *huma.Operation) {
	op.Responses["201"] = &huma.Response{Description: http.StatusText(http.StatusCreated)}
}

// slow: the work depends on somebody else's server, or on how fast the client
// takes what it gets; the server's own limit for answers doesn't fit.
func slow(op *huma.Operation) {
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		_, w := humago.Unwrap(ctx)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // no connection, no deadline
		next(ctx)
	})
}

// lenient: somebody else makes the query, and may add to it.
func lenient(op *huma.Operation) { op.SkipValidateParams = true }

// answers: the answer is no JSON of ours, but this.
func answers(contentType string) option {
	schema := &huma.Schema{Type: huma.TypeString}
	if contentType == "application/json" {
		schema.Type = huma.TypeObject
	}
	return func(op *huma.Operation) {
		op.Responses["200"] = &huma.Response{
			Description: http.StatusText(http.StatusOK),
			Content:     map[string]*huma.MediaType{contentType: {Schema: schema}},
		}
	}
}

// pages: people see the answer in their browser, whatever it is.
func pages(op *huma.Operation) {
	answers("text/html")(op)
	op.Responses["default"].Content["text/html"] = op.Responses["200"].Content["text/html"]
}

// ndjson: the body is one JSON object a line.
func ndjson(op *huma.Operation) {
	op.RequestBody = &huma.RequestBody{
		Required:    true,
		Description: "One ContactLine a line, at most 64 MiB. Lines that are wrong are left out and listed in the answer.",
		Content:     map[string]*huma.MediaType{"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}
}

// add registers a route: guarded, documented, its errors turned into problems.
func add[I, O any](r router, pattern string, w gate.Who, id string, handle func(context.Context, *I) (*O, error), options ...option) {
	method, path, _ := strings.Cut(pattern, " ")
	summary := strings.ReplaceAll(id, "-", " ")
	op := huma.Operation{
		OperationID: id, Method: method, Path: path,
		Summary: strings.ToUpper(summary[:1]) + summary[1:], Description: strings.TrimSpace(wire.About(id) + " " + w.Describe()), Tags: []string{tagOf(path)},
		MaxBodyBytes: bodyLimit, BodyReadTimeout: readLimit,
		Middlewares: huma.Middlewares{r.s.gate.Guard(w)},
		Responses:   map[string]*huma.Response{"default": r.problemResponse()},
	}
	if w.Open() {
		op.Security = []map[string][]string{}
	}
	for _, option := range options {
		option(&op)
	}
	huma.Register(r.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, web.ProblemOf(ctx, r.s.Log, err)
		}
		return out, nil
	})
	if made := op.Responses["201"]; made != nil && op.DefaultStatus == 0 {
		made.Content = op.Responses["200"].Content
	}
}

// problemResponse documents all errors of a route at once: their codes are in
// the schema of Problem, and new ones may come.
func (r router) problemResponse() *huma.Response {
	schema := r.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[wire.Problem](), true, "")
	return &huma.Response{
		Description: "A problem",
		Content:     map[string]*huma.MediaType{(*wire.Problem)(nil).ContentType(""): {Schema: schema}},
	}
}

// tagOf groups routes by their noun.
func tagOf(path string) string {
	noun, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	if noun == "" {
		return "service"
	}
	return noun
}
