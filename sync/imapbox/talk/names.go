package talk

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Folder names travel in modified UTF-7 (RFC 3501 section 5.1.3). Some servers
// send names that are no such thing: raw UTF-8, raw Shift_JIS, an & that opens
// nothing. They must stay addressable, so every byte of such a name that is
// not plain ASCII stands as a character of Unicode's private use area, from
// which it is made again. A name as people see it leads to the very bytes that
// the server sent, always.

// escapeBase plus a byte is the character that stands for that byte.
const escapeBase = 0xF700

// mutf7 is Base64 as modified UTF-7 has it: a comma for the slash.
var mutf7 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").
	WithPadding(base64.NoPadding).Strict()

// DecodeName makes a name for people out of what the server sent.
func DecodeName(wire string) string {
	if strings.EqualFold(wire, "INBOX") {
		return "INBOX"
	}
	if name, ok := fromUTF7(wire); ok && EncodeName(name) == wire {
		return name
	}
	var b strings.Builder
	for i := range len(wire) {
		if c := wire[i]; plain(c) && c != '&' {
			b.WriteByte(c)
		} else {
			b.WriteRune(escapeBase + rune(c))
		}
	}
	return b.String()
}

// EncodeName is the way back.
func EncodeName(name string) string {
	var b strings.Builder
	var units []uint16 // a run of characters that are not plain
	flush := func() {
		if len(units) > 0 {
			raw := make([]byte, 0, 2*len(units))
			for _, u := range units {
				raw = append(raw, byte(u>>8), byte(u))
			}
			b.WriteString("&" + mutf7.EncodeToString(raw) + "-")
			units = units[:0]
		}
	}
	for _, r := range name {
		switch {
		case r >= escapeBase && r <= escapeBase+0xff:
			flush()
			b.WriteByte(byte(r - escapeBase))
		case r < utf8.RuneSelf && plain(byte(r)):
			flush()
			b.WriteRune(r)
			if r == '&' {
				b.WriteByte('-')
			}
		default:
			units = utf16.AppendRune(units, r)
		}
	}
	flush()
	return b.String()
}

// fromUTF7 decodes modified UTF-7.
func fromUTF7(s string) (string, bool) {
	var b strings.Builder
	for {
		before, shifted, found := strings.Cut(s, "&")
		for i := range len(before) {
			if !plain(before[i]) {
				return "", false
			}
		}
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		code, after, closed := strings.Cut(shifted, "-")
		if !closed {
			return "", false
		}
		if code == "" {
			b.WriteByte('&')
		} else if !appendUTF16(&b, code) {
			return "", false
		}
		s = after
	}
}

// appendUTF16 decodes what stands between & and -. Half a character, or one
// that stands for a byte here, makes the name none that can be shown.
func appendUTF16(b *strings.Builder, code string) bool {
	raw, err := mutf7.DecodeString(code)
	if err != nil || len(raw)%2 != 0 {
		return false
	}
	units := make([]uint16, 0, len(raw)/2)
	for i := 0; i < len(raw); i += 2 {
		units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
	}
	for _, r := range utf16.Decode(units) {
		if r == utf8.RuneError || r >= escapeBase && r <= escapeBase+0xff {
			return false
		}
		b.WriteRune(r)
	}
	return true
}

// plain tells whether a byte stands for itself in a name.
func plain(c byte) bool { return c >= ' ' && c < 0x7f }
