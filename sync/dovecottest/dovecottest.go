// Package dovecottest is a private, real Dovecot 2.3 for one test or one test
// binary: own folder, own ports on the loopback interface, no root needed, gone
// with the test.
//
//	s := dovecottest.Start(t)
//	s.AddUser("info@example.jp", "secret")
//	s.Deliver(t, "info@example.jp", raw)
//	login := s.Login("info@example.jp", crm.SecurityTLS)
package dovecottest

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/servertest"
)

// Host is the address on which every Server listens. Its certificate is good
// for this address and for "localhost".
const Host = "127.0.0.1"

// ErrMissing says that there is no Dovecot on this machine.
var ErrMissing = errors.New("dovecot is not installed: make test installs it, or take the packages dovecot-imapd and dovecot-lmtpd")

// Server is a running Dovecot. Its ports stay the same when it is restarted.
type Server struct {
	IMAPPort  int // in the clear, with STARTTLS
	IMAPSPort int // TLS from the first byte
	LMTPPort  int

	CAFile string         // PEM of the authority that signed the server's certificate
	CAPool *x509.CertPool // the same, parsed

	dir   string
	opt   options
	ports *servertest.Ports

	runner servertest.Runner

	mu       sync.Mutex
	accounts map[string]string
	lmtp     []*LMTP // idle connections
}

// Start runs a Dovecot until the test ends, and shows its log if the test
// fails. Without Dovecot the test is skipped, or fails where CI is "true".
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s, err := Open(opts...)
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of Dovecot:\n%s", s.Log())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Open is Start for a TestMain, which has no testing.TB: whoever calls it also
// calls Close.
func Open(opts ...Option) (*Server, error) {
	if _, err := exec.LookPath(binary()); err != nil {
		return nil, ErrMissing
	}
	// Not under the test's own folder: sockets have short names (108 bytes),
	// and a Dovecot started by root reads mail as another user, to whom the
	// folders of package testing are closed.
	dir, err := os.MkdirTemp("", "dct")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, accounts: make(map[string]string)}
	for _, o := range opts {
		o(&s.opt)
	}
	if err := s.prepare(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	if err := s.first(); err != nil {
		err = fmt.Errorf("%w\n%s", err, s.Log())
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

// prepare makes what does not depend on ports: folders and certificates.
func (s *Server) prepare() error {
	if err := os.Chmod(s.dir, 0o755); err != nil {
		return err
	}
	for _, d := range []string{"users", "mail", "run", "state"} {
		if err := os.Mkdir(filepath.Join(s.dir, d), 0o755); err != nil {
			return err
		}
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(filepath.Join(s.dir, "mail"), nobody, nobody); err != nil {
			return err
		}
	}
	var err error
	s.CAFile = filepath.Join(s.dir, "ca.pem")
	s.CAPool, err = writeCertificates(s.dir, s.opt.certificate)
	return err
}

// first starts Dovecot on ports of its own.
func (s *Server) first() (err error) {
	s.ports, err = servertest.OnFreePorts(3, func(numbers []int) error {
		s.IMAPPort, s.IMAPSPort, s.LMTPPort = numbers[0], numbers[1], numbers[2]
		return s.Start()
	})
	return err
}

// Close ends Dovecot and removes all its mail.
func (s *Server) Close() error {
	s.Kill() // a second faster than Stop
	s.ports.Release()
	return os.RemoveAll(s.dir)
}

// Dir is the folder in which everything of this Dovecot lies: mail/USER,
// dovecot.conf, dovecot.log.
func (s *Server) Dir() string { return s.dir }

// Log returns what Dovecot has written to its log so far.
func (s *Server) Log() string {
	b, err := os.ReadFile(filepath.Join(s.dir, "dovecot.log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Login returns what it takes to open the mailbox of a user that was added.
func (s *Server) Login(user string, sec crm.Security) crm.Login {
	s.mu.Lock()
	defer s.mu.Unlock()
	port := s.IMAPPort
	if sec == crm.SecurityTLS {
		port = s.IMAPSPort
	}
	return crm.Login{
		Server:   crm.Server{Host: Host, Port: port, Security: sec},
		Username: user,
		Auth:     crm.AuthPassword,
		Secret:   crm.Secret(s.accounts[user]),
	}
}

// Doveadm runs a doveadm command on this Dovecot and returns what it prints.
func (s *Server) Doveadm(args ...string) (string, error) {
	args = append([]string{"-c", s.conf()}, args...)
	out, err := exec.Command("doveadm", args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("doveadm %q: %w: %s", args[2:], err, out)
	}
	return string(out), nil
}

func (s *Server) conf() string { return filepath.Join(s.dir, "dovecot.conf") }
