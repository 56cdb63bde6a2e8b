package letter

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"mailsyncd.example/sync/letter/charset"
	"mailsyncd.example/sync/letter/field"
)

// bodySink collects the decoded bytes of a text part, as far as maxBody.
type bodySink struct {
	part *part
	buf  []byte
	over int // bytes that found no room
}

// write keeps what there is room for, and counts the rest.
func (s *bodySink) write(b []byte) {
	room := min(len(b), maxBody-len(s.buf))
	s.buf = append(s.buf, b[:room]...)
	s.over += len(b) - room
}

// decoded returns the text of the part in UTF-8, with LF for line ends and
// without NUL. It may use the buffer for that, which is spent afterwards.
func (s *bodySink) decoded() (text []byte, ok bool) {
	label := s.part.params.Get("charset")
	if label == "" && s.part.media == "text/html" {
		label = metaCharset(s.buf)
	}
	text, ok = charset.Decode(label, s.buf)
	return normalize(text), ok
}

// metaCharset finds what HTML itself says of its charset (HTML section
// 13.2.3.2), loosely: the word charset and what is equal to it.
func metaCharset(html []byte) string {
	start := bytes.ToLower(html[:min(len(html), 2048)])
	_, label, ok := bytes.Cut(start, []byte("charset="))
	if !ok {
		return ""
	}
	label = bytes.TrimLeft(label, `"' `)
	if end := bytes.IndexAny(label, `"'>/; `); end >= 0 {
		label = label[:end]
	}
	return string(label)
}

// normalize makes LF of CRLF and of CR, and drops NUL, in place. A row of CRs
// before LF is one line end: some gateways add one on every pass.
func normalize(b []byte) []byte {
	if bytes.IndexByte(b, '\r') < 0 && bytes.IndexByte(b, 0) < 0 {
		return b
	}
	out := b[:0]
	returns := 0
	for _, c := range b {
		if c == '\r' {
			returns++
			continue
		}
		for ; returns > 0; returns-- {
			if c != '\n' {
				out = append(out, '\n')
			}
		}
		if c != 0 {
			out = append(out, c)
		}
	}
	for range returns {
		out = append(out, '\n')
	}
	return out
}

// cutText cuts text after at most limit bytes, between two characters.
func cutText(text []byte, limit int) []byte {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// addCIDs notes which parts HTML refers to (RFC 2392).
func addCIDs(html []byte, cids map[string]bool) {
	for _, scheme := range []string{"cid:", "CID:"} {
		for rest := html; len(cids) < maxParts; {
			at := bytes.Index(rest, []byte(scheme))
			if at < 0 {
				break
			}
			rest = rest[at+len(scheme):]
			id := rest[:min(len(rest), field.MaxID)]
			if end := bytes.IndexAny(id, "\"'<>() \t\r\n\\"); end >= 0 {
				id = id[:end]
			}
			cids[strings.ReplaceAll(string(field.Unescape(nil, id, '%')), "&amp;", "&")] = true
		}
	}
}
