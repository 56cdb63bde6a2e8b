package web_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"mailsyncd.example/crm/api/web"
	"mailsyncd.example/crm/api/wire"
)

// serve starts a server with one route.
func serve(t *testing.T, handle http.HandlerFunc) (url string, log *observer.ObservedLogs) {
	t.Helper()
	core, log := observer.New(zap.DebugLevel)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", handle)
	srv := httptest.NewServer(web.Wrap(mux, zap.New(core)))
	t.Cleanup(srv.Close)
	return srv.URL, log
}

// A handler that panics costs its caller an error, and nobody else anything.
func TestPanicBecomesAProblem(t *testing.T) {
	url, log := serve(t, func(http.ResponseWriter, *http.Request) { panic("oh no") })
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var p wire.Problem
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusInternalServerError || p.Code != "internal" || strings.Contains(p.Detail, "oh no") {
		t.Errorf("%d %+v", resp.StatusCode, p)
	}
	if log.FilterMessageSnippet("panic").Len() != 1 {
		t.Error("the log does not tell")
	}
	if line := log.FilterMessage("request").All(); len(line) != 1 || line[0].ContextMap()["status"] != int64(500) {
		t.Errorf("the access log says %v", line)
	}
}

// Where the answer had begun, its reader must see that it is not whole.
func TestPanicInTheMiddleCutsTheConnection(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "the first half")
		panic("oh no")
	})
	resp, err := http.Get(url)
	if err == nil {
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
	}
	if err == nil {
		t.Error("half of an answer came as a whole one")
	}
}

func TestDownload(t *testing.T) {
	for name, c := range map[string]struct{ filename, kind, wantKind, wantDisposition string }{
		"plain":           {"a.pdf", "application/pdf", "application/pdf", `attachment; filename="a.pdf"`},
		"parameters":      {"a.txt", "Text/Plain; charset=x", "text/plain; charset=utf-8", `attachment; filename="a.txt"`},
		"a page":          {"a.html", "text/html", "application/octet-stream", `attachment; filename="a.html"`},
		"an SVG":          {"a.svg", "image/svg+xml", "application/octet-stream", `attachment; filename="a.svg"`},
		"no type":         {"a", "", "application/octet-stream", `attachment; filename="a"`},
		"no name":         {"", "image/png", "image/png", `attachment; filename="attachment"`},
		"a path":          {`..\..\/etc/passwd`, "", "application/octet-stream", `attachment; filename=".._..__etc_passwd"`},
		"a second header": {"a\r\nSet-Cookie: x", "", "application/octet-stream", `attachment; filename="a__Set-Cookie: x"`},
		"quotes":          {`"a".txt`, "", "application/octet-stream", `attachment; filename="_a_.txt"; filename*=UTF-8''%22a%22.txt`},
		"Japanese":        {"図 1.png", "image/png", "image/png", `attachment; filename="_ 1.png"; filename*=UTF-8''%E5%9B%B3%201.png`},
		"not UTF-8":       {"\x8c\xa9.txt", "", "application/octet-stream", `attachment; filename="_.txt"`},
	} {
		w := httptest.NewRecorder()
		err := web.Download{Filename: c.filename, ContentType: c.kind}.Send(w, func(w io.Writer) error {
			_, err := io.WriteString(w, "bytes")
			return err
		}, nil)
		if err != nil || w.Body.String() != "bytes" {
			t.Errorf("%s: %q %v", name, w.Body, err)
		}
		if got := w.Header().Get("Content-Type"); got != c.wantKind {
			t.Errorf("%s: the type is %s, want %s", name, got, c.wantKind)
		}
		if got := w.Header().Get("Content-Disposition"); got != c.wantDisposition {
			t.Errorf("%s: the disposition is %s, want %s", name, got, c.wantDisposition)
		}
		if w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s: a browser may run what is in it", name)
		}
	}
}

// An error before the first byte leaves the answer to who asked.
func TestDownloadThatDoesNotBegin(t *testing.T) {
	w := httptest.NewRecorder()
	want := errors.New("no such part")
	err := web.Download{}.Send(w, func(io.Writer) error { return want }, nil)
	if err != want || len(w.Header()) != 0 {
		t.Errorf("%v, header %v", err, w.Header())
	}
}

// deadlines is a connection that tells which deadline for reading it has.
type deadlines struct {
	http.ResponseWriter
	read []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.read = append(d.read, t)
	return nil
}

// A deadline for the body must not outlive the body: it would cancel a request
// whose handler takes its time, because net/http reads on meanwhile.
func TestDeadlineEndsWithTheBody(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Minute)) // as huma does
		_, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	})
	d := &deadlines{ResponseWriter: httptest.NewRecorder()}
	web.Wrap(mux, zap.NewNop()).ServeHTTP(d, httptest.NewRequest("POST", "/", strings.NewReader("body")))
	if len(d.read) != 2 || !d.read[1].IsZero() {
		t.Errorf("deadlines: %v", d.read)
	}
}

// A patient reader waits for each piece anew, and not at all in the end.
func TestPatientBody(t *testing.T) {
	d := &deadlines{ResponseWriter: httptest.NewRecorder()}
	body := web.PatientBody(d, io.NopCloser(io.MultiReader(strings.NewReader("a"), strings.NewReader("b"))), time.Minute)
	if got, err := io.ReadAll(body); err != nil || string(got) != "ab" {
		t.Errorf("%q %v", got, err)
	}
	last := len(d.read) - 1
	if last < 3 || d.read[1].Before(d.read[0]) || !d.read[last].IsZero() {
		t.Errorf("deadlines: %v", d.read)
	}
}
