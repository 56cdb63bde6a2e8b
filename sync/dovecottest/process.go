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
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		return servertest.ErrRuns
	}
	if err := s.writeConfig(); err != nil {
		return err
	}
	// A kill leaves files behind that await takes as a sign of life, and
	// Dovecot too.
	run := filepath.Join(s.dir, "run")
	if err := errors.Join(os.RemoveAll(run), os.Mkdir(run, 0o755)); err != nil {
		return err
	}
	pidFile := filepath.Join(run, "master.pid")
	p, err := servertest.Launch(exec.Command(binary(), "-F", "-c", s.conf()), syscall.SIGTERM)
	if err != nil {
		return err
	}
	// Dovecot writes the file once it has all ports to itself. The ports
	// alone would prove nothing: somebody else might listen there.
	if err := p.Await(func() error { _, err := os.Stat(pidFile); return err }); err != nil {
		p.End(syscall.SIGKILL)
		return err
	}
	for _, port := range []int{s.IMAPPort, s.IMAPSPort, s.LMTPPort} {
		if err := p.Await(func() error { return knock(port) }); err != nil {
			p.End(syscall.SIGKILL)
			return err
		}
	}
	s.proc = p
	return nil
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
	if s.proc != nil {
		s.proc.End(sig)
		s.proc = nil
		s.vacate()
	}
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
