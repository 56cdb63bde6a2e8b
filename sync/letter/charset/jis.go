package charset

import "bytes"

// The sets that ISO-2022-JP switches between.
const (
	setASCII  = iota // also JIS X 0201 Roman: a backslash in mail is meant as one
	setKana          // JIS X 0201 katakana in seven bits
	setDouble        // JIS X 0208 with the extensions of NEC
	setExtra         // JIS X 0212
)

// decodeJIS reads ISO-2022-JP (RFC 1468) and its many extensions: half-width
// katakana by escape sequence, by shift-out and in eight bits, JIS X 0212, and
// the extensions of NEC (①, ㈱) and IBM (髙) that Windows writes. It translates
// to EUC-JP, where all of these have a place, and reads that.
func decodeJIS(b []byte) ([]byte, bool) {
	euc, ok := eucFromJIS(b)
	text, good := decodeEUCJP(euc)
	return text, ok && good
}

// eucFromJIS translates byte by byte; it is false for what has no place in EUC-JP.
// What is lost becomes a question mark, so that the rest keeps its order.
func eucFromJIS(b []byte) (out []byte, ok bool) {
	out, ok = make([]byte, 0, len(b)+len(b)/4), true
	set, shifted := setASCII, false
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == esc:
			next, n := escape(b[i:])
			if n == 0 {
				ok = false
				continue
			}
			set, i = next, i+n-1
		case c == '\n' || c == '\r':
			// A line begins in ASCII (RFC 1468), which heals a lost escape.
			set, shifted = setASCII, false
			out = append(out, c)
		case c == shiftOut:
			shifted = true
		case c == shiftIn:
			shifted = false
		case 0xA1 <= c && c <= 0xDF && set != setDouble && set != setExtra:
			out = append(out, 0x8E, c)
		case c >= 0x80:
			ok = false
			out = append(out, '?')
		case c <= 0x20 || c == 0x7F:
			out = append(out, c)
		case (set == setKana || shifted) && c < 0x60:
			out = append(out, 0x8E, c|0x80)
		case set == setASCII || set == setKana:
			out = append(out, c)
		case i+1 < len(b) && 0x21 <= b[i+1] && b[i+1] <= 0x7E:
			if set == setExtra {
				out = append(out, 0x8F)
			}
			out = append(out, c|0x80, b[i+1]|0x80)
			i++
		default:
			ok = false
			out = append(out, '?')
		}
	}
	return out, ok
}

// escape reads the escape sequence at the start of b: the set it switches to
// and its length, 0 where it is none that we know.
func escape(b []byte) (set, n int) {
	has := func(s string) bool { return len(b) > len(s) && string(b[1:1+len(s)]) == s }
	switch {
	case has("(B"), has("(J"), has("(H"):
		return setASCII, 3
	case has("(I"):
		return setKana, 3
	case has("$(B"), has("$(@"), has("$(O"), has("$(Q"): // the latter two: JIS X 0213, almost the same
		return setDouble, 4
	case has("$B"), has("$@"):
		return setDouble, 3
	case has("$(D"):
		return setExtra, 4
	case has("&@$B"): // announces the revision of 1990
		return setDouble, 5
	}
	return 0, 0
}

// hasJISEscape tells whether b switches to a Japanese set somewhere, in seven
// bits.
func hasJISEscape(b []byte) bool {
	for at := bytes.IndexByte(b, esc); at >= 0; {
		if set, n := escape(b[at:]); n > 0 && set != setASCII {
			return true
		}
		next := bytes.IndexByte(b[at+1:], esc)
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return false
}
