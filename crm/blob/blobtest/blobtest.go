// Package blobtest is the promise of those who keep raw mail, as a suite that
// each of them runs.
package blobtest

import (
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
	"testing"
	"testing/iotest"
	"time"

	"mailsyncd.example/crm"
)

// Keeper keeps raw mail under the SHA-256 of what is in it.
type Keeper interface {
	Put(ctx context.Context, a crm.AccountID, r io.Reader) (crm.BlobRef, int64, error)
	Sync(ctx context.Context, a crm.AccountID, refs []crm.BlobRef) error
	Open(ctx context.Context, a crm.AccountID, ref crm.BlobRef) (io.ReadCloser, error)
	Delete(ctx context.Context, a crm.AccountID, ref crm.BlobRef) error
	DeleteAccount(ctx context.Context, a crm.AccountID) error
	Sweep(ctx context.Context, a crm.AccountID, before time.Time, unneeded func([]crm.BlobRef) ([]crm.BlobRef, error)) (int, error)
}

// Rig is a keeper under test, and what a test must be able to do behind its
// back.
type Rig struct {
	Keeper Keeper
	// Kept counts the blobs that are kept, of all accounts.
	Kept func(t testing.TB) int
	// Age makes all that is kept look as if it had been written so much earlier.
	Age func(t testing.TB, by time.Duration)
}

// Account is the one whose blobs the suite keeps.
const Account = crm.AccountID("acc_1")

// Run runs the suite. open makes an empty keeper for one test.
func Run(t *testing.T, open func(t *testing.T) Rig) {
	for name, test := range map[string]func(*testing.T, Rig){
		"PutAndOpen":       putAndOpen,
		"ReaderFails":      readerFails,
		"Cancelled":        cancelled,
		"Delete":           remove,
		"HostileNames":     hostileNames,
		"ManyAtOnce":       manyAtOnce,
		"Sweep":            sweep,
		"FoundAgain":       foundAgain,
		"MemoryIsBounded":  memoryIsBounded,
		"SyncOfNothing":    syncOfNothing,
		"BeforeSync":       beforeSync,
		"SweepFails":       sweepFails,
		"AnotherAccount's": anotherAccount,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// Age makes all files in a folder look as if they had been written so much
// earlier.
func Age(t testing.TB, dir string, by time.Duration) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		at := info.ModTime().Add(-by)
		return os.Chtimes(name, at, at)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Put keeps content, durably.
func (r Rig) Put(t testing.TB, a crm.AccountID, content string) crm.BlobRef {
	t.Helper()
	ref, size, err := r.Keeper.Put(t.Context(), a, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256([]byte(content)); string(ref) != hex.EncodeToString(sum[:]) || size != int64(len(content)) {
		t.Fatalf("kept as %s, %d bytes", ref, size)
	}
	if err := r.Keeper.Sync(t.Context(), a, []crm.BlobRef{ref}); err != nil {
		t.Fatal(err)
	}
	return ref
}

// Read reads a blob to its end.
func (r Rig) Read(t testing.TB, a crm.AccountID, ref crm.BlobRef) string {
	t.Helper()
	blob, err := r.Keeper.Open(t.Context(), a, ref)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(blob)
	if err := errors.Join(err, blob.Close()); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (r Rig) missing(t *testing.T, a crm.AccountID, ref crm.BlobRef) {
	t.Helper()
	blob, err := r.Keeper.Open(t.Context(), a, ref)
	if err == nil {
		blob.Close()
	}
	if crm.CodeOf(err) != "blob_not_found" {
		t.Errorf("%s is not missing: %v", ref, err)
	}
}

func (r Rig) kept(t *testing.T, want int) {
	t.Helper()
	if got := r.Kept(t); got != want {
		t.Errorf("%d blobs are kept, not %d", got, want)
	}
}

func putAndOpen(t *testing.T, r Rig) {
	for _, content := range []string{"", "a", strings.Repeat("Grüße aus Tōkyō\r\n", 100_000)} {
		ref := r.Put(t, Account, content)
		if r.Read(t, Account, ref) != content {
			t.Errorf("read something else than the %d bytes that were put", len(content))
		}
		if r.Put(t, Account, content) != ref {
			t.Error("the same bytes got another name")
		}
	}
	r.kept(t, 3)
}

func anotherAccount(t *testing.T, r Rig) {
	ref := r.Put(t, Account, "private")
	r.missing(t, "acc_2", ref)
}

// What was put may be read before it is durable: a long mail is opened then.
func beforeSync(t *testing.T, r Rig) {
	ref, _, err := r.Keeper.Put(t.Context(), Account, strings.NewReader("a long mail"))
	if err != nil || r.Read(t, Account, ref) != "a long mail" {
		t.Fatal(err)
	}
}

func syncOfNothing(t *testing.T, r Rig) {
	if err := r.Keeper.Sync(t.Context(), Account, nil); err != nil {
		t.Error(err)
	}
	never := crm.BlobRef(strings.Repeat("ab", 32))
	if err := r.Keeper.Sync(t.Context(), Account, []crm.BlobRef{never}); crm.KindOf(err) != crm.Unavailable {
		t.Errorf("what was never put is durable: %v", err)
	}
}

func readerFails(t *testing.T, r Rig) {
	gone := errors.New("connection lost")
	half := io.MultiReader(strings.NewReader("half of a mail"), iotest.ErrReader(gone))
	if _, _, err := r.Keeper.Put(t.Context(), Account, half); !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	r.kept(t, 0)
	ref := r.Put(t, Account, "the next one")
	if r.Read(t, Account, ref) != "the next one" {
		t.Error("the next blob suffers")
	}
}

func cancelled(t *testing.T, r Rig) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := r.Keeper.Put(ctx, Account, strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v", err)
	}
	ref, _, err := r.Keeper.Put(t.Context(), Account, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Keeper.Sync(ctx, Account, []crm.BlobRef{ref}); !errors.Is(err, context.Canceled) {
		t.Errorf("Sync: %v", err)
	}
}

func remove(t *testing.T, r Rig) {
	one, two := r.Put(t, Account, "one"), r.Put(t, Account, "two")
	other := r.Put(t, "acc_2", "one")
	longer := r.Put(t, "acc_11", "one") // a name that begins as the other one
	for range 2 {                       // the second time there is nothing to do
		if err := r.Keeper.Delete(t.Context(), Account, one); err != nil {
			t.Fatal(err)
		}
	}
	r.missing(t, Account, one)
	if r.Read(t, Account, two) != "two" || r.Read(t, "acc_2", other) != "one" {
		t.Error("another blob went too")
	}
	for range 2 {
		if err := r.Keeper.DeleteAccount(t.Context(), Account); err != nil {
			t.Fatal(err)
		}
	}
	r.missing(t, Account, two)
	if r.Read(t, "acc_11", longer) != "one" {
		t.Error("another account went too")
	}
	r.kept(t, 2)
}

func hostileNames(t *testing.T, r Rig) {
	for _, a := range []crm.AccountID{"", ".", "..", "../x", "a/b", ".incoming", ".bin", `a\b`, "a\x00b", "アカウント"} {
		if _, _, err := r.Keeper.Put(t.Context(), a, strings.NewReader("x")); crm.CodeOf(err) != "bad_account_id" {
			t.Errorf("account %q: Put: %v", a, err)
		}
		if _, err := r.Keeper.Open(t.Context(), a, "x"); crm.CodeOf(err) != "bad_account_id" {
			t.Errorf("account %q: Open: %v", a, err)
		}
		if err := r.Keeper.DeleteAccount(t.Context(), a); crm.CodeOf(err) != "bad_account_id" {
			t.Errorf("account %q: DeleteAccount: %v", a, err)
		}
		if _, err := r.Keeper.Sweep(t.Context(), a, time.Now(), nil); crm.CodeOf(err) != "bad_account_id" {
			t.Errorf("account %q: Sweep: %v", a, err)
		}
	}
	for _, ref := range []crm.BlobRef{"", "ab", "../../secret", crm.BlobRef(strings.Repeat("A", 64)), crm.BlobRef("ab/" + strings.Repeat("a", 61))} {
		r.missing(t, Account, ref)
		if err := r.Keeper.Sync(t.Context(), Account, []crm.BlobRef{ref}); crm.KindOf(err) != crm.NotFound {
			t.Errorf("ref %q: Sync: %v", ref, err)
		}
		if err := r.Keeper.Delete(t.Context(), Account, ref); err != nil {
			t.Errorf("ref %q: Delete: %v", ref, err)
		}
	}
}

func manyAtOnce(t *testing.T, r Rig) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 20 {
				content := strings.Repeat("x", i*100)
				ref, _, err := r.Keeper.Put(t.Context(), Account, strings.NewReader(content))
				if err == nil {
					err = r.Keeper.Sync(t.Context(), Account, []crm.BlobRef{ref})
				}
				if err != nil {
					t.Error(err)
				} else if r.Read(t, Account, ref) != content {
					t.Errorf("blob %d reads as something else", i)
				}
			}
		})
	}
	wg.Wait()
	r.kept(t, 20)
}

// allBut says that nobody needs any blob but this one.
func allBut(needed crm.BlobRef) func([]crm.BlobRef) ([]crm.BlobRef, error) {
	return func(refs []crm.BlobRef) (out []crm.BlobRef, err error) {
		for _, ref := range refs {
			if ref != needed {
				out = append(out, ref)
			}
		}
		return out, nil
	}
}

func sweep(t *testing.T, r Rig) {
	needed, orphan := r.Put(t, Account, "needed"), r.Put(t, Account, "orphan")
	other := r.Put(t, "acc_2", "orphan")
	if _, _, err := r.Keeper.Put(t.Context(), Account, strings.NewReader("never synced")); err != nil {
		t.Fatal(err)
	}
	r.Age(t, time.Hour)
	young := r.Put(t, Account, "orphan, but young")
	before := time.Now().Add(-time.Minute)
	if _, err := r.Keeper.Sweep(t.Context(), Account, before, allBut(needed)); err != nil {
		t.Fatal(err)
	}
	if r.Read(t, Account, needed) != "needed" || r.Read(t, Account, young) == "" || r.Read(t, "acc_2", other) == "" {
		t.Error("a blob that is needed, young or another account's was swept")
	}
	// A keeper may have a bin in which orphans lie until they are old there too.
	r.Age(t, time.Hour)
	r.Put(t, Account, "orphan, but young")
	if _, err := r.Keeper.Sweep(t.Context(), Account, before, allBut(needed)); err != nil {
		t.Fatal(err)
	}
	r.missing(t, Account, orphan)
	r.kept(t, 3)
	if n, err := r.Keeper.Sweep(t.Context(), "acc_none", time.Now(), nil); n != 0 || err != nil {
		t.Errorf("an account without blobs: %d, %v", n, err)
	}
}

func sweepFails(t *testing.T, r Rig) {
	ref := r.Put(t, Account, "who knows")
	r.Age(t, time.Hour)
	away := errors.New("no database")
	_, err := r.Keeper.Sweep(t.Context(), Account, time.Now().Add(-time.Minute), func([]crm.BlobRef) ([]crm.BlobRef, error) { return nil, away })
	if !errors.Is(err, away) {
		t.Errorf("error %v", err)
	}
	if r.Read(t, Account, ref) != "who knows" {
		t.Error("it was swept")
	}
}

// What is put again, because a crash has left it without a row, is about to get
// its row: Sweep leaves it, also where it has listed it before.
func foundAgain(t *testing.T, r Rig) {
	ref := r.Put(t, Account, "left by a crash")
	r.Age(t, time.Hour)
	n, err := r.Keeper.Sweep(t.Context(), Account, time.Now().Add(-time.Minute), func(refs []crm.BlobRef) ([]crm.BlobRef, error) {
		r.Put(t, Account, "left by a crash")
		return refs, nil
	})
	if n != 0 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if r.Read(t, Account, ref) != "left by a crash" {
		t.Error("it was swept")
	}
}

// A big message must not become a big process: what is live while 64 MB go in
// and out stays small.
func memoryIsBounded(t *testing.T, r Rig) {
	const size, limit = 64 << 20, 16 << 20
	live := &highWater{}
	noise := io.LimitReader(rand.NewChaCha8([32]byte{1}), size) // which does not compress
	ref, n, err := r.Keeper.Put(t.Context(), Account, io.TeeReader(noise, live))
	if err != nil || n != size {
		t.Fatal(n, err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := r.Keeper.Sync(t.Context(), Account, []crm.BlobRef{ref}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > limit {
		t.Errorf("Sync allocated %d MB, more than %d", n>>20, limit>>20)
	}
	blob, err := r.Keeper.Open(t.Context(), Account, ref)
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	if _, err := io.Copy(live, blob); err != nil {
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
