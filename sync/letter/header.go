package letter

import (
	"bytes"
	"strings"

	"mailsyncd.example/sync/letter/field"
)

// How much is kept of a header, in bytes.
const (
	// A header that is longer loses what is over these bytes.
	maxHeader     = 256 << 10
	maxPartHeader = 64 << 10
	// foresight is how far a line that is no header field makes us look for
	// one below it.
	foresight = 2 << 10
)

// header is a block of header fields, unfolded and otherwise as it stands.
type header struct {
	raw    []byte
	fields []span
	limit  int
	room   int  // bytes that the last field may still take
	extra  int  // bytes of fields that nothing here depends on
	cut    bool // something found no room
	broken bool // lines in it make no sense, or no empty line ends it
}

// span is the place of a field in raw; name is -1 for one that is not kept.
type span struct{ name, colon, end int }

func (h *header) reset(limit int) {
	h.raw, h.fields = h.raw[:0], h.fields[:0]
	h.limit, h.room, h.extra = limit, 0, 0
	h.cut, h.broken = false, false
}

// read fills h from l up to the empty line, or to a line of which stop says
// that it belongs to somebody else; such a line is read once more.
func (h *header) read(l *lines, limit int, stop func([]byte) bool) {
	h.reset(limit)
	for {
		n, ok := l.next()
		switch {
		case !ok:
			return
		case !n.first:
			h.extend(n.data) // more of a long line
		case len(n.data) == 0:
			return
		case stop != nil && stop(n.data):
			l.unread(n)
			return
		case n.data[0] == ' ' || n.data[0] == '\t':
			h.extend(n.data)
		case nameLength(n.data) > 0:
			h.begin(n.data)
		case !h.skip(l, n):
			return
		}
	}
}

// skip decides what a line is that can be no header field: rubbish among
// fields, where one follows it (true), else the body, which begins without
// an empty line.
func (h *header) skip(l *lines, n line) bool {
	if bytes.HasPrefix(n.data, []byte(">From ")) || len(h.fields) == 0 && bytes.HasPrefix(n.data, []byte("From ")) {
		return true // mbox leaves these
	}
	if h.endsOpen() {
		h.extend([]byte{' '}) // a continuation that lost its indentation
		h.extend(n.data)
		return true
	}
	h.broken = true
	// Looking ahead spends the bytes of the line.
	kept := line{data: bytes.Clone(n.data), end: bytes.Clone(n.end), first: true}
	rest := l.ahead(foresight)
	for place := 0; len(rest) > 0; place++ {
		var next []byte
		next, rest, _ = bytes.Cut(rest, []byte{l.stop})
		if len(bytes.TrimRight(next, "\r")) == 0 {
			break
		}
		if n := nameLength(next); n > 0 && (place == 0 || len(h.fields) > 0 && isUsual(strings.ToLower(string(next[:n])))) {
			return true
		}
	}
	l.unread(kept)
	return false
}

// isUsual tells field names, in lower case, that hardly begin a line of text.
func isUsual(name string) bool {
	switch name {
	case "from", "to", "cc", "subject", "date", "bcc", "message-id", "in-reply-to", "references", "reply-to", "sender", "return-path",
		"received", "mime-version", "delivered-to", "dkim-signature":
		return true
	}
	return strings.HasPrefix(name, "content-") || strings.HasPrefix(name, "x-")
}

// endsOpen tells whether the last field ends with a semicolon, after which a
// parameter must follow.
func (h *header) endsOpen() bool {
	if len(h.fields) == 0 {
		return false
	}
	f := h.fields[len(h.fields)-1]
	return f.name >= 0 && bytes.HasSuffix(bytes.TrimRight(h.raw[f.name:f.end], " \t"), []byte{';'}) &&
		(h.is(f, "content-type") || h.is(f, "content-disposition"))
}

// nameLength tells how long the field name is with which a line begins; 0
// where there is none (RFC 5322 section 3.6.8; white space before the colon is
// obsolete and met).
func nameLength(line []byte) int {
	for i, c := range line {
		switch {
		case c == ':':
			return len(bytes.TrimRight(line[:i], " \t"))
		case c == ' ' || c == '\t':
			rest := bytes.TrimLeft(line[i:], " \t")
			if i == 0 || len(rest) == 0 || rest[0] != ':' {
				return 0
			}
			return i
		case c < 33 || c > 126:
			return 0
		}
	}
	return 0
}

// begin starts a field. Of what has no room it keeps nothing.
func (h *header) begin(data []byte) {
	n := nameLength(data)
	if isTransport(data[:n]) {
		// Most of a header is about the way that a message took. Nobody
		// asks for it, and the raw message keeps it.
		h.ignore()
		return
	}
	h.room = h.share(strings.ToLower(string(data[:n])))
	if !h.takes(data) {
		h.ignore()
		return
	}
	at := len(h.raw)
	h.raw = append(h.raw, data...)
	h.fields = append(h.fields, span{at, at + bytes.IndexByte(data, ':'), len(h.raw)})
}

// ignore makes extend pass over the continuations of a field that is not kept.
func (h *header) ignore() {
	if n := len(h.fields); n == 0 || h.fields[n-1].name >= 0 {
		h.fields = append(h.fields, span{name: -1})
	}
}

// share tells how much room a field may take, so that no field can push out
// those that rules and threads live by: ids less than addresses. It is -1 for
// all other fields, which share a quarter between them.
func (h *header) share(name string) int {
	switch {
	case name == "references" || name == "in-reply-to":
		return h.limit / 8
	case isUsual(name) && !strings.HasPrefix(name, "x-"):
		return h.limit / 2
	}
	return -1
}

// takes tells whether there is room for more of the last field.
func (h *header) takes(data []byte) bool {
	ok := len(h.raw)+len(data) <= h.limit
	if h.room < 0 {
		h.extra += len(data)
		ok = ok && h.extra <= h.limit/4
	} else {
		ok = ok && len(data) <= h.room
		h.room = max(0, h.room-len(data))
	}
	h.cut = h.cut || !ok
	return ok
}

// extend adds a continuation to the last field.
func (h *header) extend(data []byte) {
	if len(h.fields) == 0 {
		h.broken = true
		return
	}
	f := &h.fields[len(h.fields)-1]
	if f.name < 0 {
		return
	}
	if !h.takes(data) {
		return
	}
	h.raw = append(h.raw, data...)
	f.end = len(h.raw)
}

// isTransport tells the fields that gateways add. They come first to the length,
// since every field is asked about.
func isTransport(name []byte) bool {
	switch len(name) {
	case 8, 10, 14, 21, 23, 26:
		switch strings.ToLower(string(name)) {
		case "received", "x-received", "arc-seal", "dkim-signature", "arc-message-signature", "arc-authentication-results",
			"x-google-dkim-signature":
			return true
		}
	}
	return false
}

// get returns the value of the first field of this name, as it stands.
func (h *header) get(name string) ([]byte, bool) {
	for _, f := range h.fields {
		if h.is(f, name) {
			return bytes.TrimSpace(h.raw[f.colon+1 : f.end]), true
		}
	}
	return nil, false
}

// all returns the values of all fields of this name.
func (h *header) all(name string) (values [][]byte) {
	for _, f := range h.fields {
		if h.is(f, name) {
			values = append(values, bytes.TrimSpace(h.raw[f.colon+1:f.end]))
		}
	}
	return values
}

// is compares a field's name; name is in lower case.
func (h *header) is(f span, name string) bool {
	if f.name < 0 || f.colon-f.name < len(name) {
		return false
	}
	for i := range len(name) {
		c := h.raw[f.name+i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != name[i] {
			return false
		}
	}
	return len(bytes.TrimRight(h.raw[f.name+len(name):f.colon], " \t")) == 0
}

// text returns the value of the first field of this name with its bytes in
// UTF-8, encoded words left alone.
func (h *header) text(name string) string {
	v, _ := h.get(name)
	s, _ := field.UTF8(v)
	return s
}
