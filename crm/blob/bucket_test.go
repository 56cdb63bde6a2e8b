package blob_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api"
	"mailsyncd.example/crm/blob"
	"mailsyncd.example/crm/blob/blobtest"
	"mailsyncd.example/crm/buckettest"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/intake"
)

var (
	_ intake.Blobs = (*blob.Bucket)(nil)
	_ api.Blobs    = (*blob.Bucket)(nil)
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bucketAt opens a bucket by its URL, with an outgoing folder of its own.
func bucketAt(t testing.TB, url string) *blob.Bucket {
	t.Helper()
	place, err := blob.ParsePlace(url)
	if err != nil {
		t.Fatal(err)
	}
	b, err := blob.OpenBucket(blob.BucketOptions{Place: place, Outgoing: t.TempDir(), Patience: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// openBucket opens an empty bucket on a server of its own.
func openBucket(t testing.TB) (*buckettest.Server, blobtest.Rig) {
	t.Helper()
	s := buckettest.Start(t)
	s.Make(t, "mail")
	place, err := blob.ParsePlace(s.URL("mail/raw"))
	if err != nil {
		t.Fatal(err)
	}
	outgoing := t.TempDir()
	b, err := blob.OpenBucket(blob.BucketOptions{Place: place, Outgoing: outgoing, Patience: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return s, blobtest.Rig{
		Keeper: b,
		Kept:   func(t testing.TB) int { return len(files(t, outgoing)) + len(s.Objects(t, "mail")) },
		Age: func(t testing.TB, by time.Duration) {
			blobtest.Age(t, outgoing, by)
			blobtest.Age(t, s.Folder("mail"), by)
		},
	}
}

func TestBucket(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blobtest.Rig {
		_, r := openBucket(t)
		return r
	})
}

// A folder's files, taken to a bucket as they are, are its blobs.
func TestABucketIsLaidOutAsAFolder(t *testing.T) {
	r, dir := filesRig(t)
	ref := r.Put(t, acc, "kept in a folder")
	s := buckettest.Start(t)
	s.Make(t, "mail")
	if err := os.CopyFS(filepath.Join(s.Folder("mail"), "raw"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	moved := blobtest.Rig{Keeper: bucketAt(t, s.URL("mail/raw"))}
	if got := moved.Read(t, acc, ref); got != "kept in a folder" {
		t.Errorf("read %q", got)
	}
}

func TestDamagedObject(t *testing.T) {
	s, r := openBucket(t)
	ref := r.Put(t, acc, strings.Repeat("some text that compresses; ", 1000))
	damage(t, filepath.Join(s.Folder("mail"), s.Objects(t, "mail")[0]), func() error { return readAll(t, r.Keeper, ref) })
}

func readAll(t *testing.T, k blobtest.Keeper, ref crm.BlobRef) error {
	t.Helper()
	b, err := k.Open(t.Context(), acc, ref)
	if err == nil {
		_, err = io.Copy(io.Discard, b)
		err = errors.Join(err, b.Close())
	}
	return err
}

// Two processes share a bucket. One puts a blob again while the other, which
// has looked at it last, removes it: a row may name it from then on.
func TestABlobThatIsSweptWhileItIsPutIsPutBack(t *testing.T) {
	s, r := openBucket(t)
	other := bucketAt(t, s.URL("mail/raw"))
	ref := r.Put(t, acc, "left by a crash")
	r.Age(t, time.Hour)
	before := time.Now().Add(-time.Minute)
	nobody := func(refs []crm.BlobRef) ([]crm.BlobRef, error) { return refs, nil }
	// The moment between the last look and the removal can't be met from
	// outside. What stands after it is the same: the blob is in the bin, and
	// the put that came before the removal has left nothing.
	if n, err := other.Sweep(t.Context(), acc, before, nobody); n != 1 || err != nil {
		t.Fatalf("swept %d, %v", n, err)
	}
	if objects := s.Objects(t, "mail"); len(objects) != 1 || !strings.Contains(objects[0], "/.bin/") {
		t.Fatalf("in the bucket: %q", objects)
	}
	if r.Read(t, acc, ref) != "left by a crash" {
		t.Error("it can't be read from the bin")
	}
	r.Age(t, time.Hour)
	everybody := func([]crm.BlobRef) ([]crm.BlobRef, error) { return nil, nil }
	if n, err := other.Sweep(t.Context(), acc, before, everybody); n != 0 || err != nil {
		t.Fatalf("swept %d, %v", n, err)
	}
	if objects := s.Objects(t, "mail"); len(objects) != 1 || strings.Contains(objects[0], "/.bin/") {
		t.Errorf("in the bucket: %q", objects)
	}
	if r.Read(t, acc, ref) != "left by a crash" {
		t.Error("it was not put back")
	}
}

// Deleting a message erases it in the bin too.
func TestDeleteReachesTheBin(t *testing.T) {
	s, r := openBucket(t)
	ref := r.Put(t, acc, "secret")
	r.Age(t, time.Hour)
	nobody := func(refs []crm.BlobRef) ([]crm.BlobRef, error) { return refs, nil }
	if _, err := r.Keeper.Sweep(t.Context(), acc, time.Now(), nobody); err != nil {
		t.Fatal(err)
	}
	if err := r.Keeper.Delete(t.Context(), acc, ref); err != nil {
		t.Fatal(err)
	}
	if objects := s.Objects(t, "mail"); len(objects) != 0 {
		t.Errorf("left: %q", objects)
	}
}

// Each trouble has its code, whatever is asked of the bucket.
func TestTroubleIsNamed(t *testing.T) {
	s := buckettest.Start(t)
	s.Make(t, "mail")
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	for _, c := range []struct {
		name, url, secret, code string
		patience                time.Duration
	}{
		{"no such bucket", s.URL("mails/raw"), buckettest.SecretKey, "bucket_missing", 0},
		{"wrong secret", s.URL("mail/raw"), "wrong", "bucket_refused", 0},
		{"nobody listens", buckettest.URLAt(nobody.Addr().String(), "mail"), buckettest.SecretKey, "bucket_unreachable", 0},
		{"no answer", buckettest.URLAt(silent.Addr().String(), "mail"), buckettest.SecretKey, "bucket_unreachable", 50 * time.Millisecond},
		{"another region", strings.Replace(s.URL("mail/raw"), "us-east-1", "eu-west-1", 1), buckettest.SecretKey, "bucket_refused", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("AWS_SECRET_ACCESS_KEY", c.secret)
			place, err := blob.ParsePlace(c.url)
			if err != nil {
				t.Fatal(err)
			}
			b, err := blob.OpenBucket(blob.BucketOptions{Place: place, Outgoing: t.TempDir(), Patience: c.patience})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			ref, _, err := b.Put(t.Context(), acc, strings.NewReader("mail"))
			if err != nil {
				t.Fatal(err)
			}
			absent := crm.BlobRef(strings.Repeat("ab", 32))
			opened, openErr := b.Open(t.Context(), acc, absent)
			if openErr == nil {
				opened.Close()
			}
			syncErr := b.Sync(t.Context(), acc, []crm.BlobRef{ref})
			_, sweepErr := b.Sweep(t.Context(), acc, time.Now(), nil)
			for what, err := range map[string]error{
				"Ready": b.Ready(t.Context()), "Open": openErr, "Sync": syncErr, "Sweep": sweepErr,
				"Delete": b.Delete(t.Context(), acc, absent), "DeleteAccount": b.DeleteAccount(t.Context(), acc),
			} {
				if crm.CodeOf(err) != c.code || crm.KindOf(err) != crm.Unavailable {
					t.Errorf("%s: %v, want %s", what, err, c.code)
				}
				if err != nil && strings.Contains(err.Error(), c.secret) {
					t.Errorf("%s tells the secret: %v", what, err)
				}
			}
		})
	}
}

// While the bucket is in trouble Put refuses before it reads, so that no mail
// is downloaded in vain; it takes mail again as soon as the bucket is back.
func TestPutWaitsForTheBucket(t *testing.T) {
	s, r := openBucket(t)
	ref, _, err := r.Keeper.Put(t.Context(), acc, strings.NewReader("on its way"))
	if err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if err := r.Keeper.Sync(t.Context(), acc, []crm.BlobRef{ref}); crm.CodeOf(err) != "bucket_unreachable" {
		t.Fatalf("Sync: %v", err)
	}
	untouched := strings.NewReader("more")
	if _, _, err := r.Keeper.Put(t.Context(), acc, untouched); crm.CodeOf(err) != "bucket_unreachable" || untouched.Len() != 4 {
		t.Errorf("Put with the bucket away: %v, %d bytes left", err, untouched.Len())
	}
	s.Restart(t)
	if err := r.Keeper.Sync(t.Context(), acc, []crm.BlobRef{ref}); err != nil {
		t.Fatal(err)
	}
	if r.Read(t, acc, ref) != "on its way" {
		t.Error("it is not there after all")
	}
	r.Put(t, acc, "more")
}

// noise gives n bytes that do not compress.
func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return string(b)
}

// killer carries part of the first upload to the server and then kills it;
// killed waits for that.
func killer(t *testing.T, s *buckettest.Server, after int64) (address string, killed func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	killed = func() { l.Close(); wg.Wait() }
	t.Cleanup(killed)
	wg.Go(func() {
		client, err := l.Accept()
		if err != nil {
			return
		}
		l.Close()
		defer client.Close()
		server, err := net.Dial("tcp", s.Address())
		if err != nil {
			t.Error(err)
			return
		}
		defer server.Close()
		if _, err := io.CopyN(server, client, after); err != nil {
			t.Error(err)
		}
		s.Kill()
	})
	return l.Addr().String(), killed
}

// A server that dies in the middle of an upload has kept nothing; the blob is
// still here, and is sent again.
func TestServerDiesDuringAnUpload(t *testing.T) {
	s := buckettest.Start(t)
	s.Make(t, "mail")
	content := noise(1 << 20)
	outgoing := t.TempDir()
	open := func(address string) blobtest.Rig {
		place, err := blob.ParsePlace(buckettest.URLAt(address, "mail/raw"))
		if err != nil {
			t.Fatal(err)
		}
		b, err := blob.OpenBucket(blob.BucketOptions{Place: place, Outgoing: outgoing})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		return blobtest.Rig{Keeper: b}
	}
	address, killed := killer(t, s, 300<<10)
	first := open(address).Keeper
	ref, _, err := first.Put(t.Context(), acc, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Sync(t.Context(), acc, []crm.BlobRef{ref}); crm.CodeOf(err) != "bucket_unreachable" {
		t.Fatalf("Sync: %v", err)
	}
	killed()
	if objects := s.Objects(t, "mail"); slices.ContainsFunc(objects, func(key string) bool { return strings.HasSuffix(key, ".zst") }) {
		t.Errorf("half a blob is in the bucket: %q", objects)
	}
	s.Restart(t)
	again := open(s.Address())
	if err := again.Keeper.Sync(t.Context(), acc, []crm.BlobRef{ref}); err != nil {
		t.Fatal(err)
	}
	if again.Read(t, acc, ref) != content || len(files(t, outgoing)) != 0 {
		t.Error("it is not there, or not only there, after all")
	}
}

// A download that breaks off is trouble of the bucket, not a damaged blob.
func TestDownloadBreaksOff(t *testing.T) {
	s, r := openBucket(t)
	ref := r.Put(t, acc, noise(1<<20))
	proxy := dovecottest.NewProxy(t, s.Address())
	place, err := blob.ParsePlace(buckettest.URLAt(proxy.Addr(), "mail/raw"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := blob.OpenBucket(blob.BucketOptions{Place: place, Outgoing: t.TempDir(), Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	proxy.CutAfter(300 << 10)
	if err := readAll(t, b, ref); crm.CodeOf(err) != "bucket_unreachable" {
		t.Errorf("cut: %v", err)
	}
	proxy.Slow(100 << 10) // so that most of it is still to come
	open, err := b.Open(t.Context(), acc, ref)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	proxy.Stall()
	if _, err := io.Copy(io.Discard, open); crm.CodeOf(err) != "bucket_unreachable" {
		t.Errorf("stalled: %v", err)
	}
}

func TestParsePlace(t *testing.T) {
	for _, c := range []struct {
		url  string
		want blob.Place
	}{
		{"s3://mail", blob.Place{Bucket: "mail", Endpoint: "s3.amazonaws.com"}},
		{"s3://mail/", blob.Place{Bucket: "mail", Endpoint: "s3.amazonaws.com"}},
		{"s3://mail.acme/raw/eu?region=eu-central-1", blob.Place{Bucket: "mail.acme", Prefix: "raw/eu", Endpoint: "s3.amazonaws.com", Region: "eu-central-1"}},
		{"s3://mail?endpoint=https://minio.acme.example:9000/", blob.Place{Bucket: "mail", Endpoint: "minio.acme.example:9000"}},
		{"s3://mail?endpoint=http://127.0.0.1:9000", blob.Place{Bucket: "mail", Endpoint: "127.0.0.1:9000", Plain: true}},
	} {
		if got, err := blob.ParsePlace(c.url); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", c.url, got, err)
		}
	}
	for _, bad := range []string{
		"", "mail", "s3:mail", "s3://", "s3:///mail", "s3://M", "s3://key:secret@mail", "s3://mail/a/../b", "s3://mail/a//b", "gs://mail",
		"s3://mail?endpoint=minio:9000", "s3://mail?endpoint=ftp://x", "s3://mail?endpoint=https://x/y", "s3://mail?endpoint=https://a:b@x",
		"s3://mail?region=a&region=b", "s3://mail?regoin=a", "s3://mail:80",
	} {
		if got, err := blob.ParsePlace(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, got)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error tells the secret: %v", bad, err)
		}
	}
}
