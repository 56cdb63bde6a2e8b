// Package api is the HTTP API: what the CRM's back end, its UI and operators
// see of mailsyncd. routes.go is the whole surface at one glance, and each
// noun has a file of its own.
//
// Who calls is settled in one place, before anything of the request is read:
// package gate knows the token, and package access what its holder may do.
// What goes wrong leaves as a problem document (RFC 9457) with a code of
// codes.go, wherever it went wrong: problem.go.
package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/bulk"
	"mailsyncd.example/crm/api/content"
	"mailsyncd.example/crm/api/gate"
	"mailsyncd.example/crm/api/live"
	"mailsyncd.example/crm/api/web"
	"mailsyncd.example/crm/api/wire"
	"mailsyncd.example/crm/consent"
)

// Options is what the API is made of. All fields but Closing must be set.
type Options struct {
	Store   Store
	Blobs   Blobs
	Letters content.Letters
	Watcher Watcher
	Finder  Finder
	Bell    live.Bell
	// Endpoints posts to webhooks when somebody asks for it.
	Endpoints Endpoints
	// Issuers are the mail providers at which users sign in.
	Issuers consent.Issuers
	// OperatorToken manages accounts and keys, and reads the metrics.
	OperatorToken crm.Secret
	Now           func() time.Time
	Log           *zap.Logger
	// Ready tells whether requests can be served now, and if not, why.
	Ready func(context.Context) error
	// Closing is closed when the daemon begins to stop: streams that would
	// never end by themselves end then.
	Closing <-chan struct{}
	Metrics http.Handler
	Version string
}

// How long things may take that depend on somebody else's server, and how
// long a client may take to send what it promised.
const (
	probeLimit   = 30 * time.Second
	lookLimit    = 2 * time.Minute
	balanceLimit = 10 * time.Minute
	readLimit    = 30 * time.Second
	writeLimit   = 30 * time.Second
	heartbeat    = 15 * time.Second
)

// bodyLimit is how many bytes a body of JSON may have.
const bodyLimit = 1 << 20

type server struct {
	Options
	gate      *gate.Gate
	consent   *consent.Office
	content   content.Reader
	heartbeat time.Duration
	lines     bulk.Lines // of contacts/import
	document  []byte     // openapi.json
}

// New makes the API. It serves its own paths only and answers every other one
// with a problem.
func New(o Options) http.Handler {
	return newServer(o).handler()
}

func newServer(o Options) *server {
	return &server{
		Options: o, gate: gate.New(o.Store, o.OperatorToken, o.Now, o.Log), heartbeat: heartbeat,
		consent: consent.New(consent.Options{Store: o.Store, Issuers: o.Issuers, Prober: o.Watcher, Now: o.Now}),
		content: content.Reader{Blobs: o.Blobs, Letters: o.Letters, Log: o.Log},
	}
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	api := humago.New(mux, s.config())
	s.routes(api)
	s.lines = bulk.NewLines(api.OpenAPI().Components.Schemas)
	s.document = document(api.OpenAPI())
	return web.Wrap(mux, s.Log)
}

// document writes down the API. Only what is sent to us is closed to unknown
// fields: what we answer may grow.
func document(o *huma.OpenAPI) []byte {
	for name, schema := range o.Components.Schemas.Map() {
		sent := strings.HasSuffix(name, "Input") || strings.HasSuffix(name, "Patch") || strings.HasSuffix(name, "Line")
		if !sent && schema.AdditionalProperties == false {
			schema.AdditionalProperties = nil
		}
	}
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // made of our own types only
	}
	return b
}

// config turns off what huma would serve by itself, above all a page that
// loads scripts from elsewhere.
func (s *server) config() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	registry.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[wire.Problem]())
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: web.Unmarshal}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:       "mailsyncd",
				Version:     s.Version,
				Description: apiDescription,
				License:     &huma.License{Name: "MIT", Identifier: "MIT"},
			},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer": {Type: "http", Scheme: "bearer", Description: "The operator's token, an account key (msk_…) or a user token (mst_…)."},
				},
			},
			Security: []map[string][]string{{"bearer": {}}},
		},
		Formats:                      map[string]huma.Format{"application/json": format, "json": format}, // the latter for …+json
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{web.TransformProblem},
	}
}

// caller returns on whose behalf a handler works. Routes for callers only.
func caller(ctx context.Context) crm.Caller { return gate.Of(ctx).Caller }

// account returns the account of the token: the only one that a handler sees.
func account(ctx context.Context) crm.AccountID { return caller(ctx).Account.ID }

const apiDescription = `Syncs sales people's mailboxes into a CRM: the mail exchanged with customers, all of it, once, nothing else.

JSON with names in snake_case; times are RFC 3339 in UTC. Lists are ` + "`{\"items\": […], \"next\": \"…\"}`" + `: hand ` + "`next`" + ` over as
` + "`cursor`" + ` for the following page; on the last page it is empty. Every error is a problem document (RFC 9457) whose ` + "`code`" + ` is stable.`
