package dedupe

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// plainSubject is the subject without what happens to it on the way: folding
// puts white space in or takes it out, gateways write it in another charset
// and, like lists and spam filters, put tags in front of it, on some copies
// only.
func plainSubject(s string) string {
	s = strings.Map(plainRune, norm.NFKC.String(s))
	for {
		rest := cutTag(s)
		if len(rest) == len(s) {
			return s
		}
		s = rest
	}
}

// plainRune drops white space, and makes one of the pairs of characters
// between which converters from the Japanese charsets can't agree (JIS X 0208
// as the Unicode consortium and as Microsoft read it) where NFKC has not.
func plainRune(r rune) rune {
	switch r {
	case '\u301c': // wave dash; fullwidth tilde
		return '~'
	case '\u2212': // minus sign; fullwidth hyphen-minus
		return '-'
	case '\u2225': // parallel to; double vertical line
		return '\u2016'
	case '\u2015': // horizontal bar; em dash
		return '\u2014'
	}
	if unicode.IsSpace(r) {
		return -1
	}
	return r
}

// brackets are those in which tags stand: [EXTERNAL], 【社外】, {Spam?},
// (list:123). NFKC has made the full-width ones narrow.
var brackets = map[rune]rune{'[': ']', '{': '}', '(': ')', '【': '】', '〔': '〕', '《': '》'}

// words are tags that are known to come with no more than a colon.
var words = [...]string{"spam", "external", "ext", "社外", "外部"}

// longest is how many bytes a tag may have. What is longer is a subject.
const longest = 80

// cutTag returns s without the tag at its beginning, if there is one. It need
// not know the tags: it treats all copies alike, and what an author put in
// brackets is not what tells two mails of one Message-ID and date apart.
func cutTag(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if closing, ok := brackets[first]; ok {
		if i := strings.IndexRune(s, closing); i > 0 && i <= longest {
			return s[i+utf8.RuneLen(closing):]
		}
		return s
	}
	if first == '*' { // ***SPAM***
		inner := strings.TrimLeft(s, "*")
		stars := len(s) - len(inner)
		if i := strings.IndexByte(inner, '*'); stars > 1 && i > 0 && i <= longest {
			return strings.TrimLeft(inner[i:], "*")
		}
		return s
	}
	if size > 0 {
		for _, w := range words {
			if len(s) > len(w) && strings.EqualFold(s[:len(w)], w) && s[len(w)] == ':' {
				return s[len(w)+1:]
			}
		}
	}
	return s
}
