package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"mailsyncd.example/cmd/mailsyncd/trust"
	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api"
	"mailsyncd.example/crm/blob"
	"mailsyncd.example/sync/intake"
)

// keeper keeps raw mail: a folder or a bucket.
type keeper interface {
	intake.Blobs
	api.Blobs
	Sweep(ctx context.Context, a crm.AccountID, before time.Time, unneeded func([]crm.BlobRef) ([]crm.BlobRef, error)) (int, error)
	// Ready tells whether it can be worked with now.
	Ready(ctx context.Context) error
	Close()
}

// inBucket tells whether raw mail is kept in a bucket.
func (c Config) inBucket() bool { return strings.HasPrefix(c.BlobURL, "s3:") }

// blobFolder is where raw mail stands that is kept in a folder.
func (c Config) blobFolder() string {
	if u, err := url.Parse(c.BlobURL); err == nil && u.Scheme == "file" {
		return filepath.FromSlash(u.Path)
	}
	return filepath.Join(c.DataDir, "blobs")
}

// checkBlobURL refuses the URL of what is neither a folder nor a bucket.
func (c Config) checkBlobURL() error {
	if c.inBucket() {
		if _, err := blob.ParsePlace(c.BlobURL); err != nil {
			return errors.New("--blob-url: " + err.Error())
		}
		return nil
	}
	u, err := url.Parse(c.BlobURL)
	if c.BlobURL == "" || err == nil && u.Scheme == "file" && u.Host == "" && u.User == nil && u.RawQuery == "" && filepath.IsAbs(u.Path) {
		return nil
	}
	return errors.New("--blob-url: give file:///path/to/folder or s3://bucket/prefix?endpoint=https://host&region=name, or leave it out")
}

// openBlobs opens what keeps raw mail. A bucket that is wrong for good is an
// error; one that can't be reached is waited for, as it would be later on.
func (c Config) openBlobs(ctx context.Context, log *zap.Logger) (keeper, error) {
	if !c.inBucket() {
		return folderKeeper(c.blobFolder())
	}
	bucket, err := c.openBucket(filepath.Join(c.DataDir, "outgoing"))
	if err != nil {
		return nil, err
	}
	err = bucket.Ready(ctx)
	if crm.CodeOf(err) == "bucket_unreachable" {
		log.Warn("raw mail can't be kept yet; trying on", zap.Error(err))
		err = nil
	}
	if err != nil {
		bucket.Close()
		return nil, err
	}
	return bucket, nil
}

// folderKeeper opens a folder, and returns no *blob.Files that is nil.
func folderKeeper(dir string) (keeper, error) {
	files, err := blob.Open(dir)
	if err != nil {
		return nil, err
	}
	return files, nil
}

// openBucket opens the bucket of the configuration. outgoing is where mail
// stands on its way there.
func (c Config) openBucket(outgoing string) (*blob.Bucket, error) {
	place, err := blob.ParsePlace(c.BlobURL)
	if err != nil {
		return nil, err
	}
	roots, err := trust.Roots(c.CAFile)
	if err != nil {
		return nil, err
	}
	return blob.OpenBucket(blob.BucketOptions{Place: place, Outgoing: outgoing, RootCAs: roots})
}

// checkBlobs writes where raw mail is kept, and takes it away again.
func (c doctorCommand) checkBlobs(ctx context.Context) (detail string, err error) {
	if !c.inBucket() {
		if _, err := os.Stat(c.blobFolder()); errors.Is(err, os.ErrNotExist) {
			return c.blobFolder() + " is made on first start", checkParent(c.blobFolder())
		}
		return c.blobFolder() + " can be written", checkWritable(c.blobFolder())
	}
	outgoing, err := os.MkdirTemp("", "mailsyncd-doctor-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(outgoing)) }()
	bucket, err := c.openBucket(outgoing)
	if err != nil {
		return "", err
	}
	defer bucket.Close()
	return "the bucket takes mail and gives it back", bucket.Check(ctx)
}
