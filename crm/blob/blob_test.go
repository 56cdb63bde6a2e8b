package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api"
	"mailsyncd.example/crm/blob"
	"mailsyncd.example/sync/intake"
)

var (
	_ intake.Blobs = (*blob.Files)(nil)
	_ api.Blobs    = (*blob.Files)(nil)
)

const acc = crm.AccountID("acc_1")

func openFiles(t testing.TB) (*blob.Files, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "blobs")
	f, err := blob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f, dir
}

func put(t testing.TB, f *blob.Files, a crm.AccountID, content string) crm.BlobRef {
	t.Helper()
	ref, size, err := f.Put(t.Context(), a, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256([]byte(content)); string(ref) != hex.EncodeToString(sum[:]) || size != int64(len(content)) {
		t.Fatalf("kept as %s, %d bytes", ref, size)
	}
	return ref
}

func read(t testing.TB, f *blob.Files, a crm.AccountID, ref crm.BlobRef) string {
	t.Helper()
	r, err := f.Open(t.Context(), a, ref)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return string(b)
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

func TestPutAndOpen(t *testing.T) {
	f, dir := openFiles(t)
	for _, content := range []string{"", "a", strings.Repeat("Grüße aus Tōkyō\r\n", 100_000)} {
		ref := put(t, f, acc, content)
		if err := f.Sync(t.Context(), acc, []crm.BlobRef{ref}); err != nil {
			t.Fatal(err)
		}
		if read(t, f, acc, ref) != content {
			t.Errorf("read something else than the %d bytes that were put", len(content))
		}
		if put(t, f, acc, content) != ref {
			t.Error("the same bytes got another name")
		}
		if _, err := f.Open(t.Context(), "acc_2", ref); crm.KindOf(err) != crm.NotFound {
			t.Errorf("another account may open it: %v", err)
		}
	}
	names := files(t, dir)
	if len(names) != 3 {
		t.Errorf("%d files for 3 blobs: %v", len(names), names)
	}
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestReaderFailsInTheMiddle(t *testing.T) {
	f, dir := openFiles(t)
	gone := errors.New("connection lost")
	_, _, err := f.Put(t.Context(), acc, io.MultiReader(strings.NewReader("half of a mail"), iotest.ErrReader(gone)))
	if !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	if names := files(t, dir); len(names) != 0 {
		t.Errorf("half a blob is left: %v", names)
	}
	ref := put(t, f, acc, "the next one")
	if read(t, f, acc, ref) != "the next one" {
		t.Error("the next blob suffers")
	}
}

func TestCancelled(t *testing.T) {
	f, _ := openFiles(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := f.Put(ctx, acc, strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v", err)
	}
	ref := put(t, f, acc, "x")
	if err := f.Sync(ctx, acc, []crm.BlobRef{ref}); !errors.Is(err, context.Canceled) {
		t.Errorf("Sync: %v", err)
	}
}

func TestDelete(t *testing.T) {
	f, dir := openFiles(t)
	one, two := put(t, f, acc, "one"), put(t, f, acc, "two")
	other := put(t, f, "acc_2", "one")
	for range 2 { // the second time there is nothing to do
		if err := f.Delete(t.Context(), acc, one); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Open(t.Context(), acc, one); crm.CodeOf(err) != "blob_not_found" {
		t.Errorf("after Delete: %v", err)
	}
	if read(t, f, acc, two) != "two" || read(t, f, "acc_2", other) != "one" {
		t.Error("another blob went too")
	}
	if err := f.DeleteAccount(t.Context(), acc); err != nil {
		t.Fatal(err)
	}
	if names := files(t, dir); len(names) != 1 {
		t.Errorf("left after the account was deleted: %v", names)
	}
}

func TestHostileNames(t *testing.T) {
	f, dir := openFiles(t)
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, a := range []crm.AccountID{"", ".", "..", "../x", "a/b", ".incoming", `a\b`, "a\x00b", "アカウント"} {
		if _, _, err := f.Put(t.Context(), a, strings.NewReader("x")); crm.CodeOf(err) != "bad_account_id" {
			t.Errorf("account %q: Put: %v", a, err)
		}
		if err := f.DeleteAccount(t.Context(), a); crm.CodeOf(err) != "bad_account_id" {
			t.Errorf("account %q: DeleteAccount: %v", a, err)
		}
	}
	for _, ref := range []crm.BlobRef{"", "ab", "../../secret", crm.BlobRef(strings.Repeat("A", 64)), crm.BlobRef("ab/" + strings.Repeat("a", 61))} {
		if _, err := f.Open(t.Context(), acc, ref); crm.KindOf(err) != crm.NotFound {
			t.Errorf("ref %q: Open: %v", ref, err)
		}
		if err := f.Sync(t.Context(), acc, []crm.BlobRef{ref}); crm.KindOf(err) != crm.NotFound {
			t.Errorf("ref %q: Sync: %v", ref, err)
		}
		if err := f.Delete(t.Context(), acc, ref); err != nil {
			t.Errorf("ref %q: Delete: %v", ref, err)
		}
	}
}

func TestDamagedBlob(t *testing.T) {
	f, dir := openFiles(t)
	ref := put(t, f, acc, strings.Repeat("some text that compresses; ", 1000))
	name := files(t, dir)[0]
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
		r, err := f.Open(t.Context(), acc, ref)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
			err = errors.Join(err, r.Close())
		}
		if crm.CodeOf(err) != "blob_damaged" {
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

func TestManyAtOnce(t *testing.T) {
	f, dir := openFiles(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 20 {
				content := strings.Repeat("x", i*100)
				ref, _, err := f.Put(t.Context(), acc, strings.NewReader(content))
				if err == nil {
					err = f.Sync(t.Context(), acc, []crm.BlobRef{ref})
				}
				if err != nil {
					t.Error(err)
				} else if read(t, f, acc, ref) != content {
					t.Errorf("blob %d reads as something else", i)
				}
			}
		})
	}
	wg.Wait()
	if names := files(t, dir); len(names) != 20 {
		t.Errorf("%d files for 20 blobs", len(names))
	}
}

func TestSweep(t *testing.T) {
	f, dir := openFiles(t)
	needed, orphan := put(t, f, acc, "needed"), put(t, f, acc, "orphan")
	left := filepath.Join(dir, ".incoming", "put-crashed")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Hour)
	for _, name := range files(t, dir) {
		if err := os.Chtimes(name, long, long); err != nil {
			t.Fatal(err)
		}
	}
	young := put(t, f, acc, "orphan, but young")
	n, err := f.Sweep(t.Context(), acc, long.Add(time.Minute), func(refs []crm.BlobRef) (out []crm.BlobRef, err error) {
		for _, ref := range refs {
			if ref != needed {
				out = append(out, ref)
			}
		}
		return out, nil
	})
	if err != nil || n != 1 {
		t.Errorf("swept %d, %v", n, err)
	}
	if read(t, f, acc, needed) != "needed" || read(t, f, acc, young) == "" {
		t.Error("a blob that is needed, or young, was swept")
	}
	if _, err := f.Open(t.Context(), acc, orphan); crm.KindOf(err) != crm.NotFound {
		t.Errorf("the orphan is still there: %v", err)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file of a crashed Put is still there: %v", err)
	}
	if n, err := f.Sweep(t.Context(), "acc_none", time.Now(), nil); n != 0 || err != nil {
		t.Errorf("an account without blobs: %d, %v", n, err)
	}
}

// What a Put finds kept already is about to be named by a row: Sweep must leave
// it, however old it is, and also where it has listed it before.
func TestSweepLeavesWhatAPutHasFound(t *testing.T) {
	f, dir := openFiles(t)
	ref := put(t, f, acc, "left by a crash")
	long := time.Now().Add(-time.Hour)
	for _, name := range files(t, dir) {
		if err := os.Chtimes(name, long, long); err != nil {
			t.Fatal(err)
		}
	}
	n, err := f.Sweep(t.Context(), acc, long.Add(time.Minute), func(refs []crm.BlobRef) ([]crm.BlobRef, error) {
		put(t, f, acc, "left by a crash")
		return refs, nil
	})
	if n != 0 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if read(t, f, acc, ref) != "left by a crash" {
		t.Error("it was swept")
	}
}

// noise gives n bytes that do not compress.
func noise(n int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{1}), n)
}

// A big message must not become a big process: what is live while 64 MB go in
// and out stays small.
func TestMemoryStaysBounded(t *testing.T) {
	f, _ := openFiles(t)
	const size, limit = 64 << 20, 16 << 20
	live := &highWater{}
	ref, n, err := f.Put(t.Context(), acc, io.TeeReader(noise(size), live))
	if err != nil || n != size {
		t.Fatal(n, err)
	}
	r, err := f.Open(t.Context(), acc, ref)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.Copy(live, r); err != nil {
		t.Fatal(err)
	}
	if live.most > limit {
		t.Errorf("%d MB were live, more than %d", live.most>>20, limit>>20)
	}
}

// highWater looks at the live heap every 8 MB that are written to it.
type highWater struct {
	seen, next int64
	most       uint64
}

func (h *highWater) Write(p []byte) (int, error) {
	if h.seen += int64(len(p)); h.seen >= h.next {
		h.next = h.seen + 8<<20
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		h.most = max(h.most, m.HeapAlloc)
	}
	return len(p), nil
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

// BenchmarkPutAndSync is what a page of a hundred messages costs.
func BenchmarkPutAndSync(b *testing.B) {
	f, _ := openFiles(b)
	mail := []byte(strings.Repeat("Dear Ms Sato, thank you for your order of the 12th. ", 200))
	before := cpu()
	for i := 0; b.Loop(); i++ {
		var refs []crm.BlobRef
		for j := range 100 {
			copy(mail, time.Unix(int64(j), int64(i)).String())
			ref, _, err := f.Put(b.Context(), acc, bytes.NewReader(mail))
			if err != nil {
				b.Fatal(err)
			}
			refs = append(refs, ref)
		}
		if err := f.Sync(b.Context(), acc, refs); err != nil {
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
