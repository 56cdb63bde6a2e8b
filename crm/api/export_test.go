package api

import (
	"net/http"
	"time"
)

// NewBeating makes the API with a heartbeat that tests can wait for.
func NewBeating(o Options, heartbeat time.Duration) http.Handler {
	s := newServer(o)
	s.heartbeat = heartbeat
	return s.handler()
}
