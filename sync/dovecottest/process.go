package dovecottest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// process is Dovecot's master process and all it started: one process group.
type process struct {
	cmd  *exec.Cmd
	gone chan struct{} // closed once the master has ended
	// leash ends Dovecot when it is closed; the operating system closes it
	// when the test binary dies, however it dies.
	leash io.Closer
}

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
		return errors.New("dovecot runs already")
	}
	if err := s.writeConfig(); err != nil {
		return err
	}
	// A kill leaves the file behind, and await takes it as a sign of life.
	pidFile := filepath.Join(s.dir, "run", "master.pid")
	_ = os.Remove(pidFile)
	p, err := launch(s.conf())
	if err != nil {
		return err
	}
	// Dovecot writes the file once it has all ports to itself. The ports
	// alone would prove nothing: somebody else might listen there.
	if err := p.await(func() error { _, err := os.Stat(pidFile); return err }); err != nil {
		p.end(syscall.SIGKILL)
		return err
	}
	for _, port := range []int{s.IMAPPort, s.IMAPSPort, s.LMTPPort} {
		if err := p.await(func() error { return knock(port) }); err != nil {
			p.end(syscall.SIGKILL)
			return err
		}
	}
	s.proc = p
	return nil
}

// launch starts Dovecot in a process group of its own, on a leash.
func launch(conf string) (*process, error) {
	cmd := exec.Command(binary(), "-F", "-c", conf)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, gone: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // it ends by a signal: an error that says nothing
		close(p.gone)
	}()
	// A shell waits for its input to end and then ends Dovecot. Nothing else
	// works wherever Go does when a test is killed.
	guard := exec.Command("/bin/sh", "-c", "read _; kill -TERM "+strconv.Itoa(cmd.Process.Pid))
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: cmd.Process.Pid}
	in, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err != nil {
		p.end(syscall.SIGKILL)
		return nil, err
	}
	p.leash = in
	go func() { _ = guard.Wait() }()
	return p, nil
}

// await returns once ready returns nil.
func (p *process) await(ready func() error) error {
	deadline := time.After(20 * time.Second)
	retry := time.NewTicker(5 * time.Millisecond)
	defer retry.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.gone:
			return errors.New("dovecot ended while it started")
		case <-deadline:
			return fmt.Errorf("dovecot does not come up: %w", err)
		case <-retry.C:
		}
	}
}

// knock opens and closes a connection.
func knock(port int) error {
	c, err := net.Dial("tcp", address(port))
	if err != nil {
		return err
	}
	return c.Close()
}

// end signals the master and waits for it; what it left behind is killed.
func (p *process) end(sig syscall.Signal) {
	target := p.cmd.Process.Pid
	if sig == syscall.SIGKILL {
		target = -target
	}
	_ = syscall.Kill(target, sig)
	select {
	case <-p.gone:
	case <-time.After(10 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.gone
	if p.leash != nil {
		_ = p.leash.Close()
	}
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
		s.proc.end(sig)
		s.proc = nil
	}
}

// address is where a port of ours is reached.
func address(port int) string { return net.JoinHostPort(Host, strconv.Itoa(port)) }

// freePorts finds three ports on which nobody listens at the moment.
func freePorts() (a, b, c int, err error) {
	var ports [3]int
	for i := range ports {
		l, err := net.Listen("tcp", address(0))
		if err != nil {
			return 0, 0, 0, err
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports[0], ports[1], ports[2], nil
}
