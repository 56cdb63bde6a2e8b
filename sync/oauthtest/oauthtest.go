// Package oauthtest is a private authorization server for one test, over real
// HTTP: people agree at /authorize, codes and refresh tokens become access
// tokens at /token, and a mail server asks at /introspect whose a token is. It
// is as strict as the strictest providers: PKCE is demanded, codes and refresh
// tokens are good once, and a refresh token that comes again ends the grant.
package oauthtest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// The client that is registered.
const (
	ClientID     = "mailsyncd-under-test"
	ClientSecret = "canary-client-secret"
)

// Canary stands in every token and code: what leaks is found by it.
const Canary = "canary-token-"

// Server is a running authorization server.
type Server struct {
	URL string

	mu        sync.Mutex
	news      chan struct{} // closed and made anew with every request
	codes     map[string]*grant
	refresh   map[string]*grant
	access    map[string]*access
	lifetime  time.Duration
	denied    bool
	fault     *Fault
	held      chan struct{} // refreshes wait until it is closed; nil: they don't
	asked     int
	refreshes int
	failures  int
	reused    int
}

// grant is what somebody has agreed to.
type grant struct {
	user, redirect, challenge string
	over                      bool
}

type access struct {
	grant *grant
	until time.Time
}

// Fault is what the token endpoint answers instead of tokens.
type Fault struct {
	Status int
	Header http.Header
	Body   string
}

// Start runs a server until the test ends. Access tokens are good for an hour.
func Start(t testing.TB) *Server {
	s := &Server{
		news: make(chan struct{}), lifetime: time.Hour,
		codes: map[string]*grant{}, refresh: map[string]*grant{}, access: map[string]*access{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("POST /introspect", s.introspect)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// authorize agrees at once, as the person whom login_hint names.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" ||
		q.Get("code_challenge") == "" || q.Get("scope") == "" || q.Get("redirect_uri") == "" {
		http.Error(w, "invalid_request", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	back := url.Values{"state": {q.Get("state")}, "session_state": {"of no interest"}}
	if s.denied {
		back.Set("error", "access_denied")
		back.Set("error_description", "The user said <no>.")
	} else {
		code := secret()
		s.codes[code] = &grant{user: q.Get("login_hint"), redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge")}
		back.Set("code", code)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

// token is the token endpoint (RFC 6749 section 3.2).
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked++
	s.ring()
	held := s.held
	s.mu.Unlock()
	if held != nil {
		<-held
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.ring()
	if f := s.fault; f != nil {
		s.failures++
		if strings.HasPrefix(f.Body, "{") {
			w.Header().Set("Content-Type", "application/json")
		}
		for name, values := range f.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body))
		return
	}
	if r.PostFormValue("client_id") != ClientID || r.PostFormValue("client_secret") != ClientSecret {
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	g := s.grantOf(r)
	if g == nil || g.over {
		s.failures++
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	token, refresh := secret(), secret()
	s.access[token] = &access{g, time.Now().Add(s.lifetime)}
	s.refresh[refresh] = g
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": token, "refresh_token": refresh, "token_type": "Bearer", "expires_in": int(s.lifetime.Seconds()),
	})
}

// grantOf takes the code or the refresh token of a request; nil where it is
// good no more, or never was.
func (s *Server) grantOf(r *http.Request) *grant {
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		code := r.PostFormValue("code")
		g := s.codes[code]
		delete(s.codes, code)
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if g == nil || g.redirect != r.PostFormValue("redirect_uri") || g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
			return nil
		}
		return g
	case "refresh_token":
		token := r.PostFormValue("refresh_token")
		g, known := s.refresh[token]
		if known && g == nil {
			s.reused++
			return nil
		}
		if g != nil {
			s.refreshes++
			s.refresh[token] = nil
		}
		return g
	}
	return nil
}

// introspect tells a mail server whose a token is (RFC 7662).
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.access[r.PostFormValue("token")]
	if a == nil || a.grant.over || !time.Now().Before(a.until) {
		writeJSON(w, http.StatusOK, map[string]any{"active": false})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"active": true, "username": a.grant.user})
}

func refuse(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]any{"error": code, "error_description": "Said by the test's server."})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

func secret() string {
	return Canary + strings.ToLower(rand.Text())
}

// ring tells those who wait that something happened.
func (s *Server) ring() {
	close(s.news)
	s.news = make(chan struct{})
}
