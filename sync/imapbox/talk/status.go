package talk

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Status is a status response (RFC 3501 section 7.1): how a command went, or
// what the server has to say unasked.
type Status struct {
	Cond string // OK, NO, BAD, BYE or PREAUTH
	Code string // of the response code, in upper case; "" for none
	Args string // of the response code
	Text string // for people
}

// SplitTag takes the first word off a line.
func SplitTag(line []byte) (tag, rest []byte) {
	tag, rest, _ = bytes.Cut(line, []byte(" "))
	return tag, bytes.TrimLeft(rest, " ")
}

// ParseStatus reads what follows the tag. It takes what servers really send: a
// bare "NO", lower case, a response code that never ends.
func ParseStatus(rest []byte) (Status, bool) {
	if !isStatus(rest) {
		return Status{}, false
	}
	cond, rest := SplitTag(rest)
	s := Status{Cond: strings.ToUpper(string(cond))}
	if len(rest) > 0 && rest[0] == '[' {
		if code, text, ok := bytes.Cut(rest[1:], []byte("]")); ok {
			name, args, _ := strings.Cut(string(code), " ")
			s.Code, s.Args = strings.ToUpper(name), args
			rest = bytes.TrimLeft(text, " ")
		}
	}
	s.Text = Clean(rest)
	return s, true
}

// conditions are the words with which a status response begins.
var conditions = [...][]byte{[]byte("OK"), []byte("NO"), []byte("BAD"), []byte("BYE"), []byte("PREAUTH")}

// isStatus tells whether a line without its tag is a status response.
func isStatus(rest []byte) bool {
	word, _ := SplitTag(rest)
	for _, c := range conditions {
		if bytes.EqualFold(word, c) {
			return true
		}
	}
	return false
}

// maxWords is how much of what a server says is kept for people.
const maxWords = 300

// Clean makes a server's words fit to be shown and stored: UTF-8 in one line,
// not too long.
func Clean(p []byte) string {
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

// Words is the status as the server put it, with a response code that means
// something to people.
func (s Status) Words() string {
	if s.Text == "" {
		return strings.TrimSpace(s.Cond + " " + s.Code)
	}
	return s.Text
}

// IsNumber tells whether p is a number as IMAP has it, 32 bits at most.
func IsNumber(p []byte) bool {
	for _, c := range p {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(p) > 0 && len(p) <= 10
}
