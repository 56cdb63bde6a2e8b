// Package redistest is a private, real Redis for one test binary: own port,
// nothing written to a disk, gone with the tests.
//
//	var server redistest.Server // started by the first test that needs it
//
//	func TestMain(m *testing.M) {
//		code := m.Run()
//		server.Close()
//		os.Exit(code)
//	}
//
//	func TestIt(t *testing.T) {
//		options, err := redis.ParseURL(server.URL(t))
package redistest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mailsyncd.example/crm/servertest"
)

// ErrMissing says that there is no Redis on this machine.
var ErrMissing = errors.New("redis-server is not installed: make test installs it, or take the package redis-server")

// Server is a Redis that starts when its URL is first asked for. The zero
// value is ready; whoever has one calls Close in the end.
type Server struct {
	runner servertest.Runner

	mu    sync.Mutex
	tried bool
	err   error // of the first start
	dir   string
	ports *servertest.Ports
	port  int
}

// URL returns the server's URL, with nothing in its databases. Without Redis
// the test is skipped, or fails where CI is "true".
func (s *Server) URL(t testing.TB) string {
	t.Helper()
	url, err := s.Open()
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Flush(t)
	return url
}

// Open is URL for a program that is no test; it leaves the data alone.
func (s *Server) Open() (url string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.tried {
		s.tried = true
		s.err = s.first()
	}
	err = s.err
	if err == nil && !s.runner.Runs() {
		err = s.Start() // a test before left it stopped
	}
	return s.url(), err
}

// first starts the server.
func (s *Server) first() (err error) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return ErrMissing
	}
	if s.dir, err = os.MkdirTemp("", "redistest"); err != nil {
		return err
	}
	s.ports, err = servertest.OnFreePorts(1, func(numbers []int) error {
		s.port = numbers[0]
		return s.Start()
	})
	return err
}

func (s *Server) begin() (*servertest.Process, error) {
	cmd := exec.Command("redis-server", "--port", strconv.Itoa(s.port), "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--dir", s.dir, "--logfile", s.dir+"/log")
	p, err := servertest.Begin(cmd, syscall.SIGKILL, s.knock)
	if err != nil {
		log, _ := os.ReadFile(s.dir + "/log") // where there is none, the error says enough
		err = fmt.Errorf("%w\n%s", err, log)
	}
	return p, err
}

// knock asks the server for its process: somebody else might listen on the port.
func (s *Server) knock() error {
	return s.do(func(ctx context.Context, c *redis.Client) error {
		dir, err := c.ConfigGet(ctx, "dir").Result()
		if err == nil && dir["dir"] != s.dir {
			err = errors.New("another Redis has the port")
		}
		return err
	})
}

func (s *Server) do(what func(context.Context, *redis.Client) error) error {
	c := redis.NewClient(&redis.Options{Addr: servertest.Address(s.port), MaxRetries: -1, ContextTimeoutEnabled: true})
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return what(ctx, c)
}

func (s *Server) url() string { return "redis://" + s.Address() + "/0" }

// Address is where the server listens: for proxies.
func (s *Server) Address() string { return servertest.Address(s.port) }

// Flush drops all data.
func (s *Server) Flush(t testing.TB) {
	t.Helper()
	err := s.do(func(ctx context.Context, c *redis.Client) error { return c.FlushAll(ctx).Err() })
	if err != nil {
		t.Fatal(err)
	}
}

// Start runs the server after a Stop or Kill, on the same port, with no data.
func (s *Server) Start() error { return s.runner.Start(s.begin) }

// Stop ends the server in good order; its data is gone.
func (s *Server) Stop() { s.runner.End(syscall.SIGTERM, nil) }

// Kill ends the server at once; its data is gone.
func (s *Server) Kill() { s.runner.End(syscall.SIGKILL, nil) }

// Restart is Kill and Start.
func (s *Server) Restart() error {
	s.Kill()
	return s.Start()
}

// Pause stops the server as SIGSTOP does: connections stand and nothing
// answers, until the returned function is called.
func (s *Server) Pause() (resume func(), err error) {
	return func() { _ = s.runner.Signal(syscall.SIGCONT) }, s.runner.Signal(syscall.SIGSTOP)
}

// Close ends the server, if it was started, and removes its folder.
func (s *Server) Close() error {
	s.Kill()
	s.ports.Release()
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}
