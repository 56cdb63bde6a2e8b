// Package letter reads messages: bytes in, a crm.Letter out, however broken
// the bytes are. What can't be read is named in Letter.Degraded, and the rest
// is still there.
//
// The walk over a message's parts is our own and not go-message's, whose
// readers stop at what real mail is full of: header lines without a colon,
// transfer encodings such as "7-bit", missing or odd boundaries, base64 with
// junk in it. It also bounds neither headers of parts nor nesting. Ours goes
// over the message line by line and once; it keeps in memory a buffer, one
// header, the text, and a list of attachments, all of bounded size.
//
// Everything here is a function of the bytes alone, so that two copies of a
// message give one letter, wherever and whenever they are opened.
package letter

import (
	"io"

	"mailsyncd.example/crm"
)

// Bounds of what is kept and looked at. They are far over what people write, and far
// under what hurts.
const (
	maxText = 1 << 20 // bytes of text in a letter
	maxBody = 2 << 20 // bytes of one text or HTML part that are looked at
)

// Open reads a whole message. The error is r's own: whatever the message, there
// is a letter. Memory stays bounded whatever its size, since attachments are
// only counted (see Attachment).
func Open(r io.Reader) (crm.Letter, error) {
	o := newOpener()
	w, err := walk(r, o)
	if err != nil {
		return crm.Letter{}, err
	}
	return o.finish(w), nil
}

// HTML returns the HTML that the message in r shows, as UTF-8 and of 2 MiB at
// most; "" where it has none. It is as hostile as its sender likes: clean it
// before anybody sees it. The error is r's own.
func HTML(r io.Reader) (string, error) {
	var v htmlReader
	if _, err := walk(r, &v); err != nil {
		return "", err
	}
	return string(v.html), nil
}

// Attachment hands the decoded bytes of the part with this id (see
// crm.Attachment) of the message in r to w; of a message in the message its raw
// bytes. It is crm.NotFound where there is no such part; any other error is
// that of r or of w.
func Attachment(r io.Reader, id string, w io.Writer) error {
	v := &copier{id: id, w: w}
	if _, err := walk(r, v); err != nil {
		return err
	}
	if !v.found {
		return crm.E(crm.NotFound, "no_such_attachment", "The message has no part of this number; ask for the message to see which it has.")
	}
	return v.err
}

// htmlReader is the visitor that collects HTML.
type htmlReader struct {
	html []byte
	bodySink
}

func (v *htmlReader) enter(*part) {}
func (v *htmlReader) leave()      {}
func (v *htmlReader) done() bool  { return false }

func (v *htmlReader) leaf(p *part) sink {
	if p.media != "text/html" || !p.isBody() || len(v.html) >= maxBody {
		return nil
	}
	v.part, v.buf = p, v.buf[:0]
	return v
}

func (v *htmlReader) close() {
	text, _ := v.decoded()
	v.html = append(v.html, cutText(text, maxBody-len(v.html))...)
}

// copier is the visitor that hands one part over.
type copier struct {
	id           string
	w            io.Writer
	err          error
	found, ended bool
}

func (v *copier) enter(*part) {}
func (v *copier) leave()      {}
func (v *copier) done() bool  { return v.ended || v.err != nil }
func (v *copier) close()      { v.ended = true }

func (v *copier) leaf(p *part) sink {
	if p.id != v.id || v.found {
		return nil
	}
	v.found = true
	return v
}

func (v *copier) write(b []byte) {
	if v.err == nil && len(b) > 0 {
		_, v.err = v.w.Write(b)
	}
}
