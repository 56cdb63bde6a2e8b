package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/zap/zapcore"

	"mailsyncd.example/crm"
)

func TestHealth(t *testing.T) {
	o := newOffice(t)
	nobody := o.client.As("")
	for _, path := range []string{"/healthz", "/readyz"} {
		resp := must(nobody.Send(t.Context(), "GET", path, "", nil))(t)
		if text := body(t, resp); resp.StatusCode != http.StatusOK || !strings.Contains(text, `"version":"1.2.3"`) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	for _, ready := range []error{crm.E(crm.Unavailable, "disk_full", "The disk is full; free some space."), errors.New("unknown")} {
		o.ready = ready
		p := o.problem(t, nobody, "GET /readyz", "", "")
		if p.Status != http.StatusServiceUnavailable || p.Code != "not_ready" {
			t.Errorf("%v: %+v", ready, p)
		}
		if callStatus(t, nobody, "GET /healthz") != http.StatusOK {
			t.Error("not ready is not dead")
		}
	}
}

func TestMetricsAreTheOperators(t *testing.T) {
	o := newOffice(t)
	o.log.TakeAll()
	resp := must(o.client.Send(t.Context(), "GET", "/metrics", "", nil))(t)
	if n := o.log.FilterMessage("request").FilterLevelExact(zapcore.InfoLevel).Len(); n > 0 {
		t.Error("every reading of the metrics is logged")
	}
	if text := body(t, resp); resp.StatusCode != http.StatusOK || text != "mailsync_up 1\n" {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

// The log has a line for each request: who asked for what, never a query.
func TestAccessLog(t *testing.T) {
	o := newOffice(t)
	o.log.TakeAll()
	must(o.as["uwe"].Send(t.Context(), "GET", "/v1/threads?q=geheim", "", nil))(t).Body.Close()
	entries := o.log.FilterMessage("request").All()
	if len(entries) != 1 {
		t.Fatalf("%d lines", len(entries))
	}
	got := entries[0].ContextMap()
	if got["path"] != "/v1/threads" || got["user"] != "uwe" || got["account"] != string(o.account) || got["status"] != int64(200) || entries[0].Level != zapcore.InfoLevel {
		t.Errorf("the line is %v", got)
	}
	for name, v := range got {
		if s, ok := v.(string); ok && strings.Contains(s, "geheim") {
			t.Errorf("%s tells what was searched for: %s", name, s)
		}
	}
}

// A request keeps the id that a proxy gave it, unless that is no id.
func TestRequestID(t *testing.T) {
	o := newOffice(t)
	for sent, kept := range map[string]bool{"abc-123": true, "a b": false, strings.Repeat("x", 65): false} {
		req := must(http.NewRequestWithContext(t.Context(), "GET", o.url+"/nothing", nil))(t)
		req.Header.Set("X-Request-Id", sent)
		resp := must(http.DefaultClient.Do(req))(t)
		text := body(t, resp)
		got := resp.Header.Get("X-Request-Id")
		if (got == sent) != kept || !strings.Contains(text, got) || got == "" {
			t.Errorf("sent %q, got %q in %s", sent, got, text)
		}
	}
}

// What a fault of ours says goes to the log, and not to the caller.
func TestFaultsAreLoggedAndNotShown(t *testing.T) {
	o := newOffice(t)
	l := o.link(t, "uwe")
	o.watcher.workErr = errors.New("pq: syntax error near SELECT")
	p := o.problem(t, o.as["uwe"], "POST /v1/links/"+string(l.ID)+"/look", "", "")
	if p.Status != http.StatusInternalServerError || p.Code != "internal" || strings.Contains(p.Detail, "SELECT") {
		t.Errorf("%+v", p)
	}
	logged := o.log.FilterMessage("request failed").All()
	if len(logged) != 1 || logged[0].ContextMap()["request_id"] != p.RequestID {
		t.Errorf("logged %v", logged)
	}
}
