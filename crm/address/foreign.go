package address

import (
	"strings"
	"unicode/utf8"
)

// The encodings in which Japanese mailers have written names without saying
// so. In each of them a byte of a character may look like punctuation, and
// must not be taken for it.

// skipEscape returns the offset after the ISO-2022 escape sequence at i and,
// where it leaves ASCII, after the run of text that it begins. A run ends with
// the next sequence, or with a byte that no such text has, where a mailer
// forgot to switch back.
func skipEscape(s string, i int) int {
	i, ascii := escapeSequence(s, i)
	for !ascii && i < len(s) {
		if s[i] == escape {
			i, ascii = escapeSequence(s, i)
			continue
		}
		if s[i] > ' ' && s[i] < 0x7f {
			i++
			continue
		}
		// Unless the way back to ASCII comes later, which shows that only
		// a fold was put into the middle of the run.
		next := strings.IndexByte(s[i:], escape)
		if next < 0 {
			return i
		}
		if _, closes := escapeSequence(s, i+next); !closes {
			return i
		}
		i += next
	}
	return i
}

// escapeSequence returns the offset after the sequence at i, and whether plain
// ASCII or its Japanese twin (ISO 646-JP) follows it.
func escapeSequence(s string, i int) (after int, ascii bool) {
	start := i + 1
	i = start
	for i < len(s) && s[i] >= 0x20 && s[i] < 0x30 {
		i++
	}
	if i >= len(s) {
		return i, true
	}
	switch s[start : i+1] {
	case "(B", "(J", "(H":
		return i + 1, true
	}
	if i == start {
		return i, true // a stray byte, no sequence
	}
	return i + 1, false
}

// pairSJIS reports whether two bytes are a double-byte character in Shift_JIS.
func pairSJIS(lead, trail byte) bool {
	leads := lead >= 0x81 && lead <= 0x9f || lead >= 0xe0 && lead <= 0xfc
	return leads && trail >= 0x40 && trail != 0x7f && trail <= 0xfc
}

// validEUC reports whether every byte that is not ASCII belongs to a character
// of EUC-JP, none of which contains an ASCII byte.
func validEUC(s string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		need := 1
		switch {
		case c < utf8.RuneSelf:
			need = 0
		case c == 0x8f:
			need = 2
		case c != 0x8e && c < 0xa1:
			return false
		}
		for i++; need > 0; need-- {
			if i >= len(s) || s[i] < 0xa1 || s[i] == 0xff {
				return false
			}
			i++
		}
	}
	return true
}
