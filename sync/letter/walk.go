package letter

import (
	"bytes"
	"io"
	"strings"
)

// What is looked at, of a message of any size. Mail that people write stays
// far below.
const (
	maxDepth    = 20   // of multiparts in multiparts
	maxParts    = 1000 // all together
	maxBoundary = 200  // bytes; RFC 2046 allows 70
	maxPreamble = 2 << 20
)

// visitor is told what a walk comes by, in the order of the message.
type visitor interface {
	// enter and leave stand around the parts of a multipart.
	enter(p *part)
	leave()
	// leaf returns what takes the bytes of a part, nil where nobody wants them.
	leaf(p *part) sink
	// done tells that there is nothing left to wait for.
	done() bool
}

// walker goes through a message once, from its first byte to its last, and
// remembers nothing but where it stands.
type walker struct {
	lines    *lines
	top      header
	inner    header // of the part that begins
	v        visitor
	open     []string // the delimiters ("--boundary") of the multiparts around us
	parts    int
	damage   damage
	preamble []byte
}

// delimiter is what ended a part: a line of the multipart at this level, or
// with level -1 the end of the message.
type delimiter struct {
	level   int
	closing bool
}

// theEnd is where the message ends, whether it should or not.
var theEnd = delimiter{level: -1}

// walk shows the message in r to v. The error is r's own.
func walk(r io.Reader, v visitor) (*walker, error) {
	w := &walker{lines: newLines(r, bufferSize), v: v}
	w.skipBlank()
	w.top.read(w.lines, maxHeader, nil)
	// From here on w.top stays as it is: the head is made of it at the end.
	w.note(&w.top)
	root := describe(&w.top, "")
	if !root.isMultipart() {
		root.id = "1"
	}
	w.entity(&root)
	return w, w.lines.err
}

// skipBlank passes over empty lines and a byte order mark before the header.
func (w *walker) skipBlank() {
	first, ok := w.lines.next()
	for range 10 {
		if !ok || len(first.data) > 0 {
			break
		}
		if next := w.lines.ahead(foresight); !beginsHeader(next) {
			w.lines.unread(line{first: true, end: []byte{'\n'}})
			return
		}
		first, ok = w.lines.next()
	}
	if ok {
		first.data = bytes.TrimPrefix(first.data, []byte("\xEF\xBB\xBF"))
		w.lines.unread(first)
	}
}

func beginsHeader(b []byte) bool {
	b = bytes.TrimLeft(b, "\r\n")
	return nameLength(b) > 0
}

func (w *walker) note(h *header) {
	if h.cut || h.broken {
		w.damage |= badHeader
	}
}

// entity reads the body of a message or part, and returns what ended it. Below the
// lowest level that is looked into, a multipart is a file like any other.
func (w *walker) entity(p *part) delimiter {
	if !p.isMultipart() {
		return w.leaf(p)
	}
	if len(w.open) == maxDepth {
		w.damage |= tooDeep
		return w.leaf(p)
	}
	w.v.enter(p)
	defer w.v.leave()
	return w.multipart(p)
}

// multipart reads the parts of p one after the other. A part that ends at a delimiter
// of a multipart around p ends p as well: its own last one is missing.
func (w *walker) multipart(p *part) delimiter {
	level := len(w.open)
	boundary := strings.TrimRight(p.params.Get("boundary"), " \t\r\n")
	if boundary == "" || len(boundary) > maxBoundary {
		boundary = "\x00" // no line can have it; the preamble may show the real one
		w.damage |= badBoundary
	}
	w.open = append(w.open, "--"+boundary)
	found, ok := w.seek(level)
	if !ok {
		w.open = w.open[:level]
		return w.undivided(p, found)
	}
	for place := 0; found.level == level && !found.closing; place++ {
		if w.parts++; w.parts > maxParts {
			w.damage |= tooManyParts
			w.open = w.open[:level]
			return w.drain()
		}
		w.inner.read(w.lines, maxPartHeader, w.isDelimiter)
		w.note(&w.inner)
		child := describe(&w.inner, p.media)
		child.id, child.place = p.child(place), place
		found = w.entity(&child)
	}
	w.open = w.open[:level]
	switch {
	case found.level == level: // closed, as it should be: the epilogue is nobody's
		return w.pass()
	case found == theEnd && w.parts <= maxParts && !w.v.done():
		w.damage |= truncated
	}
	return found
}

// seek reads the preamble up to the first delimiter of the multipart at this
// level. Where the boundary that was declared does not come, a line that looks
// like one takes its place. It is false where a multipart around this one
// goes on first, or the message ends.
func (w *walker) seek(level int) (d delimiter, ok bool) {
	w.preamble = w.preamble[:0]
	var candidate []byte
	for {
		n, ok := w.lines.next()
		if !ok {
			return theEnd, false
		}
		if n.first {
			if d, ok := w.delimiter(n.data); ok {
				return d, d.level == level
			}
			if len(candidate) > 0 && (len(n.data) == 0 || isContentField(n.data)) {
				w.open[level] = string(candidate)
				w.damage |= badBoundary
				w.lines.unread(n)
				return delimiter{level: level}, true
			}
			candidate = candidate[:0]
			if isCandidate(n.data) {
				candidate = append(candidate, trimBlank(n.data)...)
			}
		}
		if len(w.preamble)+len(n.data)+len(n.end) <= maxPreamble {
			w.preamble = append(append(w.preamble, n.data...), n.end...)
		}
	}
}

// isCandidate tells whether a line looks like a delimiter, whose boundary we
// don't know.
func isCandidate(line []byte) bool {
	return len(line) >= 10 && len(line) < maxBoundary && bytes.HasPrefix(line, []byte("--")) &&
		!bytes.HasSuffix(line, []byte("--")) && bytes.IndexByte(line[3:], ' ') < 0
}

// undivided handles a multipart in which no boundary was found: what would be
// its preamble is the text.
func (w *walker) undivided(p *part, next delimiter) delimiter {
	if len(bytes.TrimSpace(w.preamble)) == 0 {
		w.damage |= truncated
		return next
	}
	w.damage |= badBoundary
	body := part{id: p.child(0), parent: p.media, media: "text/plain", params: p.params}
	if to := w.v.leaf(&body); to != nil {
		d := newDecoder(p.encoding, to)
		for rest := w.preamble; len(rest) > 0; {
			var line []byte
			line, rest, _ = bytes.Cut(rest, []byte{w.lines.stop})
			d.piece(line)
			d.endLine([]byte{'\n'})
		}
		w.finish(d, to)
	}
	return next
}

// isContentField tells lines with which the header of a part begins.
func isContentField(line []byte) bool {
	const name = "content-"
	return len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) && nameLength(line) > 0
}

// leaf hands the decoded bytes of a part over.
func (w *walker) leaf(p *part) delimiter {
	to := w.v.leaf(p)
	if to == nil {
		return w.pass()
	}
	d := newDecoder(p.encoding, to)
	for {
		n, ok := w.lines.next()
		if !ok || w.v.done() {
			// Cut off or not, what came counts.
			w.finish(d, to)
			return theEnd
		}
		if n.first {
			if found, ok := w.delimiter(n.data); ok {
				w.finish(d, to)
				return found
			}
		}
		d.piece(n.data)
		if len(n.end) > 0 {
			d.endLine(n.end)
		}
	}
}

func (w *walker) finish(d decoder, to sink) {
	if !d.close() {
		w.damage |= badEncoding
	}
	to.close()
}

// pass reads on to the next delimiter of a multipart around us.
func (w *walker) pass() delimiter {
	for !w.v.done() {
		n, ok := w.lines.next()
		if !ok {
			break
		}
		if n.first {
			if d, ok := w.delimiter(n.data); ok {
				return d
			}
		}
	}
	return theEnd
}

// drain reads the rest, so that whoever sends the message can end.
func (w *walker) drain() delimiter {
	for ok := true; ok && !w.v.done(); _, ok = w.lines.next() {
	}
	return theEnd
}

func (w *walker) isDelimiter(line []byte) bool {
	_, ok := w.delimiter(line)
	return ok
}

// delimiter tells whether a line is a delimiter of a multipart around us, the
// innermost one first (RFC 2046 section 5.1.1).
func (w *walker) delimiter(line []byte) (delimiter, bool) {
	if len(line) < 3 || line[0] != '-' || line[1] != '-' || len(w.open) == 0 {
		return delimiter{}, false
	}
	line = bytes.TrimRight(line[:min(len(line), 2*maxBoundary)], " \t")
	sloppy := -1
	for level := len(w.open) - 1; level >= 0; level-- {
		boundary := w.open[level]
		if !bytes.HasPrefix(line, []byte(boundary)) {
			continue
		}
		rest := line[len(boundary):]
		switch {
		case len(rest) == 0:
			return delimiter{level: level}, true
		case string(rest) == "--":
			return delimiter{level: level, closing: true}, true
		case len(rest) > 2 && rest[0] == '-' && rest[1] == '-' && !isBoundaryChar(rest[2]) && sloppy < 0:
			sloppy = level // closed, with something stuck to it
		}
	}
	return delimiter{level: sloppy, closing: true}, sloppy >= 0
}

// isBoundaryChar tells what may be part of another boundary that begins alike.
func isBoundaryChar(c byte) bool {
	return base64Value(c) >= 0 || c == '_' || c == '=' || c == '-' || c == '.'
}
