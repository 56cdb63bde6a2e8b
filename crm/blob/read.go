package blob

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/disk"
)

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
	dec, _ := f.decoders.Get().(*zstd.Decoder)
	if dec == nil {
		if dec, err = newDecoder(); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	if err := dec.Reset(file); err != nil {
		return nil, errors.Join(damaged(ref, err), file.Close())
	}
	return &reader{files: f, file: file, dec: dec, ref: ref}, nil
}

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(4*window))
}

func damaged(ref crm.BlobRef, err error) error {
	return crm.Wrap(crm.Internal, "blob_damaged", "The raw message "+string(ref)+" is damaged on disk; restore it from a backup.", err)
}

// reader reads a blob and gives its decoder back.
type reader struct {
	files *Files
	file  *os.File
	dec   *zstd.Decoder // nil once closed
	ref   crm.BlobRef
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.dec == nil {
		return 0, fs.ErrClosed
	}
	n, err := r.dec.Read(p)
	if err != nil && err != io.EOF {
		err = damaged(r.ref, err)
	}
	return n, err
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if r.dec == nil {
		return nil
	}
	if err := r.dec.Reset(nil); err == nil {
		r.files.decoders.Put(r.dec)
	}
	r.dec = nil
	return r.file.Close()
}
