package api

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Surface is the document of the API before it is written down.
func Surface() *huma.OpenAPI {
	s := newServer(Options{})
	a := humago.New(http.NewServeMux(), s.config())
	s.routes(a)
	return a.OpenAPI()
}

// NewBeating makes the API with a heartbeat that tests can wait for.
func NewBeating(o Options, heartbeat time.Duration) http.Handler {
	s := newServer(o)
	s.heartbeat = heartbeat
	return s.handler()
}
