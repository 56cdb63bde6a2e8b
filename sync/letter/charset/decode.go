package charset

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
)

// Control characters that switch between sets (ISO 2022).
const (
	esc      = 0x1B
	shiftOut = 0x0E
	shiftIn  = 0x0F
)

// replacement is what decoders write for bytes that they can't read.
var replacement = []byte("\uFFFD")

// table makes a coding of one of x/text's. Those never fail: what they can't
// read becomes U+FFFD.
func table(e encoding.Encoding) coding {
	return coding{decode: func(b []byte) ([]byte, bool) { return run(e, b) }}
}

// run decodes b whole. It is false where the result has a replacement: no sender
// means one, but for those who lost the character themselves.
func run(e encoding.Encoding, b []byte) ([]byte, bool) {
	text, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return bytes.ToValidUTF8(b, replacement), false
	}
	return text, !bytes.Contains(text, replacement)
}

// decodeUTF8 keeps what is sound of b, one replacement for each row of bad bytes.
func decodeUTF8(b []byte) ([]byte, bool) {
	b = bytes.TrimPrefix(b, utf8BOM)
	if utf8.Valid(b) {
		return b, true
	}
	return bytes.ToValidUTF8(b, replacement), false
}

// western reads Latin-1 as all programs do, as windows-1252. Of that, five
// bytes mean nothing and betray that b is something else.
func western(b []byte) ([]byte, bool) {
	text, _ := run(charmap.Windows1252, b)
	for _, c := range b {
		switch c {
		case 0x81, 0x8D, 0x8F, 0x90, 0x9D:
			return text, false
		}
	}
	return text, true
}

// decodeEUCJP reads EUC-JP with the extensions of NEC (rows 13 and 89 to 92), which
// x/text has in its table: code page 51932, and nearly all of eucJP-ms.
func decodeEUCJP(b []byte) ([]byte, bool) { return run(japanese.EUCJP, b) }

// decodeShiftJIS reads what Windows calls code page 932. Its user-defined
// characters (lead bytes F0 to F9, where carriers put their emoji) are not in
// x/text's table; Windows gives them the private use area.
func decodeShiftJIS(b []byte) ([]byte, bool) {
	var out []byte
	ok, from := true, 0
	flush := func(to int) {
		text, good := run(japanese.ShiftJIS, b[from:to])
		out, ok = append(out, text...), ok && good
	}
	for i := 0; i < len(b); i++ {
		if !sjisLead(b[i]) || i+1 == len(b) || !sjisTrail(b[i+1]) {
			continue
		}
		if 0xF0 <= b[i] && b[i] <= 0xF9 {
			flush(i)
			trail := rune(b[i+1]) - 0x40
			if b[i+1] > 0x7F {
				trail--
			}
			out = utf8.AppendRune(out, 0xE000+rune(b[i]-0xF0)*188+trail)
			from = i + 2
		}
		i++
	}
	if from == 0 {
		return run(japanese.ShiftJIS, b)
	}
	flush(len(b))
	return out, ok
}

// decodeUTF16 reads UTF-16 of which nobody says the byte order: that of the
// byte order mark, else the one that has the zero bytes of ASCII in place.
func decodeUTF16(b []byte) ([]byte, bool) {
	if text, ok := decodeUTF16BOM(b); ok {
		return text, true
	}
	var zeros [2]int
	for i, c := range b {
		if c == 0 {
			zeros[i%2]++
		}
	}
	order := unicode.BigEndian
	if zeros[1] > zeros[0] {
		order = unicode.LittleEndian
	}
	return run(unicode.UTF16(order, unicode.UseBOM), b)
}

// decodeUTF16BOM reads UTF-16 that says its byte order; false where b does not.
func decodeUTF16BOM(b []byte) ([]byte, bool) {
	if bytes.HasPrefix(b, []byte{0xFF, 0xFE}) || bytes.HasPrefix(b, []byte{0xFE, 0xFF}) {
		return run(unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM), b)
	}
	return nil, false
}

// decodeUTF7 reads UTF-7 (RFC 2152): ASCII, and UTF-16 in base64 between a
// plus sign and the first character that is no base64.
func decodeUTF7(b []byte) ([]byte, bool) {
	out, ok := make([]byte, 0, len(b)+len(b)/2), true
	for i := 0; i < len(b); {
		if b[i] != '+' {
			ok = ok && b[i] < utf8.RuneSelf
			out = utf8.AppendRune(out, rune(b[i]))
			i++
			continue
		}
		end := i + 1
		for end < len(b) && isBase64(b[end]) {
			end++
		}
		coded := b[i+1 : end]
		if end < len(b) && b[end] == '-' {
			end++
			if len(coded) == 0 {
				out = append(out, '+')
			}
		} else if len(coded) == 0 {
			out, ok = append(out, '+'), false
		}
		units := make([]byte, base64.RawStdEncoding.DecodedLen(len(coded)))
		n, err := base64.RawStdEncoding.Decode(units, coded)
		ok = ok && err == nil && (n%2 == 0 || units[n-1] == 0)
		for _, r := range utf16.Decode(unitsOf(units[:n])) {
			ok = ok && r != utf8.RuneError
			out = utf8.AppendRune(out, r)
		}
		i = end
	}
	return out, ok
}

func isBase64(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}

// unitsOf makes UTF-16 code units of bytes in network order. An odd byte is left over.
func unitsOf(b []byte) []uint16 {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.BigEndian.Uint16(b[2*i:])
	}
	return units
}
