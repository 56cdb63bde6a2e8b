package blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"

	"github.com/minio/minio-go/v7"

	"mailsyncd.example/crm"
)

// Check does once what a Bucket has to be able to: write an object, read it,
// list it and remove it again. Nothing of it is left. It takes Patience at most.
func (b *Bucket) Check(ctx context.Context) error {
	inside, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	key := b.key(".check-" + rand.Text())
	content := "mailsyncd doctor was here"
	_, err := b.client.Client.PutObject(inside, b.place.Bucket, key, strings.NewReader(content), int64(len(content)),
		minio.PutObjectOptions{DisableMultipart: true, SendContentMd5: true})
	if err == nil {
		err = errors.Join(b.compare(inside, key, content), b.find(inside, key), b.remove(inside, key))
	}
	return b.explain(ctx, err)
}

// compare reads an object that was written just now.
func (b *Bucket) compare(ctx context.Context, key, want string) error {
	r, err := b.get(ctx, key)
	if err != nil {
		return err
	}
	defer r.Close()
	var got bytes.Buffer
	if _, err := io.Copy(&got, io.LimitReader(r, int64(len(want))+1)); err != nil {
		return err
	}
	if got.String() != want {
		return errStale
	}
	return nil
}

// find lists an object that was written just now.
func (b *Bucket) find(ctx context.Context, key string) error {
	for object := range b.list(ctx, key, 1) {
		return object.Err
	}
	return errStale
}

// errStale is a bucket whose answers are older than what was written to it.
var errStale = crm.E(crm.Unavailable, "bucket_unreachable", "The bucket does not show what was written to it just now; it needs a server with consistent reads.")
