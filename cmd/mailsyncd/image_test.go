package main

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// imageFile is what deploy/Dockerfile says of the image.
type imageFile struct {
	build      string // the command that builds the binary
	env        map[string]string
	user, port string
	command    []string // after the binary's own name
}

func dockerfile(t *testing.T) imageFile {
	t.Helper()
	text := document(t, "deploy/Dockerfile")
	one := func(pattern string) string {
		m := regexp.MustCompile("(?m)^"+pattern+"$").FindAllStringSubmatch(text, -1)
		if len(m) != 1 {
			t.Fatalf("the Dockerfile has %d lines like %s", len(m), pattern)
		}
		return m[0][1]
	}
	image := imageFile{env: map[string]string{}, build: one(`RUN (.*go build .*)`), user: one(`USER (\d+):\d+`), port: one(`EXPOSE (\d+)`)}
	for _, m := range regexp.MustCompile(`(?m)^ENV (\w+)=(.*)$`).FindAllStringSubmatch(text, -1) {
		image.env[m[1]] = m[2]
	}
	image.command = []string{strings.Trim(one(`CMD \[(.*)\]`), `"`)}
	if !strings.HasSuffix(image.env["MAILSYNC_LISTEN"], ":"+image.port) {
		t.Errorf("the image listens at %s and exposes %s", image.env["MAILSYNC_LISTEN"], image.port)
	}
	if volume := one(`VOLUME (.*)`); volume != image.env["MAILSYNC_DATA_DIR"] {
		t.Errorf("the volume is %s, the data in %s", volume, image.env["MAILSYNC_DATA_DIR"])
	}
	return image
}

// compile runs the Dockerfile's own line in a work tree, but for where the
// binary goes.
func (i imageFile) compile(t *testing.T, tree, to string) {
	t.Helper()
	line := strings.Replace(i.build, "/out/mailsyncd", to, 1)
	if line == i.build {
		t.Fatalf("where does %q put the binary?", i.build)
	}
	build := exec.CommandContext(t.Context(), "sh", "-c", line)
	build.Dir = tree
	build.Env = append(os.Environ(), "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// The image's sources are enough to build it, and make the same binary again.
// It runs where there is nothing but its data folder, as a user who owns
// nothing else.
func TestImage(t *testing.T) {
	image := dockerfile(t)
	root := t.TempDir()
	top, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	image.compile(t, top, filepath.Join(root, "mailsyncd"))

	copied := t.TempDir()
	for _, m := range regexp.MustCompile(`(?m)^!(.+)$`).FindAllStringSubmatch(document(t, "deploy/Dockerfile.dockerignore"), -1) {
		if out, err := exec.CommandContext(t.Context(), "cp", "-r", filepath.Join(top, m[1]), copied).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	again := filepath.Join(copied, "mailsyncd")
	image.compile(t, copied, again)
	if sum(t, again) != sum(t, filepath.Join(root, "mailsyncd")) {
		t.Error("the same sources in another folder make another binary")
	}
	runsAlone(t, image, root)
}

func sum(t *testing.T, path string) [sha256.Size]byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(content)
}

// runsAlone runs the binary of the folder with that folder as its whole world.
func runsAlone(t *testing.T, image imageFile, root string) {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("only root may lock a process into a folder")
		}
		t.Skip("only root may lock a process into a folder")
	}
	uid, err := strconv.Atoi(image.user)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(root, filepath.FromSlash(image.env["MAILSYNC_DATA_DIR"]))
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, uid, uid); err != nil {
		t.Fatal(err)
	}
	log := newLogWatch(t)
	cmd := exec.Command("/mailsyncd", image.command...)
	cmd.Dir = "/"
	cmd.Env = []string{}
	for name, value := range image.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "MAILSYNC_LISTEN=127.0.0.1:0") // the last one counts
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		log.end()
	}()
	url, _ := log.wait("serving")["url"].(string)
	response, err := http.Get(url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("/readyz: %s", response.Status)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("stopped: %v", err)
	}
	token, err := os.ReadFile(filepath.Join(data, "operator-token"))
	if err != nil || bytes.Contains([]byte(log.String()), bytes.TrimSpace(token)) {
		t.Errorf("the operator's token: %v", err)
	}
}
