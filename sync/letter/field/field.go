// Package field reads the values of header fields as they stand in real mail:
// text of any charset, encoded or raw, parameters, dates and message ids. What
// can't be read is left as it is, or out; nothing here fails.
package field

import (
	"strings"

	"mailsyncd.example/sync/letter/charset"
)

// UTF8 turns a raw header value, which may be in any charset, into UTF-8.
// It works on whole values: in ISO-2022-JP and Shift_JIS the bytes of a
// character can look like quotes, commas and backslashes.
func UTF8(raw []byte) (string, bool) {
	b, ok := charset.Decode("", raw)
	return string(b), ok
}

// Tidy makes a decoded value one line of valid UTF-8 without control
// characters: white space, which folding may have changed, is collapsed.
func Tidy(s string) string {
	if isTidy(s) {
		return s
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	var out strings.Builder
	out.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case r == ' ' || r == '\t' || r == '\r' || r == '\n':
			space = true
		case r < ' ' || 0x7F <= r && r < 0xA0:
		default:
			if space && out.Len() > 0 {
				out.WriteByte(' ')
			}
			space = false
			out.WriteRune(r)
		}
	}
	return out.String()
}

// isTidy spares ordinary ASCII the rewriting.
func isTidy(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > 126 || s[i] == ' ' && (i == 0 || i+1 == len(s) || s[i+1] == ' ') {
			return false
		}
	}
	return true
}
