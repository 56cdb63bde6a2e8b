package imapbox

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// status is a status response (RFC 3501 section 7.1): how a command went, or
// what the server has to say unasked.
type status struct {
	cond string // OK, NO, BAD, BYE or PREAUTH
	code string // of the response code, in upper case; "" for none
	args string // of the response code
	text string // for people
}

// splitTag takes the first word off a line.
func splitTag(line []byte) (tag, rest []byte) {
	tag, rest, _ = bytes.Cut(line, []byte(" "))
	return tag, bytes.TrimLeft(rest, " ")
}

// parseStatus reads what follows the tag. It takes what servers really send: a
// bare "NO", lower case, a response code that never ends.
func parseStatus(rest []byte) (status, bool) {
	if !isStatus(rest) {
		return status{}, false
	}
	cond, rest := splitTag(rest)
	s := status{cond: strings.ToUpper(string(cond))}
	if len(rest) > 0 && rest[0] == '[' {
		if code, text, ok := bytes.Cut(rest[1:], []byte("]")); ok {
			name, args, _ := strings.Cut(string(code), " ")
			s.code, s.args = strings.ToUpper(name), args
			rest = bytes.TrimLeft(text, " ")
		}
	}
	s.text = clean(rest)
	return s, true
}

var conditions = [...][]byte{[]byte("OK"), []byte("NO"), []byte("BAD"), []byte("BYE"), []byte("PREAUTH")}

// isStatus tells whether a line without its tag is a status response.
func isStatus(rest []byte) bool {
	word, _ := splitTag(rest)
	for _, c := range conditions {
		if bytes.EqualFold(word, c) {
			return true
		}
	}
	return false
}

// maxWords is how much of what a server says is kept for people.
const maxWords = 300

// clean makes a server's words fit to be shown and stored: UTF-8 in one line,
// not too long.
func clean(p []byte) string {
	s := strings.ToValidUTF8(string(p[:min(len(p), 2*maxWords)]), "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	for len(s) > maxWords {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// words is the status as the server put it, with a response code that means
// something to people.
func (s status) words() string {
	if s.text == "" {
		return strings.TrimSpace(s.cond + " " + s.code)
	}
	return s.text
}
