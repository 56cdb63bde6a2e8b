package dovecottest

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"mailsyncd.example/crm/servertest"
)

// binary is Dovecot's path: Debian keeps it out of an ordinary user's PATH.
func binary() string {
	if p, err := exec.LookPath("dovecot"); err == nil {
		return p
	}
	return "/usr/sbin/dovecot"
}

// Start runs Dovecot after a Stop or Kill; it returns once all its ports
// answer.
func (s *Server) Start() error { return s.runner.Start(s.begin) }

func (s *Server) begin() (*servertest.Process, error) {
	if err := s.writeConfig(); err != nil {
		return nil, err
	}
	// A kill leaves files behind that are taken as a sign of life below, and
	// by Dovecot too.
	run := filepath.Join(s.dir, "run")
	if err := errors.Join(os.RemoveAll(run), os.Mkdir(run, 0o755)); err != nil {
		return nil, err
	}
	pidFile := filepath.Join(run, "master.pid")
	return servertest.Begin(exec.Command(binary(), "-F", "-c", s.conf()), syscall.SIGTERM, func() error {
		// Dovecot writes the file once it has all ports to itself. The ports
		// alone would prove nothing: somebody else might listen there.
		_, err := os.Stat(pidFile)
		for _, port := range []int{s.IMAPPort, s.IMAPSPort, s.LMTPPort} {
			if err == nil {
				err = knock(port)
			}
		}
		return err
	})
}

// knock opens and closes a connection.
func knock(port int) error {
	c, err := net.Dial("tcp", servertest.Address(port))
	if err != nil {
		return err
	}
	return c.Close()
}

// Stop ends Dovecot in good order: clients get a BYE. Mail stays.
func (s *Server) Stop() { s.finish(syscall.SIGTERM) }

// Kill ends all of Dovecot's processes at once, as a power cut would.
func (s *Server) Kill() { s.finish(syscall.SIGKILL) }

// Restart is Stop and Start.
func (s *Server) Restart() error {
	s.Stop()
	return s.Start()
}

// finish ends Dovecot, if it runs, and the connections that are kept to it.
func (s *Server) finish(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.lmtp {
		_ = c.Close()
	}
	s.lmtp = nil
	s.runner.End(sig, s.vacate)
}

// vacate returns once nobody has the ports any more: of hundreds of processes
// that are killed at once, some outlive the first by a moment.
func (s *Server) vacate() {
	retry := time.NewTicker(5 * time.Millisecond)
	defer retry.Stop()
	limit := time.After(time.Minute)
	for _, port := range []int{s.IMAPPort, s.IMAPSPort, s.LMTPPort} {
		for {
			l, err := net.Listen("tcp", servertest.Address(port))
			if err == nil {
				_ = l.Close()
				break
			}
			select {
			case <-retry.C:
			case <-limit:
				return // whoever starts it finds out
			}
		}
	}
}
