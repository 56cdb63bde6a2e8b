package api

import (
	"context"
	"io"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"mailsyncd.example/crm/api/bulk"
	"mailsyncd.example/crm/api/web"
	"mailsyncd.example/crm/api/wire"
)

// importInput hands the body over as it comes in: it is too big to be held.
type importInput struct {
	contentType string
	length      int64
	body        io.Reader
}

// Resolve implements huma.Resolver.
func (in *importInput) Resolve(ctx huma.Context) []error {
	r, w := humago.Unwrap(ctx)
	in.contentType, in.length = r.Header.Get("Content-Type"), r.ContentLength
	in.body = http.MaxBytesReader(w, web.PatientBody(w, r.Body, readLimit), bulk.Limit)
	return nil
}

func (s *server) importContacts(ctx context.Context, in *importInput) (*reply[wire.Imported], error) {
	if err := in.acceptable(ctx); err != nil {
		return nil, err
	}
	im := bulk.Import{Store: s.Store, Lines: s.lines, Account: account(ctx), Now: s.Now}
	imported, err := im.Read(ctx, in.body)
	if err != nil {
		return nil, err
	}
	return &reply[wire.Imported]{imported}, nil
}

// acceptable refuses before anything is written what could not be read to its
// end anyway. A body without a type is taken for what it has to be.
func (in *importInput) acceptable(ctx context.Context) error {
	kind, _, _ := mime.ParseMediaType(in.contentType)
	switch kind {
	case "", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/json":
	default:
		return web.NewProblem(ctx, http.StatusUnsupportedMediaType, "media_type_unsupported",
			"Send one JSON object a line, with the header Content-Type: application/x-ndjson.")
	}
	if in.length > bulk.Limit {
		return bulk.ErrTooLarge()
	}
	return nil
}
