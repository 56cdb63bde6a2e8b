package address

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind says what a token can be part of.
type kind uint8

const (
	end     kind = iota
	gap          // white space, and whatever else only separates
	comment      // (…)
	atom         // a run of characters that need no quotes, dots included
	quoted       // "…"
	foreign      // text in another encoding: part of a name, never of an address
	special      // one of < > @ , ; : [
)

type token struct {
	kind       kind
	start, end int
}

// empty reports whether the token is the zero value: nothing.
func (t token) empty() bool { return t.start == t.end }

// lexer cuts a header value into tokens. It never fails: what RFC 5322 knows
// no name for is a gap. Each of its searches for a closing mark that finds none
// is remembered, so that hostile input takes no more than linear time.
type lexer struct {
	s   string
	pos int
	// doubled is set for text that is neither UTF-8 nor EUC-JP and so is
	// read as Shift_JIS, where the second byte of a character may look like
	// an @ or a backslash.
	doubled  bool
	utf8     bool // all of it is UTF-8
	inDomain bool // after an @

	openQuote bool // a quote was opened that nothing closes
	openParen bool // a comment was opened that nothing closes
	openWord  int  // before this offset no encoded word comes to an end
}

func newLexer(s string) lexer {
	l := lexer{s: s, utf8: utf8.ValidString(s)}
	l.doubled = !l.utf8 && !validEUC(s)
	return l
}

const (
	escape = 0x1b
	// separators are the bytes with a meaning between addresses.
	separators = "<>@,;:["
	// unquoted are the bytes that a local part may have without quotes (RFC
	// 5322 atext), and the dot.
	unquoted = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~."
)

// kindOf is the kind of token that an ASCII byte begins.
var kindOf = func() (table [utf8.RuneSelf]kind) {
	for i := range table {
		table[i] = gap
	}
	for _, c := range []byte(unquoted) {
		table[c] = atom
	}
	for _, c := range []byte(separators) {
		table[c] = special
	}
	table['"'], table['('], table[escape] = quoted, comment, foreign
	return table
}()

// next returns the next token; at the end of the text it is of kind end.
func (l *lexer) next() token {
	start := l.pos
	if start >= len(l.s) {
		return token{kind: end, start: start, end: start}
	}
	k := gap
	switch c := l.s[start]; {
	case c >= utf8.RuneSelf:
		k = l.high()
	case kindOf[c] == atom:
		k = l.word()
	case kindOf[c] == quoted:
		k = l.quote()
	case kindOf[c] == comment:
		k = l.paren()
	case c == escape:
		l.pos = skipEscape(l.s, start)
		k = foreign
	default:
		l.pos++
		k = kindOf[c]
	}
	return token{kind: k, start: start, end: l.pos}
}

// word reads an atom, or an encoded word (RFC 2047), which is foreign: it may
// hold commas and @ signs that mean nothing.
func (l *lexer) word() kind {
	if strings.HasPrefix(l.s[l.pos:], "=?") && l.encodedWord() {
		return foreign
	}
	for l.pos < len(l.s) {
		c := l.s[l.pos]
		if c < utf8.RuneSelf {
			if kindOf[c] != atom {
				break
			}
			l.pos++
			continue
		}
		size := l.letter()
		if size == 0 {
			break
		}
		l.pos += size
	}
	return atom
}

// letter returns the length of the character at pos if it may stand in an
// internationalised address (RFC 6532), else 0. By the letter of the RFC
// punctuation may, but full-width commas and brackets are what people put
// between addresses and never into them.
func (l *lexer) letter() int {
	if !l.utf8 {
		return 0
	}
	r, size := utf8.DecodeRuneInString(l.s[l.pos:])
	if unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.So, unicode.Sk) || l.inDomain && strings.ContainsRune(wideDots, r) {
		return size
	}
	return 0
}

// wideDots are dots in a domain (RFC 3490 section 3.1), and punctuation
// elsewhere.
const wideDots = "。．｡"

// high reads what begins with a byte that is not ASCII.
func (l *lexer) high() kind {
	switch {
	case l.utf8 && l.letter() > 0:
		return l.word()
	case l.utf8:
		_, size := utf8.DecodeRuneInString(l.s[l.pos:])
		l.pos += size
		return gap
	default:
		l.pos += l.charLen(l.pos)
		return foreign
	}
}

// charLen is the length of the character at i: 2 for a pair of Shift_JIS.
func (l *lexer) charLen(i int) int {
	if l.doubled && i+1 < len(l.s) && pairSJIS(l.s[i], l.s[i+1]) {
		return 2
	}
	return 1
}

// skipOver returns the offset after the character at i inside quotes or a
// comment, where an escaped one and a run of ISO-2022-JP count as one.
func (l *lexer) skipOver(i int) int {
	switch l.s[i] {
	case '\\':
		return min(i+2, len(l.s))
	case escape:
		return skipEscape(l.s, i)
	}
	return i + l.charLen(i)
}

// quote reads a quoted string. A quote that nothing closes is a gap, or it
// would hide every address behind it.
func (l *lexer) quote() kind {
	start := l.pos
	if !l.openQuote {
		for i := start + 1; i < len(l.s); i = l.skipOver(i) {
			if l.s[i] == '"' {
				l.pos = i + 1
				return quoted
			}
		}
		l.openQuote = true
	}
	l.pos = start + 1
	return gap
}

// paren reads a comment with the comments in it. After a parenthesis that
// nothing closes, only pairs with none between them count.
func (l *lexer) paren() kind {
	start := l.pos
	if !l.openParen {
		depth := 0
		for i := start; i < len(l.s); i = l.skipOver(i) {
			switch l.s[i] {
			case '(':
				depth++
			case ')':
				depth--
			}
			if depth == 0 {
				l.pos = i + 1
				return comment
			}
		}
		l.openParen = true
	}
	l.pos = start + 1
	if i := strings.IndexAny(l.s[l.pos:], "()"); i >= 0 && l.s[l.pos+i] == ')' {
		l.pos += i + 1
		return comment
	}
	return gap
}

// encodedWord skips =?charset?B?text?= and reports whether there was one.
func (l *lexer) encodedWord() bool {
	if l.pos < l.openWord {
		return false
	}
	marks := 0 // question marks after the opening one
	for i := l.pos + 2; ; i++ {
		if i >= len(l.s) || l.s[i] <= ' ' {
			l.openWord = i
			return false
		}
		if l.s[i] != '?' {
			continue
		}
		marks++
		if marks >= 3 && i+1 < len(l.s) && l.s[i+1] == '=' {
			l.pos = i + 2
			return true
		}
	}
}
