package field

import (
	"encoding/base64"
	"strings"

	"mailsyncd.example/sync/letter/charset"
)

// Words decodes the encoded words (RFC 2047) in a header value that is UTF-8
// otherwise. Real ones break every rule of the RFC: they stand in quotes and
// inside of words, are split inside of a character or of a base64 quantum,
// hold blanks, and lack their end. What can't be decoded stays as it is; ok is
// false where characters were lost.
func Words(s string) (text string, ok bool) {
	if !strings.Contains(s, "=?") {
		return s, true
	}
	var out strings.Builder
	var r run
	ok = true
	for s != "" {
		at := strings.Index(s, "=?")
		if at < 0 {
			break
		}
		w, rest, found := nextWord(s[at:])
		if !found {
			ok = r.flush(&out) && ok
			out.WriteString(s[:at+2])
			s = s[at+2:]
			continue
		}
		// White space between encoded words is there for folding only.
		if between := s[:at]; !r.empty() && strings.TrimSpace(between) == "" {
			if !r.takes(w) {
				ok = r.flush(&out) && ok
			}
		} else {
			ok = r.flush(&out) && ok
			out.WriteString(between)
		}
		r.add(w)
		s = rest
	}
	ok = r.flush(&out) && ok
	out.WriteString(s)
	return out.String(), ok
}

// word is one encoded word.
type word struct {
	charset string
	base64  bool
	text    string
}

// nextWord reads the encoded word that s begins with.
func nextWord(s string) (w word, rest string, ok bool) {
	label, after, ok := cutShort(s[2:], '?', 64)
	if !ok || len(after) < 2 || after[1] != '?' || strings.ContainsAny(label, " \t") {
		return word{}, "", false
	}
	switch after[0] {
	case 'B', 'b':
		w.base64 = true
	case 'Q', 'q':
	default:
		return word{}, "", false
	}
	w.charset = label
	after = after[2:]
	end, next := wordEnd(after, w.base64)
	w.text = after[:end]
	return w, after[next:], true
}

// wordEnd finds the end of an encoded word's text, and where to read on. The
// text of Q may hold a raw question mark, so that "?=" followed by two digits
// of a quoted byte is not the end yet. A word that lacks its end goes to the
// next blank, or to the start of another.
func wordEnd(s string, b64 bool) (end, next int) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '?':
			if i+1 == len(s) {
				return i, len(s)
			}
			if s[i+1] != '=' {
				continue
			}
			if !b64 && i+3 < len(s) && isHex(s[i+2]) && isHex(s[i+3]) && endsLater(s[i+2:]) {
				continue
			}
			return i, i + 2
		case '=':
			if i+1 < len(s) && s[i+1] == '?' && !(i+2 < len(s) && s[i+2] == '=') {
				if label, after, ok := cutShort(s[i+2:], '?', 64); ok && label != "" && len(after) > 1 && after[1] == '?' {
					return i, i
				}
			}
		case ' ', '\t':
			if !endsLater(s[i:]) {
				return i, i
			}
		}
	}
	return len(s), len(s)
}

// nearby is how far the end of an encoded word is looked for behind a blank
// or a question mark in it. RFC 2047 allows 75 bytes all together.
const nearby = 1 << 10

// endsLater tells whether "?=" stands nearby, before another word begins.
func endsLater(s string) bool {
	s = s[:min(len(s), nearby)]
	end := strings.Index(s, "?=")
	if end < 0 {
		return false
	}
	begin := strings.Index(s, "=?")
	return begin < 0 || end < begin
}

// cutShort is strings.Cut that looks at no more than limit bytes.
func cutShort(s string, sep byte, limit int) (before, after string, ok bool) {
	at := strings.IndexByte(s[:min(len(s), limit)], sep)
	if at < 0 {
		return "", "", false
	}
	return s[:at], s[at+1:], true
}

// run is a row of neighbouring words in one charset. They are decoded
// together, for a character may be split between two of them.
type run struct {
	charset string
	words   []word
}

func (r *run) empty() bool { return len(r.words) == 0 }

// takes tells whether a word may share a character with those before it.
func (r *run) takes(w word) bool { return strings.EqualFold(r.charset, w.charset) }

func (r *run) add(w word) {
	r.charset = w.charset
	r.words = append(r.words, w)
}

// flush writes what the words of the run say and empties it.
func (r *run) flush(out *strings.Builder) bool {
	if r.empty() {
		return true
	}
	var joined, open []byte // open is base64 that ended inside of a quantum
	for _, w := range r.words {
		switch {
		case !w.base64:
			joined = append(append(joined, unbase64(open)...), unquote(w.text)...)
			open = open[:0]
		case len(open) > 0 || len(w.text)%4 != 0 && !strings.HasSuffix(w.text, "="):
			open = append(open, w.text...)
			if len(open)%4 == 0 || strings.HasSuffix(w.text, "=") {
				joined, open = append(joined, unbase64(open)...), open[:0]
			}
		default:
			joined = append(append(joined, unbase64(open)...), unbase64([]byte(w.text))...)
			open = open[:0]
		}
	}
	joined = append(joined, unbase64(open)...)
	text, ok := charset.Decode(r.charset, joined)
	if !ok && len(r.words) > 1 {
		// Perhaps each word is sound alone: one without padding, or without
		// its last escape.
		if apart, good := r.apart(); good {
			text, ok = apart, true
		}
	}
	out.Write(text)
	r.words = r.words[:0]
	return ok
}

// apart decodes word by word; false where one of them is not sound alone.
func (r *run) apart() (text []byte, ok bool) {
	for _, w := range r.words {
		b := unquote(w.text)
		if w.base64 {
			b = unbase64([]byte(w.text))
		}
		part, good := charset.Decode(r.charset, b)
		if !good {
			return nil, false
		}
		text = append(text, part...)
	}
	return text, true
}

// unbase64 decodes what there is, whatever stands between.
func unbase64(s []byte) []byte {
	if len(s) == 0 {
		return nil
	}
	clean := make([]byte, 0, len(s))
	for _, c := range s {
		switch {
		case isBase64(c):
			clean = append(clean, c)
		case c == '-': // the alphabet for addresses in the web
			clean = append(clean, '+')
		case c == '_':
			clean = append(clean, '/')
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	n, _ := base64.RawStdEncoding.Decode(clean, clean) // only the alphabet is left
	return clean[:n]
}

// unquote decodes the Q encoding (RFC 2047 section 4.2).
func unquote(s string) []byte {
	return Unescape(nil, strings.ReplaceAll(s, "_", " "), '=')
}

// Unescape appends s to out, with the byte itself for every mark that two
// hexadecimal digits follow. Other marks stay.
func Unescape[S string | []byte](out []byte, s S, mark byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == mark && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		} else {
			out = append(out, s[i])
		}
	}
	return out
}

func isBase64(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}
