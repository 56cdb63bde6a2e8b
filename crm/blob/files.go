// Package blob keeps raw messages under the SHA-256 of what is in them:
// ACCOUNT/a/bcdef….zst, compressed with Zstandard (RFC 8878). The same bytes
// are kept once in an account. Files is a folder of them, Bucket the same in
// an S3 bucket; both keep the promise of package blobtest.
//
// A blob gets its name only once it is complete, and is durable only after
// Sync, which comes before the row that names it. What a crash leaves behind
// in between is a blob that nothing names; Sweep removes those.
package blob

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/disk"
)

const (
	// incoming is where files grow. No account has such an id.
	incoming = ".incoming"
	suffix   = ".zst"
	// syncers is how many files are made durable at a time.
	syncers = 8
)

// Files is a folder of blobs. It is safe for use by many goroutines.
type Files struct {
	dir    string
	packer packer
	// finding is held for reading by a Put that finds its bytes kept already
	// and makes the file young, for writing by Sweep while it removes one.
	finding sync.RWMutex
}

// Open uses a folder, which it makes if there is none. Errors that come from
// the file system are of kind crm.Unavailable here and in all methods
// (data_dir_unwritable or disk_full).
func Open(dir string) (*Files, error) {
	if err := os.MkdirAll(filepath.Join(dir, incoming), 0o700); err != nil {
		return nil, disk.Explain(err)
	}
	return &Files{dir: dir}, nil
}

// Ready tells whether the folder can be written to.
func (f *Files) Ready(context.Context) error {
	temp, err := os.CreateTemp(filepath.Join(f.dir, incoming), "ready-*")
	if err != nil {
		return disk.Explain(err)
	}
	return explained(errors.Join(temp.Close(), os.Remove(temp.Name())))
}

// Close is there because a Bucket needs it; a folder holds nothing open.
func (f *Files) Close() {}

// Put keeps what r has to give, whatever its size, and returns its name and
// the number of its bytes. An error of r comes back as it is.
func (f *Files) Put(ctx context.Context, a crm.AccountID, r io.Reader) (crm.BlobRef, int64, error) {
	home, err := f.home(a)
	if err != nil {
		return "", 0, err
	}
	if err := ctx.Err(); err != nil {
		return "", 0, err
	}
	temp, err := os.CreateTemp(filepath.Join(f.dir, incoming), "put-*")
	if err != nil {
		return "", 0, disk.Explain(err)
	}
	ref, size, err := f.packer.pack(temp, r)
	err = errors.Join(err, explained(temp.Close()))
	if err == nil {
		err = explained(f.keep(temp.Name(), path(home, ref)))
	}
	if err != nil {
		_ = os.Remove(temp.Name()) // Sweep removes it where this fails
		return "", 0, err
	}
	return ref, size, nil
}

// Open reads a blob; crm.NotFound where there is none. Reading one that was
// damaged ends in an error: Zstandard keeps a checksum.
func (f *Files) Open(_ context.Context, a crm.AccountID, ref crm.BlobRef) (io.ReadCloser, error) {
	home, err := f.home(a)
	if err != nil {
		return nil, err
	}
	if !validRef(ref) {
		return nil, notFound(ref, nil)
	}
	file, err := os.Open(path(home, ref))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound(ref, err)
	}
	if err != nil {
		return nil, disk.Explain(err)
	}
	return f.packer.unpack(ref, file)
}

// keep gives a complete file its name. One that has it already stays, and is
// young again, so that Sweep leaves it to the row that will name it.
func (f *Files) keep(temp, name string) error {
	f.finding.RLock()
	defer f.finding.RUnlock()
	now := time.Now()
	if err := os.Chtimes(name, now, now); err == nil {
		return os.Remove(temp)
	}
	err := os.Rename(temp, name)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return os.Rename(temp, name)
}

// explainer is a writer whose errors say what to do.
type explainer struct{ w io.Writer }

// Write implements io.Writer.
func (e explainer) Write(p []byte) (int, error) {
	n, err := e.w.Write(p)
	return n, explained(err)
}

func explained(err error) error {
	if err == nil {
		return nil
	}
	return disk.Explain(err)
}

// Sync makes durable what was Put under these names: the files first, then the
// folders that list them.
func (f *Files) Sync(ctx context.Context, a crm.AccountID, refs []crm.BlobRef) error {
	home, err := f.home(a)
	if err != nil || len(refs) == 0 {
		return err
	}
	files := make([]string, len(refs))
	folders := map[string]bool{f.dir: true, home: true}
	for i, ref := range refs {
		if !validRef(ref) {
			return notFound(ref, nil)
		}
		files[i] = path(home, ref)
		folders[filepath.Dir(files[i])] = true
	}
	if err := syncAll(ctx, files); err != nil {
		return err
	}
	dirs := make([]string, 0, len(folders))
	for d := range folders {
		dirs = append(dirs, d)
	}
	return syncAll(ctx, dirs)
}

func syncAll(ctx context.Context, names []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(syncers)
	for _, name := range names {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			file, err := os.Open(name)
			if err != nil {
				return disk.Explain(err)
			}
			return explained(errors.Join(file.Sync(), file.Close()))
		})
	}
	return g.Wait()
}

// Delete removes a blob; one that is not there is no error.
func (f *Files) Delete(_ context.Context, a crm.AccountID, ref crm.BlobRef) error {
	home, err := f.home(a)
	if err != nil || !validRef(ref) {
		return err
	}
	if err := os.Remove(path(home, ref)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return disk.Explain(err)
	}
	return nil
}

// DeleteAccount removes all that the account has.
func (f *Files) DeleteAccount(_ context.Context, a crm.AccountID) error {
	home, err := f.home(a)
	if err != nil {
		return err
	}
	return explained(os.RemoveAll(home))
}

var (
	accountPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)
	refPattern     = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// home is the account's folder. An id that could lead elsewhere is refused.
func (f *Files) home(a crm.AccountID) (string, error) {
	if !accountPattern.MatchString(string(a)) {
		return "", crm.E(crm.Invalid, "bad_account_id", "An account's id consists of letters, digits, _ and -.")
	}
	return filepath.Join(f.dir, string(a)), nil
}

func validRef(ref crm.BlobRef) bool { return refPattern.MatchString(string(ref)) }

// nameOf is where a blob is in its account, in a folder as in a bucket: in one
// of sixteen folders.
func nameOf(ref crm.BlobRef) string { return string(ref[:1]) + "/" + string(ref[1:]) + suffix }

// refOf is the other way round.
func refOf(name string) (ref crm.BlobRef, ok bool) {
	folder, rest, _ := strings.Cut(name, "/")
	rest, ok = strings.CutSuffix(rest, suffix)
	ref = crm.BlobRef(folder + rest)
	return ref, ok && len(folder) == 1 && validRef(ref)
}

func path(home string, ref crm.BlobRef) string {
	return filepath.Join(home, filepath.FromSlash(nameOf(ref)))
}

func notFound(ref crm.BlobRef, cause error) error {
	return crm.Wrap(crm.NotFound, "blob_not_found", "The raw message "+string(ref)+" is not where raw mail is kept; restore it from a backup.", cause)
}
