package plain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// SnippetLength is how many characters a snippet has at most.
const SnippetLength = 200

// farEnough is how much of a text is searched for something new. What begins
// with more of quoted history than this is shown by its history.
const farEnough = 256 << 10

// Snippet returns the beginning of what is new in a text: quoted history,
// the lines that introduce it, and signatures are left out, and white space is
// collapsed. A text that is nothing but history, as a forwarded one, is
// shown from its start.
func Snippet(text string) string {
	if len(text) > farEnough {
		text = text[:farEnough]
	}
	var s snippet
	s.news(lines{text})
	if s.n == 0 {
		l := lines{text}
		for line, ok := l.next(); ok && !s.full(); line, ok = l.next() {
			if !isSeparator(line) {
				s.add(strings.TrimLeft(line, "> "))
			}
		}
	}
	return strings.TrimSpace(s.String())
}

// news adds the lines that are neither history nor signature.
func (s *snippet) news(l lines) {
	for line, ok := l.next(); ok && !s.full(); line, ok = l.next() {
		switch {
		case isQuoted(line):
		case isSignature(line), isSeparator(line), isHeaderBlock(line, l):
			return
		case isDevice(line):
		default:
			n := introduction(line, l)
			if n == 0 {
				s.add(line)
				continue
			}
			for range n - 1 {
				l.next()
			}
			// Quoted with marks, history ends where the marks end, and an
			// answer may follow. Without them nobody can tell where it ends.
			if !isQuoted(l.text()) {
				return
			}
		}
	}
}

// lines walks over a text line by line. A copy of it looks ahead.
type lines struct{ rest string }

// next returns the next line without white space around it.
func (l *lines) next() (line string, ok bool) {
	if l.rest == "" {
		return "", false
	}
	line, l.rest, _ = strings.Cut(l.rest, "\n")
	return strings.TrimSpace(line), true
}

// text looks ahead to the next line that is not empty.
func (l lines) text() string {
	for line, ok := l.next(); ok; line, ok = l.next() {
		if line != "" {
			return line
		}
	}
	return ""
}

// snippet collects words until it is full.
type snippet struct {
	strings.Builder
	n     int // characters
	space bool
}

func (s *snippet) full() bool { return s.n >= SnippetLength }

// put adds a character, if there is room.
func (s *snippet) put(r rune) {
	if !s.full() {
		s.WriteRune(r)
		s.n++
	}
}

// add adds a line.
func (s *snippet) add(line string) {
	if isRuler(line) {
		return
	}
	for i := 0; i < len(line) && !s.full(); {
		r, size := utf8.DecodeRuneInString(line[i:])
		switch {
		case unicode.IsSpace(r) || isInvisible(r):
			s.space = true
		case r == '<' && isWeb(line[i+1:]) && strings.IndexByte(line[i:], '>') > 0:
			size = strings.IndexByte(line[i:], '>') + 1 // an address behind its link
		default:
			if s.space && s.n > 0 {
				s.put(' ')
			}
			s.space = false
			s.put(r)
		}
		i += size
	}
	s.space = true
}

// isInvisible tells characters of no width, with which bulk mail pads the text
// that a list of mails shows, and control characters.
func isInvisible(r rune) bool {
	switch r {
	case 0x00AD, 0x034F, 0x200B, 0x200C, 0x200E, 0x200F, 0x2060, 0xFEFF:
		return true
	}
	return unicode.IsControl(r)
}
