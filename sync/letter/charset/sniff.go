package charset

import "unicode/utf8"

// tally counts what bytes would be if they were Japanese in a certain charset.
type tally struct {
	kana   int // hiragana and katakana: no Japanese sentence is without
	common int // kanji of the first level, and symbols
	rare   int // kanji that hardly anybody writes: in other charsets, most pairs of bytes
	half   int // half-width katakana: in other charsets, most single bytes
	odd    int // a pair that a letter precedes and whose second byte is a letter: don\x92t
	bad    int // no character at all
}

// score weighs how much like ordinary Japanese it is.
func (t tally) score() int { return 3*t.kana + t.common - t.rare - 2*t.half }

// plausible tells whether a person may have written this in Japanese.
func (t tally) plausible() bool {
	pairs := t.kana + t.common + t.rare
	return t.bad == 0 && t.kana+t.common > t.rare && 2*t.odd < pairs && t.score() > 0
}

// asJapanese finds the 8-bit Japanese charset in which b makes good sense; nil
// where there is none. Both are tried strictly, and weighed by how much of
// it would be ordinary Japanese. It is sure where there is kana, which bytes of
// other languages hardly ever look like.
func asJapanese(b []byte) (decode func([]byte) ([]byte, bool), sure bool) {
	s, e := tallyShiftJIS(b), tallyEUC(b)
	switch {
	case e.plausible() && (!s.plausible() || e.score() >= s.score()):
		return decodeEUCJP, e.kana > 0
	case s.plausible():
		return decodeShiftJIS, s.kana > 0
	case s.bad == 0 && s.half >= 3 && s.kana+s.common+s.rare == 0 && letters(b) == 0 && e.bad > 0:
		return decodeShiftJIS, false // half-width katakana alone, as in names on bank slips
	}
	return nil, false
}

// mostlyHalfWidth tells whether bytes labelled Shift_JIS are EUC-JP: they read
// as a soup of half-width katakana in the one and as Japanese in the other.
func mostlyHalfWidth(b []byte) bool {
	s := tallyShiftJIS(b)
	if s.half <= s.kana+s.common {
		return false
	}
	e := tallyEUC(b)
	return e.plausible() && e.kana > 0
}

// sjisLead and sjisTrail tell the first and second byte of two in Shift_JIS. The
// second may be a letter, a backslash, even an at sign.
func sjisLead(c byte) bool  { return 0x81 <= c && c <= 0x9F || 0xE0 <= c && c <= 0xFC }
func sjisTrail(c byte) bool { return 0x40 <= c && c <= 0xFC && c != 0x7F }

// tallyShiftJIS reads b as code page 932: JIS X 0208 by rows (82 and 83 kana, 88 to
// 98 kanji of the first level), and the extensions of NEC and IBM.
func tallyShiftJIS(b []byte) (t tally) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c < 0x80:
			continue
		case 0xA1 <= c && c <= 0xDF:
			t.half++
			continue
		case !sjisLead(c) || i+1 == len(b) || !sjisTrail(b[i+1]):
			t.bad++
			continue
		}
		trail := b[i+1]
		switch {
		case c == 0x82 && 0x9F <= trail && trail <= 0xF1, c == 0x83 && trail <= 0x96:
			t.kana++
		case c <= 0x97, c == 0x98 && trail <= 0x72:
			t.common++
		default:
			t.rare++
		}
		if isLetter(trail) && i > 0 && isLetter(b[i-1]) {
			t.odd++
		}
		i++
	}
	return t
}

// tallyEUC reads b as EUC-JP: rows A4 and A5 are kana, B0 to CF kanji of the first
// level, 8E introduces half-width katakana and 8F JIS X 0212.
func tallyEUC(b []byte) (t tally) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c < 0x80:
			continue
		case i+1 == len(b) || b[i+1] < 0xA1 || b[i+1] == 0xFF:
			t.bad++
			continue
		case c == 0x8E && b[i+1] <= 0xDF:
			t.half++
		case c == 0x8F && i+2 < len(b) && 0xA1 <= b[i+2] && b[i+2] <= 0xFE:
			t.rare++
			i++
		case c == 0xA4 && b[i+1] <= 0xF3, c == 0xA5 && b[i+1] <= 0xF6:
			t.kana++
		case 0xA1 <= c && c <= 0xA3, c == 0xAD, 0xB0 <= c && c <= 0xCF:
			t.common++
		case 0xA6 <= c && c <= 0xA8, 0xD0 <= c && c <= 0xF4, 0xF9 <= c && c <= 0xFC:
			t.rare++
		default:
			t.bad++
		}
		i++
	}
	return t
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func letters(b []byte) (n int) {
	for _, c := range b {
		if isLetter(c) {
			n++
		}
	}
	return n
}

// hasSequence tells whether there is one character of several bytes in b, if
// b is read as UTF-8.
func hasSequence(b []byte) bool { return sequences(b, 2) }

// hasLongSequence wants three bytes, which hardly ever come together by chance.
func hasLongSequence(b []byte) bool { return sequences(b, 3) }

// sequences tells whether b has one of at least size bytes.
func sequences(b []byte, size int) bool {
	for i := 0; i < len(b); i++ {
		if b[i] < utf8.RuneSelf {
			continue
		}
		if _, n := utf8.DecodeRune(b[i:]); n >= size {
			return true
		}
	}
	return false
}

// mostlyUTF8 tells whether nine tenths of what is not ASCII in b are UTF-8.
func mostlyUTF8(b []byte) bool {
	good, bad := 0, 0
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, n := utf8.DecodeRune(b[i:])
		if n > 1 {
			good += n
		} else {
			bad++
		}
		i += n
	}
	return good >= 9*bad
}

// isolated tells whether most bytes above ASCII stand alone or in twos between
// others that are ASCII, like the accented letters of Western languages.
func isolated(b []byte) bool {
	few, many := 0, 0
	for i := 0; i < len(b); i++ {
		start := i
		for i < len(b) && b[i] >= utf8.RuneSelf {
			i++
		}
		if i-start > 2 {
			many += i - start
		} else {
			few += i - start
		}
	}
	return few > many
}
