package blob

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"mailsyncd.example/crm"
)

const (
	// bin is where in an account removed blobs lie for a while.
	bin = ".bin/"
	// asked is how many blobs a sweep asks about at a time.
	asked = 500
)

func (b *Bucket) binKey(a crm.AccountID, ref crm.BlobRef) string {
	return b.accountKey(a) + bin + nameOf(ref)
}

// Sweep removes the blobs of an account that were written before a time and
// that unneeded picks out of those it is shown; and what Put has left on this
// machine since before then without Sync. It returns how many blobs it removed.
// The time must lie further back than any page takes from Put to its row.
//
// S3 has no way to remove an object only if nobody has written it again. So a
// blob that another process puts between our last look and its removal would be
// lost, though a row is about to name it. That is why a blob goes by way of the
// account's bin: Open finds it there, and a later sweep puts it back if a row
// names it by then. One that has lain there since before the time, and that
// still nobody needs, is gone for good.
func (b *Bucket) Sweep(ctx context.Context, a crm.AccountID, before time.Time, unneeded func([]crm.BlobRef) ([]crm.BlobRef, error)) (int, error) {
	everything := func(refs []crm.BlobRef) ([]crm.BlobRef, error) { return refs, nil }
	if _, err := b.outgoing.Sweep(ctx, a, before, everything); err != nil {
		return 0, err
	}
	if err := b.emptyBin(ctx, a, before, unneeded); err != nil {
		return 0, err
	}
	removed := 0
	err := b.eachOlder(ctx, a, "", before, func(refs []crm.BlobRef) error {
		orphans, err := unneeded(refs)
		if err != nil {
			return err
		}
		for _, ref := range orphans {
			gone, err := b.discard(ctx, a, ref, before)
			if err != nil {
				return b.explain(ctx, err)
			}
			if gone {
				removed++
			}
		}
		return nil
	})
	return removed, err
}

// discard moves a blob to the bin, unless it is young again or gone.
func (b *Bucket) discard(ctx context.Context, a crm.AccountID, ref crm.BlobRef, before time.Time) (bool, error) {
	key := b.blobKey(a, ref)
	object, err := b.stat(ctx, key)
	if isMissing(err) || err == nil && !object.LastModified.Before(before) {
		return false, nil
	}
	if err == nil {
		err = b.copyTo(ctx, b.binKey(a, ref), key)
	}
	if err == nil {
		err = b.remove(ctx, key)
	}
	return err == nil, err
}

// emptyBin puts back what is needed after all, and removes the rest.
func (b *Bucket) emptyBin(ctx context.Context, a crm.AccountID, before time.Time, unneeded func([]crm.BlobRef) ([]crm.BlobRef, error)) error {
	return b.eachOlder(ctx, a, bin, before, func(refs []crm.BlobRef) error {
		orphans, err := unneeded(refs)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			if !slices.Contains(orphans, ref) {
				if err := b.putBack(ctx, a, ref); err != nil {
					return b.explain(ctx, err)
				}
			}
			if err := b.remove(ctx, b.binKey(a, ref)); err != nil {
				return b.explain(ctx, err)
			}
		}
		return nil
	})
}

// putBack gives a blob in the bin its place again, unless there is one in it.
func (b *Bucket) putBack(ctx context.Context, a crm.AccountID, ref crm.BlobRef) error {
	_, err := b.stat(ctx, b.blobKey(a, ref))
	if isMissing(err) {
		return b.copyTo(ctx, b.blobKey(a, ref), b.binKey(a, ref))
	}
	return err
}

// eachOlder hands over the blobs that are in a folder of the account, "" for its
// own, since before a time.
func (b *Bucket) eachOlder(ctx context.Context, a crm.AccountID, folder string, before time.Time, do func([]crm.BlobRef) error) error {
	prefix := b.accountKey(a) + folder
	var old []crm.BlobRef
	for object := range b.list(ctx, prefix, 0) {
		if object.Err != nil {
			return b.explain(ctx, object.Err)
		}
		if ref, ok := refOf(strings.TrimPrefix(object.Key, prefix)); ok && object.LastModified.Before(before) {
			old = append(old, ref)
		}
		if len(old) == asked {
			if err := do(old); err != nil {
				return err
			}
			old = nil
		}
	}
	if len(old) == 0 {
		return nil
	}
	return do(old)
}

// copyTo makes the server copy an object, without a way through this machine.
func (b *Bucket) copyTo(ctx context.Context, to, from string) error {
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	_, err := b.client.Client.CopyObject(ctx,
		minio.CopyDestOptions{Bucket: b.place.Bucket, Object: to},
		minio.CopySrcOptions{Bucket: b.place.Bucket, Object: from})
	return err
}
