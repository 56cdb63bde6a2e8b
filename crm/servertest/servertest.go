// Package servertest runs a real server beside a test binary: in a process
// group of its own, awaited when it starts, and gone when the test binary is,
// however that ends.
package servertest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Main is the TestMain of a package: it runs the tests, closes the servers that
// they have started, and fails where a goroutine is left then.
func Main(m *testing.M, servers ...io.Closer) {
	code := m.Run()
	for _, server := range servers {
		if err := server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// Process is a server that runs.
type Process struct {
	cmd  *exec.Cmd
	gone chan struct{} // closed once it has ended
	// guard is a shell that ends the server when its input, the leash, is
	// closed before a line came: the operating system closes it when the test
	// binary dies.
	guard *exec.Cmd
	leash io.WriteCloser
}

// Launch starts a server. sig is the signal that ends it and all it started,
// should the test binary die.
func Launch(cmd *exec.Cmd, sig syscall.Signal) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, gone: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // it ends by a signal: an error that says nothing
		close(p.gone)
	}()
	guard := exec.Command("/bin/sh", "-c", fmt.Sprintf("read _ || kill -%d %d", sig, cmd.Process.Pid))
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // not reached by a ^C in the terminal
	leash, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err != nil {
		p.End(syscall.SIGKILL)
		return nil, err
	}
	p.guard, p.leash = guard, leash
	return p, nil
}

// patience is how long a server may take to start, or to end. It says nothing
// about how fast one is: a machine that is slow, or has much to do, is no fault.
const patience = 2 * time.Minute

// Await returns once ready returns nil, and fails where the server ends first
// or does not come up.
func (p *Process) Await(ready func() error) error {
	deadline := time.After(patience)
	retry := time.NewTicker(5 * time.Millisecond)
	defer retry.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.gone:
			return fmt.Errorf("%s ended while it started", p.name())
		case <-deadline:
			return fmt.Errorf("%s does not come up: %w", p.name(), err)
		case <-retry.C:
		}
	}
}

func (p *Process) name() string { return filepath.Base(p.cmd.Path) }

// Signal sends a signal to the server's first process.
func (p *Process) Signal(sig syscall.Signal) error { return p.cmd.Process.Signal(sig) }

// End ends the server by a signal to its first process, SIGKILL to all of its
// group, and waits. What is left of the group then is killed.
func (p *Process) End(sig syscall.Signal) {
	target := p.cmd.Process.Pid
	if sig == syscall.SIGKILL {
		target = -target
	}
	_ = syscall.Kill(target, sig)
	select {
	case <-p.gone:
	case <-time.After(patience):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.gone
	if p.guard != nil {
		_, _ = io.WriteString(p.leash, "\n")
		_ = p.guard.Wait() // it has nothing to say
	}
}

// Address is where a port of the loopback interface is reached.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
