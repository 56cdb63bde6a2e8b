package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/klauspost/compress/zstd"

	"mailsyncd.example/crm"
)

// window is how far back a repetition is found, and decides how much memory an
// encoder or decoder takes.
const window = 256 << 10

// packer compresses blobs and reads them again. The zero value is ready.
type packer struct {
	encoders sync.Pool // of *zstd.Encoder
	decoders sync.Pool // of *zstd.Decoder
}

// pack copies r to w and names what it has copied.
func (p *packer) pack(w io.Writer, r io.Reader) (crm.BlobRef, int64, error) {
	enc, _ := p.encoders.Get().(*zstd.Encoder)
	if enc == nil {
		var err error
		if enc, err = newEncoder(); err != nil {
			return "", 0, err
		}
	}
	// What goes wrong with r is the caller's, what goes wrong with w is ours.
	enc.Reset(explainer{w})
	sum := sha256.New()
	size, err := io.Copy(enc, io.TeeReader(r, sum))
	if closed := enc.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return "", 0, err
	}
	enc.Reset(nil)
	p.encoders.Put(enc)
	return crm.BlobRef(hex.EncodeToString(sum.Sum(nil))), size, nil
}

func newEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(window))
}

// unpack reads what pack wrote. The reader that it returns closes packed.
func (p *packer) unpack(ref crm.BlobRef, packed io.ReadCloser) (io.ReadCloser, error) {
	dec, _ := p.decoders.Get().(*zstd.Decoder)
	if dec == nil {
		var err error
		if dec, err = newDecoder(); err != nil {
			return nil, errors.Join(err, packed.Close())
		}
	}
	if err := dec.Reset(packed); err != nil {
		return nil, errors.Join(damaged(ref, err), packed.Close())
	}
	return &reader{packer: p, packed: packed, dec: dec, ref: ref}, nil
}

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(4*window))
}

// damaged is what an error in the middle of a blob means, unless it says what
// it means by itself, as those of a bucket do.
func damaged(ref crm.BlobRef, err error) error {
	if _, ok := errors.AsType[*crm.Error](err); ok {
		return err
	}
	return crm.Wrap(crm.Internal, "blob_damaged", "The raw message "+string(ref)+" is damaged where it is kept; restore it from a backup.", err)
}

// reader reads a blob and gives its decoder back.
type reader struct {
	packer *packer
	packed io.ReadCloser
	dec    *zstd.Decoder // nil once closed
	ref    crm.BlobRef
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
		r.packer.decoders.Put(r.dec)
	}
	r.dec = nil
	return r.packed.Close()
}
