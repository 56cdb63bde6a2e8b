package bounce

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// addressesIn finds what may be addresses in running text, and gives where each
// begins and ends. Japanese text stands right beside them, without a blank:
// 宛先ken@customer.exampleへは送信できません. So what is ASCII is not continued by
// what is not.
func addressesIn(s string) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		last := 0
		for last < len(s) {
			at := strings.IndexByte(s[last:], '@')
			if at < 0 {
				return
			}
			at += last
			begin, end := localBegins(s, last, at), domainEnds(s, at+1)
			if begin < at && end > at+1 && !yield(begin, end) {
				return
			}
			last = max(at+1, end)
		}
	}
}

// localBegins goes back from the sign to where the local part begins, from at
// the earliest.
func localBegins(s string, from, at int) int {
	if at > from && s[at-1] == '"' {
		if quote := strings.LastIndexByte(s[from:at-1], '"'); quote >= 0 {
			return from + quote
		}
	}
	begin := at
	for begin > from && !strings.ContainsRune(" \t<>,;:\"()[]{}=", rune(s[begin-1])) && isASCII(s[begin-1]) == isASCII(s[at-1]) {
		begin--
	}
	return begin
}

// domainEnds goes on from the sign to where the domain ends.
func domainEnds(s string, begin int) int {
	end := begin
	for end < len(s) && isASCII(s[end]) == isASCII(s[begin]) && (!isASCII(s[end]) || strings.IndexByte("-._", s[end]) >= 0 || isAlnum(s[end])) {
		end++
	}
	for end > begin && strings.IndexByte("-._", s[end-1]) >= 0 {
		end--
	}
	return end
}

func isASCII(c byte) bool { return c < utf8.RuneSelf }

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
