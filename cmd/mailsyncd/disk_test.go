package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

// smallDisk is a disk of its own for a data folder.
func smallDisk(t *testing.T, megabytes int) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes))
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("a small disk can't be mounted, and a full one is not to be tested without: %v", err)
	}
	if err != nil {
		t.Skipf("only root may mount a small disk that a test can fill: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes until nothing fits any more, and returns the file that takes the
// room.
func fill(t *testing.T, dir string) string {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4 << 10, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return name
}

// A full disk stops the intake and says so; nothing is lost, and nothing has to
// be done once there is room again.
func TestAFullDiskIsWaitedOut(t *testing.T) {
	dovecot := dovecottest.Start(t)
	disk := smallDisk(t, 24)
	f := openFirm(t, serve(t, disk), dovecot, "elena@rossi.example")
	f.mailbox("dan@acme.example")
	dan := f.user("dan", crm.RoleUser)
	l := f.link(dan, "dan@acme.example")
	ready := func() error { return f.key.call(t.Context(), http.MethodGet, "/readyz", nil, nil) }
	look := func() error { return dan.call(t.Context(), http.MethodPost, "/v1/links/"+l.ID+"/look", nil, nil) }
	dovecot.Deliver(t, "dan@acme.example", mailOf("1@rossi", elena, danTo, "First", "there is room"))
	f.look(dan, l)
	if err := ready(); err != nil {
		t.Errorf("with room on the disk: %v", err)
	}

	filler := fill(t, disk)
	dovecot.Deliver(t, "dan@acme.example", mailOf("2@rossi", elena, danTo, "Second", "there is none"))
	if err := look(); crm.CodeOf(err) != "disk_full" {
		t.Errorf("a look with a full disk: %v", err)
	}
	if err := ready(); crm.CodeOf(err) != "not_ready" {
		t.Errorf("ready with a full disk: %v", err)
	}
	if got := f.subjects(); !slices.Equal(got, []string{"First"}) {
		t.Errorf("imported onto a full disk: %q", got)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	f.look(dan, l)
	if got := f.subjects(); !slices.Equal(got, []string{"First", "Second"}) {
		t.Errorf("imported %q", got)
	}
	if h := f.balance(l.MailboxID); h.Balance.Unexplained != 0 {
		t.Errorf("%d unexplained", h.Balance.Unexplained)
	}
	if err := ready(); err != nil {
		t.Errorf("with room on the disk again: %v", err)
	}
}
