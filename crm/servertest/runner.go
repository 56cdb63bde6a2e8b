package servertest

import (
	"errors"
	"os/exec"
	"sync"
	"syscall"
)

// ErrRuns says that a server was started that runs already, ErrRest that one
// does not run.
var (
	ErrRuns = errors.New("the server runs already")
	ErrRest = errors.New("the server does not run")
)

// Begin starts a server (see Launch) and returns once ready returns nil; one
// that does not come up is ended.
func Begin(cmd *exec.Cmd, sig syscall.Signal, ready func() error) (*Process, error) {
	p, err := Launch(cmd, sig)
	if err != nil {
		return nil, err
	}
	if err := p.Await(ready); err != nil {
		p.End(sig)
		return nil, err
	}
	return p, nil
}

// Runner is a server that tests start and end as often as they like, from any
// goroutine. The zero value does not run.
type Runner struct {
	mu   sync.Mutex
	proc *Process // nil while it does not run
}

// Start starts the server by way of begin; ErrRuns where it runs.
func (r *Runner) Start(begin func() (*Process, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proc != nil {
		return ErrRuns
	}
	var err error
	r.proc, err = begin()
	return err
}

// End ends the server, if it runs (see Process.End). Nobody starts it again before
// after has returned, which may be nil.
func (r *Runner) End(sig syscall.Signal, after func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proc == nil {
		return
	}
	r.proc.End(sig)
	r.proc = nil
	if after != nil {
		after()
	}
}

// Runs tells whether the server was started and not ended.
func (r *Runner) Runs() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.proc != nil
}

// Signal sends a signal to the server's first process; ErrRest where it does
// not run.
func (r *Runner) Signal(sig syscall.Signal) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proc == nil {
		return ErrRest
	}
	return r.proc.Signal(sig)
}
