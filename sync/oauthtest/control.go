package oauthtest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for a signal before it gives up.
const patience = 60 * time.Second

// Lifetime is how long access tokens are good for that are given out from now
// on.
func (s *Server) Lifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetime = d
}

// Deny makes people disagree from now on.
func (s *Server) Deny() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = true
}

// Fail makes the token endpoint answer this, and nil lets it work again.
func (s *Server) Fail(f *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Hold makes requests to the token endpoint wait until the function is called.
func (s *Server) Hold() (letGo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(chan struct{})
	s.held = held
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = nil
		close(held)
	}
}

// Revoke ends everything that people have agreed to so far.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.refresh {
		if g != nil {
			g.over = true
		}
	}
}

// Forget makes access tokens worthless, and leaves refresh tokens good.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.access)
}

// Grant is what a person has agreed to: an access and a refresh token, without
// the way through the browser.
func (s *Server) Grant(user string) (accessToken, refreshToken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &grant{user: user}
	accessToken, refreshToken = secret(), secret()
	s.access[accessToken], s.refresh[refreshToken] = &access{g, time.Now().Add(s.lifetime)}, g
	return accessToken, refreshToken
}

// Counts tells how often tokens were refreshed, how often the token endpoint
// refused, and how often a refresh token came a second time.
func (s *Server) Counts() (refreshes, failures, reused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refreshes, s.failures, s.reused
}

// Until waits, from request to request, until done holds.
func (s *Server) Until(t testing.TB, what string, done func(refreshes, failures int) bool) {
	t.Helper()
	s.await(t, what, func() bool { return done(s.refreshes, s.failures) })
}

// UntilAsked waits until so many requests have come to the token endpoint,
// answered or not.
func (s *Server) UntilAsked(t testing.TB, n int) {
	t.Helper()
	s.await(t, "the token endpoint is asked", func() bool { return s.asked >= n })
}

// await waits until done, which is called under the lock, holds.
func (s *Server) await(t testing.TB, what string, done func() bool) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		s.mu.Lock()
		ready, news := done(), s.news
		s.mu.Unlock()
		if ready {
			return
		}
		select {
		case <-news:
		case <-timeout.C:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// Browse opens an address as a browser does, follows where it is led, and
// returns the page at the end.
func Browse(t testing.TB, address string) (status int, page string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/html") {
		t.Errorf("%s is shown as %s: %s", address, kind, body)
	}
	return resp.StatusCode, string(body)
}
