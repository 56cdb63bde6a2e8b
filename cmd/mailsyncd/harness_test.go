package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"mailsyncd.example/crm/store/postgrestest"
)

// asProgram makes this test binary be mailsyncd itself, so that a test can run
// it as a process of its own, with the race detector in it, and kill it.
const asProgram = "MAILSYNCD_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		p := Program{Args: os.Args[1:], Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
		os.Exit(p.Run(ctx))
	}
	code := m.Run()
	if err := postgresql.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	// Everything that a daemon or the demo has started must have ended.
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// postgresql is started by the first test that needs it.
var postgresql postgrestest.Server

// running is a mailsyncd that serves for a test.
type running struct {
	client  // with the operator's token
	dataDir string
	log     *logWatch
	stop    func() // as SIGTERM does; returns when it has stopped
}

// serveArgs are the arguments of a daemon for tests: a free port, and mail
// servers on the loopback interface allowed.
func serveArgs(dataDir string, more ...string) []string {
	return append([]string{"serve", "--listen", "127.0.0.1:0", "--data-dir", dataDir,
		"--allow-networks", "127.0.0.0/8"}, more...)
}

// serve runs a daemon in this process until the test ends.
func serve(t *testing.T, dataDir string, more ...string) *running {
	t.Helper()
	log := newLogWatch(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	p := Program{Args: serveArgs(dataDir, more...), Stdin: strings.NewReader(""), Stdout: log, Stderr: log}
	go func() {
		done <- p.Run(ctx)
		log.end()
	}()
	stop := sync.OnceFunc(func() {
		cancel()
		if code := <-done; code != exitOK {
			t.Errorf("the daemon ended with code %d", code)
		}
	})
	t.Cleanup(stop)
	return attach(t, log, dataDir, stop)
}

// spawn runs a daemon as a process of its own. The test ends it.
func spawn(t *testing.T, dataDir string, more ...string) (*running, *os.Process) {
	t.Helper()
	log := newLogWatch(t)
	cmd := exec.Command(os.Args[0], serveArgs(dataDir, more...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // a killed process ends with an error, as it must
		log.end()
		close(ended)
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	stop := func() { _ = cmd.Process.Signal(syscall.SIGTERM); <-ended }
	return attach(t, log, dataDir, stop), cmd.Process
}

// attach waits until the daemon serves.
func attach(t *testing.T, log *logWatch, dataDir string, stop func()) *running {
	t.Helper()
	line := log.wait("serving")
	token, err := os.ReadFile(filepath.Join(dataDir, "operator-token"))
	if err != nil {
		t.Fatal(err)
	}
	url, _ := line["url"].(string)
	api := client{url: url}.as(strings.TrimSpace(string(token)))
	return &running{client: api, dataDir: dataDir, log: log, stop: stop}
}

// logWatch takes the log of a daemon, so that a test can wait for what it says.
// Where the test fails the log is shown.
type logWatch struct {
	t     *testing.T
	mu    sync.Mutex
	news  *sync.Cond
	text  bytes.Buffer
	rest  []byte // of a line that has not ended yet
	lines []map[string]any
	ended bool
}

func newLogWatch(t *testing.T) *logWatch {
	w := &logWatch{t: t}
	w.news = sync.NewCond(&w.mu)
	t.Cleanup(func() {
		if t.Failed() {
			w.mu.Lock()
			defer w.mu.Unlock()
			t.Logf("the daemon's log:\n%s", w.text.String())
		}
	})
	return w
}

// Write takes a piece of the log, which may end in the middle of a line.
func (w *logWatch) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(b)
	w.rest = append(w.rest, b...)
	for {
		line, rest, whole := bytes.Cut(w.rest, []byte("\n"))
		if !whole {
			break
		}
		w.rest = rest
		var fields map[string]any
		if json.Unmarshal(line, &fields) == nil {
			w.lines = append(w.lines, fields)
		}
	}
	w.news.Broadcast()
	return len(b), nil
}

func (w *logWatch) end() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.news.Broadcast()
}

// wait returns the first line with this message, once it is there.
func (w *logWatch) wait(message string) map[string]any {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for _, line := range w.lines {
			if line["msg"] == message {
				return line
			}
		}
		if w.ended {
			w.t.Fatalf("the daemon ended without saying %q:\n%s", message, w.text.String())
		}
		w.news.Wait()
	}
}

// waitText returns once the text holds all of these.
func (w *logWatch) waitText(wants ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, want := range wants {
		for !bytes.Contains(w.text.Bytes(), []byte(want)) {
			if w.ended {
				w.t.Fatalf("it ended without saying %q:\n%s", want, w.text.String())
			}
			w.news.Wait()
		}
	}
}

// waitEnd returns once the daemon has ended.
func (w *logWatch) waitEnd() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.ended {
		w.news.Wait()
	}
}

// String is the whole log so far.
func (w *logWatch) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
