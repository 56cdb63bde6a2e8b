// Package buckettest is a private, real S3 server for one test: the Versity S3
// Gateway over a folder, on a port of its own, gone with the test.
//
//	s := buckettest.Start(t)
//	s.Make(t, "mail")
//	place, err := blob.ParsePlace(s.URL("mail/prefix"))
//
// In its folder a bucket is a folder and an object a file, so that a test can
// look at objects, and make them old.
package buckettest

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"mailsyncd.example/crm/servertest"
)

// ErrMissing says that there is no S3 server on this machine.
var ErrMissing = errors.New("versitygw is not installed: make test builds it into bin/")

// What the server takes for a login, and where it says it is.
const (
	AccessKey = "buckettest"
	SecretKey = "opensesame"
	Region    = "us-east-1"
)

// Server is a running S3 server. Its port stays the same when it is restarted.
type Server struct {
	root, side, log string
	binary          string
	port            int
	runner          servertest.Runner
}

// Start runs a server until the test ends, and gives the process its
// credentials. Without the gateway the test is skipped, or fails where CI is
// "true".
func Start(t testing.TB) *Server {
	t.Helper()
	return StartIn(t, t.TempDir())
}

// StartIn is Start with the folder in which the server keeps its buckets.
func StartIn(t testing.TB, root string) *Server {
	t.Helper()
	binary, err := find()
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &Server{root: root, side: filepath.Join(dir, "side"), log: filepath.Join(dir, "log"), binary: binary}
	if err := os.Mkdir(s.side, 0o700); err != nil {
		t.Fatal(err)
	}
	ports, err := servertest.OnFreePorts(1, func(numbers []int) error {
		s.port = numbers[0]
		return s.runner.Start(s.begin)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Release)
	t.Cleanup(s.Kill)
	t.Setenv("AWS_ACCESS_KEY_ID", AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", SecretKey)
	return s
}

// find looks for the gateway in bin/ of the module, where .ci/servers builds it,
// then in the PATH.
func find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		binary := filepath.Join(dir, "bin", "versitygw")
		if _, err := os.Stat(binary); err == nil {
			return binary, nil
		}
	}
	if binary, err := exec.LookPath("versitygw"); err == nil {
		return binary, nil
	}
	return "", ErrMissing
}

func (s *Server) begin() (*servertest.Process, error) {
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the server has its own
	cmd := exec.Command(s.binary, "--port", s.Address(), "--region", Region, "posix", "--sidecar", s.side, s.root)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+AccessKey, "ROOT_SECRET_ACCESS_KEY="+SecretKey)
	cmd.Stdout, cmd.Stderr = log, log
	p, err := servertest.Begin(cmd, syscall.SIGKILL, s.knock)
	if err != nil {
		said, _ := os.ReadFile(s.log) // where there is none, the error says enough
		err = fmt.Errorf("%w\n%s", err, said)
	}
	return p, err
}

// knock returns nil once the server answers, if only that it lets nobody in.
func (s *Server) knock() error {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + s.Address())
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// Restart runs the server again after Kill, on the same port, with the same
// data.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.runner.Start(s.begin); err != nil {
		t.Fatal(err)
	}
}

// Kill ends the server at once, whatever it does.
func (s *Server) Kill() { s.runner.End(syscall.SIGKILL, nil) }

// Address is where the server listens: for proxies.
func (s *Server) Address() string { return servertest.Address(s.port) }

// URL names a place, "bucket" or "bucket/prefix".
func (s *Server) URL(place string) string { return URLAt(s.Address(), place) }

// URLAt is URL for a proxy's address.
func URLAt(address, place string) string {
	return "s3://" + place + "?endpoint=http://" + address + "&region=" + Region
}

// Make makes an empty bucket.
func (s *Server) Make(t testing.TB, bucket string) {
	t.Helper()
	if err := os.Mkdir(s.Folder(bucket), 0o755); err != nil {
		t.Fatal(err)
	}
}

// Folder is where a bucket's objects are files.
func (s *Server) Folder(bucket string) string { return filepath.Join(s.root, bucket) }

// Objects lists the keys of a bucket.
func (s *Server) Objects(t testing.TB, bucket string) (keys []string) {
	t.Helper()
	err := filepath.WalkDir(s.Folder(bucket), func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, err = filepath.Rel(s.Folder(bucket), name)
			keys = append(keys, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
