package blob_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api"
	"mailsyncd.example/crm/blob"
	"mailsyncd.example/crm/blob/blobtest"
	"mailsyncd.example/sync/intake"
)

var (
	_ intake.Blobs = (*blob.Files)(nil)
	_ api.Blobs    = (*blob.Files)(nil)
)

const acc = blobtest.Account

func openFiles(t testing.TB) (*blob.Files, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "blobs")
	f, err := blob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f, dir
}

// filesRig is a folder as the suite sees it.
func filesRig(t testing.TB) (r blobtest.Rig, dir string) {
	t.Helper()
	f, dir := openFiles(t)
	return blobtest.Rig{
		Keeper: f,
		Kept:   func(t testing.TB) int { return len(files(t, dir)) },
		Age:    func(t testing.TB, by time.Duration) { blobtest.Age(t, dir, by) },
	}, dir
}

func files(t testing.TB, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestFiles(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blobtest.Rig {
		r, _ := filesRig(t)
		return r
	})
}

func TestFilesAreTheirOwnersAlone(t *testing.T) {
	r, dir := filesRig(t)
	r.Put(t, acc, "private")
	for _, name := range files(t, dir) {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestDamagedFile(t *testing.T) {
	r, dir := filesRig(t)
	ref := r.Put(t, acc, strings.Repeat("some text that compresses; ", 1000))
	damage(t, files(t, dir)[0], func() error {
		b, err := r.Keeper.Open(t.Context(), acc, ref)
		if err == nil {
			_, err = io.Copy(io.Discard, b)
			err = errors.Join(err, b.Close())
		}
		return err
	})
}

// damage spoils a file in several ways, each of which reading must find.
func damage(t *testing.T, name string, read func() error) {
	t.Helper()
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 0x55
	for _, content := range [][]byte{whole[:len(whole)-5], flipped, []byte("no zstd at all")} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := read(); crm.CodeOf(err) != "blob_damaged" {
			t.Errorf("read a damaged blob: %v", err)
		}
	}
}

func TestUnusableFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.Open(filepath.Join(file, "blobs")); crm.CodeOf(err) != "data_dir_unwritable" {
		t.Errorf("opened a folder inside of a file: %v", err)
	}
	f, dir := openFiles(t)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Put(t.Context(), acc, strings.NewReader("x")); crm.CodeOf(err) != "data_dir_unwritable" {
		t.Errorf("put into a folder that is gone: %v", err)
	}
}

// What a crash in the middle of a Put has left is no blob, and goes too.
func TestSweepRemovesHalfAFile(t *testing.T) {
	r, dir := filesRig(t)
	left := filepath.Join(dir, ".incoming", "put-crashed")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.Age(t, time.Hour)
	if n, err := r.Keeper.Sweep(t.Context(), acc, time.Now().Add(-time.Minute), nil); n != 0 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if names := files(t, dir); len(names) != 0 {
		t.Errorf("left: %v", names)
	}
}

func BenchmarkPut(b *testing.B) {
	f, _ := openFiles(b)
	mail := []byte(strings.Repeat("Dear Ms Sato, thank you for your order of the 12th. ", 200))
	b.SetBytes(int64(len(mail)))
	for i := 0; b.Loop(); i++ {
		copy(mail, time.Unix(0, int64(i)).String())
		if _, _, err := f.Put(b.Context(), acc, bytes.NewReader(mail)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPutAndSync is what a page of a hundred messages costs, in a folder
// and in a bucket.
func BenchmarkPutAndSync(b *testing.B) {
	b.Run("folder", func(b *testing.B) {
		f, _ := openFiles(b)
		putAndSync(b, f)
	})
	b.Run("bucket", func(b *testing.B) {
		_, r := openBucket(b)
		putAndSync(b, r.Keeper)
	})
}

func putAndSync(b *testing.B, keeper blobtest.Keeper) {
	mail := []byte(strings.Repeat("Dear Ms Sato, thank you for your order of the 12th. ", 200))
	before := cpu()
	for i := 0; b.Loop(); i++ {
		var refs []crm.BlobRef
		for j := range 100 {
			copy(mail, time.Unix(int64(j), int64(i)).String())
			ref, _, err := keeper.Put(b.Context(), acc, bytes.NewReader(mail))
			if err != nil {
				b.Fatal(err)
			}
			refs = append(refs, ref)
		}
		if err := keeper.Sync(b.Context(), acc, refs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(100*b.N), "cpu-µs/message")
}

// cpu is what this process has used so far, user and system.
func cpu() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
