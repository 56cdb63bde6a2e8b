// Package postgrestest is a private, real PostgreSQL for one test binary: own
// folder, own port, no root needed, gone with the tests. Each test gets a
// database of its own.
//
//	var server postgrestest.Server // started by the first test that needs it
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(server.Around(m)) }
//
//	func TestIt(t *testing.T) {
//		s, err := postgres.Open(t.Context(), server.Database(t), store.Options{})
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mailsyncd.example/crm/servertest"
	"mailsyncd.example/crm/store/postgres"
)

// ErrMissing says that there is no PostgreSQL on this machine.
var ErrMissing = errors.New("postgresql is not installed: make test installs it, or take the package postgresql")

// The superuser, whose password is asked for over TCP and not on the socket.
const (
	User     = "postgres"
	Password = "opensesame"
)

// Server is a PostgreSQL that starts when a database is first asked for. The
// zero value is ready; whoever has one calls Close in the end.
type Server struct {
	// Durable is for benchmarks: the data lies on the disk, and every commit is
	// synced. Otherwise it lies in memory, where there is enough of it.
	Durable bool

	runner servertest.Runner

	mu        sync.Mutex
	tried     bool
	err       error // of the first start
	dir       string
	bin       string
	ports     *servertest.Ports
	port      int
	databases int
}

const (
	// template is the database that others are copied from.
	template = "migrated"
	// copyFiles copies it outside of the log, in a tenth of the time where
	// nothing is synced.
	copyFiles = "FILE_COPY"
)

// Database makes a database with the current schema, and returns its URL, by
// way of the Unix socket. It goes when the test ends. Without PostgreSQL the
// test is skipped, or fails where CI is "true".
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	return s.make(t, template)
}

// Empty makes a database with nothing in it; otherwise it is Database.
func (s *Server) Empty(t testing.TB) string {
	t.Helper()
	return s.make(t, "template1")
}

// Open is Database for a program that is no test: the database goes with the
// server, which whoever calls it closes.
func (s *Server) Open(ctx context.Context) (databaseURL string, err error) {
	if err := s.once(); err != nil {
		return "", err
	}
	name, err := s.create(ctx, template)
	return s.URL(name), err
}

// Copy makes a database with all that is in another one, to which nobody may
// be connected.
func (s *Server) Copy(t testing.TB, databaseURL string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	return s.make(t, u.Path[1:])
}

func (s *Server) make(t testing.TB, from string) string {
	t.Helper()
	s.need(t)
	before := len(s.Log())
	name, err := s.create(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			log := s.Log()
			t.Logf("log of PostgreSQL:\n%s", log[min(before, len(log)):])
		}
		if err := s.drop(name); err != nil {
			t.Error(err)
		}
	})
	return s.URL(name)
}

// create makes a database as another one is.
func (s *Server) create(ctx context.Context, from string) (name string, err error) {
	s.mu.Lock()
	s.databases++
	name = "test" + strconv.Itoa(s.databases)
	s.mu.Unlock()
	return name, s.exec(ctx, `CREATE DATABASE `+name+` TEMPLATE `+from+` STRATEGY `+copyFiles)
}

// drop takes a database away, unless its server does not run any more.
func (s *Server) drop(name string) error {
	if !s.runner.Runs() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return s.exec(ctx, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`)
}

// need starts the server if that was not done yet.
func (s *Server) need(t testing.TB) {
	t.Helper()
	err := s.once()
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// once starts the server if that was not tried yet, and tells how it went.
func (s *Server) once() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.tried {
		s.tried = true
		s.err = s.first()
	}
	return s.err
}

// first makes the cluster, starts it and fills the template.
func (s *Server) first() error {
	var err error
	if s.bin, err = findBinaries(); err != nil {
		return err
	}
	// Not under the test's own folder: sockets have short names (107 bytes),
	// and the server that root starts runs as another user.
	if s.dir, err = os.MkdirTemp(s.place(), "pgt"); err != nil {
		return err
	}
	if err := s.initialize(); err != nil {
		return err
	}
	s.ports, err = servertest.OnFreePorts(1, func(numbers []int) error {
		s.port = numbers[0]
		return s.Start()
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, s.Log())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := s.exec(ctx, `CREATE DATABASE `+template); err != nil {
		return err
	}
	return postgres.Migrate(ctx, s.URL(template))
}

// exec runs a statement as the superuser, in a database that tests leave alone.
func (s *Server) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// URL names a database by way of the Unix socket.
func (s *Server) URL(database string) string {
	query := url.Values{"host": {s.dir}, "port": {strconv.Itoa(s.port)}, "user": {User}}
	return (&url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query.Encode()}).String()
}

// Address is where the server listens on the loopback interface: for proxies,
// and for those who have to give the password.
func (s *Server) Address() string { return servertest.Address(s.port) }

// OverTCP is the URL of the same database by way of this address (Address, or
// a proxy in front of it), with this password.
func OverTCP(databaseURL, address, password string) string {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return err.Error() // which no server answers to
	}
	u.User, u.Host, u.RawQuery = url.UserPassword(User, password), address, "sslmode=disable"
	return u.String()
}

// Log returns what the server has written to its log so far.
func (s *Server) Log() string {
	b, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Around makes tests end the server, before anybody looks for goroutines that
// were left: goleak.VerifyTestMain(server.Around(m)).
func (s *Server) Around(m *testing.M) *Tests { return &Tests{m, s} }

// Tests are the tests of a package and the server that they share.
type Tests struct {
	tests  *testing.M
	server *Server
}

// Run runs the tests and returns the exit code.
func (t *Tests) Run() int {
	code := t.tests.Run()
	if err := t.server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// Close stops the server, if it was started, and removes all its data.
func (s *Server) Close() error {
	s.Kill()
	s.ports.Release()
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}
