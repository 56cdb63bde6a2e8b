package blob

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/sync/errgroup"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/disk"
)

const (
	// uploads is how many blobs of a page are brought to the bucket at a time.
	uploads = 8
	// connections is how many requests go on at a time, all pages together.
	connections = 64
	// attempts is how often a request is tried that fails for a passing
	// reason. More is up to the callers, who wait longer between.
	attempts = 3
	// slowest is how many bytes a second an upload must make on the whole.
	slowest = 64 << 10
	// credentialsPatience is how long to wait for the machine's own role,
	// which is asked for where nothing else gives credentials.
	credentialsPatience = 5 * time.Second
)

// BucketOptions are what a Bucket is made of.
type BucketOptions struct {
	Place Place
	// Outgoing is a folder on this machine in which blobs stand between Put
	// and Sync.
	Outgoing string
	// RootCAs are the certificates to trust; nil: the system's.
	RootCAs *x509.CertPool
	// Patience is how long the bucket may keep a request waiting, an upload
	// longer by its size; 0: 30 s.
	Patience time.Duration
}

// Bucket keeps blobs in a bucket of any server that speaks S3, laid out as Files
// lays them out in a folder. Put writes to a folder on this machine, and Sync
// takes what is there to the bucket: so memory stays bounded whatever a message
// weighs, an object appears whole or not at all, and a page's blobs are on their
// way together. Any number of processes may share the bucket.
//
// Errors that come from the bucket are of kind crm.Unavailable: bucket_missing,
// bucket_refused, bucket_full or bucket_unreachable.
type Bucket struct {
	place     Place
	client    *minio.Core
	transport *http.Transport
	outgoing  *Files
	patience  time.Duration
	// troubled is set while the last Sync has failed. Put then asks the
	// bucket first, so that no mail is downloaded that can't be kept.
	troubled atomic.Bool
}

// OpenBucket prepares the use of a bucket. It does not speak to it: Ready tells
// how it is.
func OpenBucket(o BucketOptions) (*Bucket, error) {
	outgoing, err := Open(o.Outgoing)
	if err != nil {
		return nil, err
	}
	transport, err := minio.DefaultTransport(!o.Place.Plain)
	if err != nil {
		return nil, err
	}
	if o.Patience == 0 {
		o.Patience = 30 * time.Second
	}
	transport.ResponseHeaderTimeout = o.Patience
	transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost = connections, connections
	if transport.TLSClientConfig != nil && o.RootCAs != nil {
		transport.TLSClientConfig.RootCAs = o.RootCAs
	}
	client, err := minio.NewCore(o.Place.Endpoint, &minio.Options{
		Creds: amazonCredentials(), Secure: !o.Place.Plain, Transport: transport, Region: o.Place.Region, MaxRetries: attempts,
	})
	if err != nil {
		return nil, crm.Wrap(crm.Invalid, "bucket_invalid", "No client can be made for "+o.Place.String()+"; check MAILSYNC_BLOB_URL.", err)
	}
	return &Bucket{place: o.Place, client: client, transport: transport, outgoing: outgoing, patience: o.Patience}, nil
}

// amazonCredentials looks where Amazon's tools look: in the environment, in the
// files of the home folder, then for the role of the container or machine.
func amazonCredentials() *credentials.Credentials {
	direct := &http.Client{Timeout: credentialsPatience, Transport: &http.Transport{DisableKeepAlives: true}}
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{Client: direct},
	})
}

// Close gives the connections back.
func (b *Bucket) Close() { b.transport.CloseIdleConnections() }

// Ready tells whether the bucket can be worked with: it lists a little of it.
func (b *Bucket) Ready(ctx context.Context) error {
	inside, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	for object := range b.list(inside, b.key(""), 1) {
		return b.explain(ctx, object.Err)
	}
	return nil
}

// Put keeps what r has to give, whatever its size, and returns its name and
// the number of its bytes. An error of r comes back as it is.
func (b *Bucket) Put(ctx context.Context, a crm.AccountID, r io.Reader) (crm.BlobRef, int64, error) {
	if b.troubled.Load() {
		if err := b.Ready(ctx); err != nil {
			return "", 0, err
		}
	}
	return b.outgoing.Put(ctx, a, r)
}

// Sync makes durable what was Put under these names: it brings it to the
// bucket, always anew. What was there already is young again by that, and
// Sweep leaves it to the row that will name it.
func (b *Bucket) Sync(ctx context.Context, a crm.AccountID, refs []crm.BlobRef) error {
	g, inside := errgroup.WithContext(ctx)
	g.SetLimit(uploads)
	for _, ref := range refs {
		g.Go(func() error { return b.upload(inside, a, ref) })
	}
	err := g.Wait()
	b.troubled.Store(err != nil && ctx.Err() == nil)
	return err
}

// upload brings a blob to the bucket, and takes it away from here after that.
func (b *Bucket) upload(ctx context.Context, a crm.AccountID, ref crm.BlobRef) error {
	home, err := b.outgoing.home(a)
	if err != nil {
		return err
	}
	if !validRef(ref) {
		return notFound(ref, nil)
	}
	file, err := os.Open(path(home, ref))
	if errors.Is(err, fs.ErrNotExist) {
		return b.uploaded(ctx, a, ref)
	}
	if err != nil {
		return disk.Explain(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return disk.Explain(err)
	}
	inside, cancel := context.WithTimeout(ctx, b.patience+time.Duration(info.Size()/slowest)*time.Second)
	defer cancel()
	_, err = b.client.Client.PutObject(inside, b.place.Bucket, b.blobKey(a, ref), file, info.Size(), minio.PutObjectOptions{
		ContentType: "application/zstd", DisableMultipart: true, SendContentMd5: true,
	})
	if err != nil {
		return b.explain(ctx, err)
	}
	return b.outgoing.Delete(ctx, a, ref)
}

// uploaded tells whether a blob is in the bucket that is not here any more: two
// pages have had the same one, and the other was faster.
func (b *Bucket) uploaded(ctx context.Context, a crm.AccountID, ref crm.BlobRef) error {
	_, err := b.stat(ctx, b.blobKey(a, ref))
	if isMissing(err) {
		return crm.Wrap(crm.Unavailable, "blob_not_uploaded", "The raw message "+string(ref)+" was taken away before it reached the bucket; it is read again.", err)
	}
	return b.explain(ctx, err)
}

// Open reads a blob; crm.NotFound where there is none. Reading one that was
// damaged ends in an error: Zstandard keeps a checksum.
func (b *Bucket) Open(ctx context.Context, a crm.AccountID, ref crm.BlobRef) (io.ReadCloser, error) {
	local, err := b.outgoing.Open(ctx, a, ref)
	if crm.KindOf(err) != crm.NotFound || !validRef(ref) {
		return local, err
	}
	for _, key := range []string{b.blobKey(a, ref), b.binKey(a, ref)} {
		var packed io.ReadCloser
		if packed, err = b.get(ctx, key); err == nil {
			return b.outgoing.packer.unpack(ref, packed)
		}
		if !isMissing(err) {
			return nil, b.explain(ctx, err)
		}
	}
	return nil, notFound(ref, err)
}

// Delete removes a blob; one that is not there is no error.
func (b *Bucket) Delete(ctx context.Context, a crm.AccountID, ref crm.BlobRef) error {
	if err := b.outgoing.Delete(ctx, a, ref); err != nil || !validRef(ref) {
		return err
	}
	for _, key := range []string{b.blobKey(a, ref), b.binKey(a, ref)} {
		if err := b.remove(ctx, key); err != nil {
			return b.explain(ctx, err)
		}
	}
	return nil
}

// DeleteAccount removes all that the account has.
func (b *Bucket) DeleteAccount(ctx context.Context, a crm.AccountID) error {
	if err := b.outgoing.DeleteAccount(ctx, a); err != nil {
		return err
	}
	var failed error
	listed := func(yield func(minio.ObjectInfo) bool) {
		for object := range b.list(ctx, b.accountKey(a), 0) {
			if failed = object.Err; failed != nil || !yield(object) {
				return
			}
		}
	}
	results, err := b.client.RemoveObjectsWithIter(ctx, b.place.Bucket, listed, minio.RemoveObjectsOptions{})
	if err != nil {
		return b.explain(ctx, err)
	}
	for result := range results {
		if failed == nil {
			failed = result.Err
		}
	}
	return b.explain(ctx, failed)
}

// key is where something is in the bucket.
func (b *Bucket) key(name string) string {
	if b.place.Prefix == "" {
		return name
	}
	return b.place.Prefix + "/" + name
}

func (b *Bucket) accountKey(a crm.AccountID) string { return b.key(string(a) + "/") }

func (b *Bucket) blobKey(a crm.AccountID, ref crm.BlobRef) string {
	return b.accountKey(a) + nameOf(ref)
}

// list gives all objects whose key begins so, a page of them per request. One
// with an Err is the last.
func (b *Bucket) list(ctx context.Context, prefix string, page int) iter.Seq[minio.ObjectInfo] {
	return b.client.ListObjectsIter(ctx, b.place.Bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true, MaxKeys: page})
}

func (b *Bucket) stat(ctx context.Context, key string) (minio.ObjectInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	return b.client.StatObject(ctx, b.place.Bucket, key, minio.StatObjectOptions{})
}

func (b *Bucket) remove(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	return b.client.RemoveObject(ctx, b.place.Bucket, key, minio.RemoveObjectOptions{})
}

// get opens an object. It waits for each piece of it, not for the whole: who
// reads may take their time.
func (b *Bucket) get(ctx context.Context, key string) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	watch := time.AfterFunc(b.patience, cancel)
	content, _, _, err := b.client.GetObject(ctx, b.place.Bucket, key, minio.GetObjectOptions{})
	watch.Stop()
	if err != nil {
		cancel()
		return nil, err
	}
	return &download{bucket: b, content: content, watch: watch, cancel: cancel}, nil
}

// download is an object on its way here.
type download struct {
	bucket  *Bucket
	content io.ReadCloser
	watch   *time.Timer // ends the request; runs while a Read waits
	cancel  context.CancelFunc
}

// Read implements io.Reader.
func (d *download) Read(p []byte) (int, error) {
	d.watch.Reset(d.bucket.patience)
	n, err := d.content.Read(p)
	d.watch.Stop()
	if err != nil && err != io.EOF {
		err = d.bucket.unreachable(err)
	}
	return n, err
}

// Close implements io.Closer.
func (d *download) Close() error {
	d.cancel()
	_ = d.content.Close() // that of a request given up fails, and may
	return nil
}

// isMissing tells whether an error says that there is no such object, and not
// that there is no such bucket.
func isMissing(err error) bool {
	e, ok := errors.AsType[minio.ErrorResponse](err)
	return ok && e.Code == minio.NoSuchKey
}

// explain says what an error of the bucket means. Where the caller's time is
// over it is theirs.
func (b *Bucket) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e, ok := errors.AsType[minio.ErrorResponse](err)
	switch {
	case !ok:
		return b.unreachable(err)
	case e.Code == minio.NoSuchBucket:
		return crm.Wrap(crm.Unavailable, "bucket_missing",
			"There is no bucket "+b.place.Bucket+" at "+b.place.Endpoint+"; make it, or correct MAILSYNC_BLOB_URL.", err)
	case e.StatusCode == http.StatusInsufficientStorage, strings.Contains(e.Code, "Quota"), strings.Contains(e.Code, "StorageFull"):
		return crm.Wrap(crm.Unavailable, "bucket_full", "There is no room left in "+b.place.String()+"; make some.", err)
	case e.StatusCode >= 400 && e.StatusCode < 500:
		return crm.Wrap(crm.Unavailable, "bucket_refused", "The server of "+b.place.String()+
			" refuses; check the credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a file, a role), what they may do there, the region and the clock.", err)
	default:
		return b.unreachable(err)
	}
}

func (b *Bucket) unreachable(err error) error {
	return crm.Wrap(crm.Unavailable, "bucket_unreachable", "There is no answer from "+b.place.String()+
		", or none that helps; see that it runs and can be reached. What it was to keep is sent again.", err)
}
