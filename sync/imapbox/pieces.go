package imapbox

import (
	"context"
	"fmt"
	"io"

	"mailsyncd.example/crm"
)

// pieceSize is from what size on a message is read in pieces (RFC 3501 section
// 6.4.5): a long answer can't be called off.
const pieceSize = 1 << 20

// pieces reads one large message piece by piece.
func (b *Box) pieces(ctx context.Context, one []crm.UID, limit int64, each func(crm.UID, io.Reader) error) error {
	p := &pieceReader{box: b, ctx: ctx, uid: one, limit: limit}
	p.fetch()
	switch {
	case p.err != nil:
		return p.err
	case !p.came:
		return nil
	case p.whole: // it can't be had in pieces
		return b.whole(ctx, one, limit, each)
	}
	err := each(one[0], p)
	if p.err != nil {
		return p.err
	}
	return err
}

// pieceReader is a message that is fetched as it is read.
type pieceReader struct {
	box    *Box
	ctx    context.Context
	uid    []crm.UID // one
	limit  int64
	offset int64  // of what comes next
	piece  []byte // what was fetched and not yet read
	came   bool   // the server delivered something
	whole  bool   // it delivers nothing but whole messages
	end    bool
	err    error
}

func (p *pieceReader) Read(dst []byte) (int, error) {
	for len(p.piece) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		if p.end {
			return 0, io.EOF
		}
		p.fetch()
	}
	n := copy(dst, p.piece)
	p.piece = p.piece[n:]
	return n, nil
}

// fetch fetches the next piece.
func (p *pieceReader) fetch() {
	want := min(pieceSize, p.limit-p.offset)
	if want <= 0 {
		p.end = true
		return
	}
	c := &contents{
		box: p.box, asked: p.uid, offset: p.offset, limit: want,
		items: fmt.Sprintf("(UID BODY.PEEK[]<%d.%d>)", p.offset, want),
	}
	c.take = func(_ crm.UID, r io.Reader) (err error) {
		p.piece, err = io.ReadAll(r)
		return err
	}
	if p.err = c.read(p.ctx, p.uid); p.err != nil {
		return
	}
	if len(c.got) == 0 && p.came {
		p.err = crm.E(crm.Unavailable, "message_refused", "The mail server delivered only the beginning of a message.")
		return
	}
	p.came, p.whole = len(c.got) > 0, c.whole
	p.offset += int64(len(p.piece))
	p.end = int64(len(p.piece)) < want
}
