// Package web is what every answer of ours has in common, whatever it is
// about: an id, headers that make it harmless in a browser, a log line, and a
// problem document where something went wrong.
package web

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

// Visit is what is known of a request while it is served.
type Visit struct {
	ID string
	// Who calls, once that is known, for the log line at the end.
	Who []zap.Field
}

type visitKey struct{}

// VisitOf returns the visit of a request, an empty one outside of requests.
func VisitOf(ctx context.Context) *Visit {
	if v, ok := ctx.Value(visitKey{}).(*Visit); ok {
		return v
	}
	return &Visit{}
}

// front stands in front of all routes.
type front struct {
	mux *http.ServeMux
	log *zap.Logger
}

// Wrap puts around all routes what every request needs.
func Wrap(mux *http.ServeMux, log *zap.Logger) http.Handler { return &front{mux, log} }

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	v := &Visit{ID: requestID(r, begun)}
	r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
	rec := &recorder{ResponseWriter: w}
	r.Body = &timedBody{ReadCloser: r.Body, control: http.NewResponseController(w)}
	setHeaders(rec.Header(), v.ID)
	defer f.logRequest(r, rec, v, begun)
	defer f.recoverPanic(rec, r)
	if !isText(r.URL) {
		WriteProblem(rec, NewProblem(r.Context(), http.StatusUnprocessableEntity, "parameter_invalid", "The URL is not UTF-8, percent-encoded; encode it anew."))
		return
	}
	if handler, pattern := f.mux.Handler(r); pattern == "" {
		noRoute(rec, r, handler)
		return
	}
	f.mux.ServeHTTP(rec, r)
}

var sane = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// requestID takes over the id that a proxy in front of us gave, if it is one.
func requestID(r *http.Request, now time.Time) string {
	if id := r.Header.Get("X-Request-Id"); sane.MatchString(id) {
		return id
	}
	return crm.NewID("req", now)
}

// isText reports whether path and query are text, and not bytes that no
// database takes.
func isText(u *url.URL) bool {
	query, err := url.QueryUnescape(u.RawQuery)
	return err == nil && utf8.ValidString(query) && utf8.ValidString(u.Path)
}

// setHeaders treats every answer as what it may hold: mail of strangers, read
// in a browser. Nothing runs, nothing is framed, nothing is kept.
func setHeaders(h http.Header, id string) {
	h.Set("X-Request-Id", id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// noRoute answers where no route fits. The mux's own handler knows whether the
// path or the method is wrong, but says so in plain text.
func noRoute(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	said := &recorder{ResponseWriter: discard{http.Header{}}}
	handler.ServeHTTP(said, r)
	if said.status == http.StatusMethodNotAllowed {
		allow := said.Header().Get("Allow")
		w.Header().Set("Allow", allow)
		WriteProblem(w, NewProblem(r.Context(), said.status, "method_not_allowed", "This path knows "+allow+" only."))
		return
	}
	WriteProblem(w, NewProblem(r.Context(), http.StatusNotFound, "route_unknown", "There is no such path; /openapi.json lists those there are."))
}

// recoverPanic answers for a handler that could not. Where the answer had
// begun, the connection is cut, so that nobody takes a part for the whole.
func (f *front) recoverPanic(rec *recorder, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause != http.ErrAbortHandler && r.Context().Err() == nil {
		f.log.Error("panic while serving a request", zap.String("request_id", VisitOf(r.Context()).ID),
			zap.Any("panic", cause), zap.ByteString("stack", debug.Stack()))
	}
	if rec.status != 0 {
		panic(http.ErrAbortHandler)
	}
	WriteProblem(rec, fault(r.Context()))
}

// logRequest writes the access log. It leaves out the query, which may hold
// what somebody searches for. Health checks, readings of the metrics, and
// strangers knocking are worth a line only to who looks for them.
func (f *front) logRequest(r *http.Request, rec *recorder, v *Visit, begun time.Time) {
	level := zap.InfoLevel
	if len(v.Who) == 0 || r.URL.Path == "/metrics" {
		level = zap.DebugLevel
	}
	f.log.Log(level, "request", append([]zap.Field{
		zap.String("request_id", v.ID), zap.String("method", r.Method), zap.String("path", r.URL.Path),
		zap.Int("status", rec.status), zap.Int64("bytes", rec.bytes), zap.Duration("took", time.Since(begun)),
	}, v.Who...)...)
}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach deadlines and Flush.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// discard is a ResponseWriter for an answer that nobody is to see.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// timedBody lifts the deadline for reading once the body has been read. While
// a handler works, net/http reads on to see whether the client goes away; a
// deadline that passed meanwhile would cancel the request.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *timedBody) Close() error {
	_ = b.control.SetReadDeadline(time.Time{}) // no connection, no deadline
	return b.ReadCloser.Close()
}

// PatientBody is a body of any length: it waits a while for every piece,
// however long all of them take.
func PatientBody(w http.ResponseWriter, body io.ReadCloser, wait time.Duration) io.ReadCloser {
	return patientBody{body, http.NewResponseController(w), wait}
}

type patientBody struct {
	io.ReadCloser
	control *http.ResponseController
	wait    time.Duration
}

func (b patientBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(b.wait)) // no connection, no deadline
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
