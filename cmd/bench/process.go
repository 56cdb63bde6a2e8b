package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// operatorToken is that of every process here.
const operatorToken = "bench-bench-bench-bench-bench-bench"

// process is mailsyncd as people run it.
type process struct {
	cmd *exec.Cmd
	url string
	end chan struct{} // closed when it has ended
}

// buildDaemon makes the program that is measured.
func buildDaemon(ctx context.Context, dir string) (program string, err error) {
	program = filepath.Join(dir, "mailsyncd")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, module+"/cmd/mailsyncd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the daemon: %w\n%s", err, out)
	}
	return program, nil
}

const module = "mailsyncd.example"

// memoryLimit is what the Go runtime is asked to keep to, for a process that is
// to take 400 MB: the pages of the program's file come on top.
const memoryLimit = "340MiB"

// startDaemon runs the program until it is stopped or killed, and returns once
// it serves.
func startDaemon(program string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(program, append([]string{"serve", "--listen", "127.0.0.1:0",
		"--allow-networks", "127.0.0.0/8", "--operator-token", operatorToken}, args...)...), end: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "GOMEMLIMIT="+memoryLimit)
	log, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	serving := make(chan string, 1)
	last := ""
	go func() {
		defer close(p.end)
		last = follow(log, serving)
		_ = p.cmd.Wait() // its last line says more
	}()
	select {
	case p.url = <-serving:
		return p, nil
	case <-p.end:
		return nil, fmt.Errorf("the daemon does not serve: %s", last)
	}
}

// follow reads a log to its end, tells the address in it, and returns the last
// line.
func follow(log io.Reader, serving chan<- string) (last string) {
	for lines := bufio.NewScanner(log); lines.Scan(); {
		last = lines.Text()
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			serving <- line.URL
		}
	}
	return last
}

// kill ends the process at once.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.end
}

// stop ends the process in good order.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.end
}

// call makes a request to the daemon, and reads the answer into out.
func (p *process) call(ctx context.Context, token, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, p.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		said, _ := io.ReadAll(response.Body) // what it says is better than nothing
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, said)
	}
	return json.NewDecoder(response.Body).Decode(out)
}

// gauge is a number that the daemon tells of itself.
func (p *process) gauge(ctx context.Context, name string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+operatorToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, nil // not counted yet
}

// cost is what a process takes from its machine.
type cost struct {
	cpu           time.Duration // since it began
	rss, anon, us int64         // bytes: resident, of that not files, and its share of all (PSS)
}

func (p *process) cost() (cost, error) {
	var c cost
	folder := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	stat, err := os.ReadFile(folder + "stat")
	if err != nil {
		return c, err
	}
	// The name of the program, in parentheses, comes second (proc(5)).
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	for _, field := range fields[11:13] { // utime and stime, in hundredths
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return c, err
		}
		c.cpu += time.Duration(n) * time.Second / 100
	}
	for _, of := range []struct {
		file, name string
		into       *int64
	}{{"status", "VmRSS", &c.rss}, {"status", "RssAnon", &c.anon}, {"smaps_rollup", "Pss", &c.us}} {
		if *of.into, err = memoryOf(folder+of.file, of.name); err != nil {
			return c, err
		}
	}
	return c, nil
}
