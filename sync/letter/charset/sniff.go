package charset

import "unicode/utf8"

// tally counts what bytes would be if they were Japanese in a certain charset.
type tally struct {
	kana   int // hiragana and katakana: no Japanese sentence is without
	common int // kanji of the first level, and symbols
	rare   int // kanji that few people write: in other charsets, most pairs of bytes
	half   int // half-width katakana: in other charsets, most single bytes
	joined int // characters with a letter of ASCII beside them, like accented ones
	odd    int // of those, the ones that Western languages have: don\x92t, Gr\xF6\xDFe
	bad    int // no character at all
}

func (t tally) pairs() int { return t.kana + t.common + t.rare }

// score weighs how much like ordinary Japanese it is.
func (t tally) score() int { return 3*t.kana + t.common - t.rare - 2*t.half }

// plausible tells whether a person may have written this in Japanese: in
// ordinary characters for the most part, or in any that stand by themselves,
// as names do.
func (t tally) plausible() bool {
	if t.bad > 0 || t.pairs()+t.half == 0 {
		return false
	}
	return t.score() > 0 && 2*t.odd <= t.pairs() || t.odd+t.joined == 0
}

// sure tells whether it can hardly be anything else, even if somebody says so:
// bytes of other languages don't look like kana, and don't come in pairs
// without a letter of ASCII beside them.
func (t tally) sure() bool { return t.kana > 0 || t.joined == 0 && t.pairs() >= 2 }

// asJapanese finds the 8-bit Japanese charset in which b makes good sense; nil
// where there is none. Both are tried strictly, and weighed by how much of
// it would be ordinary Japanese.
func asJapanese(b []byte) (decode func([]byte) ([]byte, bool), sure bool) {
	s, e := tallyShiftJIS(b), tallyEUC(b)
	switch {
	case s.bad == 0 && s.pairs() == 0 && isVoiced(b):
		return decodeShiftJIS, false
	case e.plausible() && (!s.plausible() || e.score() >= s.score()):
		return decodeEUCJP, e.sure()
	case s.plausible():
		return decodeShiftJIS, s.sure()
	}
	return nil, false
}

// isVoiced tells half-width katakana, as on bank slips, from pairs of bytes
// that look the same: by the marks that only certain syllables can have.
func isVoiced(b []byte) bool {
	high, marks := 0, 0
	for i, c := range b {
		if c < 0x80 {
			continue
		}
		high++
		if c == 0xDE || c == 0xDF {
			marks++
			if i == 0 || b[i-1] != 0xB3 && (b[i-1] < 0xB6 || b[i-1] > 0xC4) && (b[i-1] < 0xCA || b[i-1] > 0xCE) {
				return false
			}
		}
	}
	return high >= 6 && marks > 0
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

// beside tells whether a letter of ASCII stands right before or after the
// character at b[i] of n bytes; before is what was read before it.
func beside(b []byte, i, n int, before byte) bool {
	return isLetter(before) || i+n < len(b) && isLetter(b[i+n])
}

// alone tells whether that character has only ASCII around it.
func alone(b []byte, i, n int, before byte) bool {
	return (i == 0 || before != 0) && (i+n == len(b) || b[i+n] < 0x80)
}

// tallyShiftJIS reads b as code page 932: JIS X 0208 by rows (82 and 83 kana,
// 88 to 98 kanji of the first level), and the extensions of NEC and IBM.
func tallyShiftJIS(b []byte) (t tally) {
	var before byte // the character before, 0 for one above ASCII
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c < 0x80:
			before = c
			continue
		case 0xA1 <= c && c <= 0xDF:
			t.half++
			if alone(b, i, 1, before) {
				t.odd++
			}
			if beside(b, i, 1, before) {
				t.joined++
			}
			before = 0
			continue
		case !sjisLead(c) || i+1 == len(b) || !sjisTrail(b[i+1]):
			t.bad++
			before = 0
			continue
		}
		trail, rare := b[i+1], false
		switch {
		case c == 0x82 && 0x9F <= trail && trail <= 0xF1, c == 0x83 && trail <= 0x96:
			t.kana++
		case c <= 0x97, c == 0x98 && trail <= 0x72:
			t.common++
		default:
			t.rare++
			rare = true
		}
		if isLetter(trail) && (isLetter(before) || rare && alone(b, i, 2, before)) || 0xF0 <= c && c <= 0xF9 {
			t.odd++ // the last: characters that each program defines for itself
		}
		if beside(b, i, 2, before) {
			t.joined++
		}
		before = 0
		i++
	}
	return t
}

// tallyEUC reads b as EUC-JP: rows A4 and A5 are kana, B0 to CF kanji of the
// first level, 8E introduces half-width katakana and 8F JIS X 0212.
func tallyEUC(b []byte) (t tally) {
	var before byte
	for i := 0; i < len(b); i++ {
		c, n, rare := b[i], 2, false
		switch {
		case c < 0x80:
			before = c
			continue
		case i+1 == len(b) || b[i+1] < 0xA1 || b[i+1] == 0xFF:
			t.bad++
			before = 0
			continue
		case c == 0x8E && b[i+1] <= 0xDF:
			// One alone may be anything; several in a row are a word.
			if i >= 2 && b[i-2] == 0x8E {
				t.kana++
			} else {
				t.half++
			}
		case c == 0x8F && i+2 < len(b) && 0xA1 <= b[i+2] && b[i+2] <= 0xFE:
			n, rare = 3, true
		case c == 0xA4 && b[i+1] <= 0xF3, c == 0xA5 && b[i+1] <= 0xF6:
			t.kana++
		case 0xA1 <= c && c <= 0xA3, c == 0xAD, 0xB0 <= c && c <= 0xCF:
			t.common++
		case 0xA6 <= c && c <= 0xA8, 0xD0 <= c && c <= 0xF4, 0xF9 <= c && c <= 0xFC:
			rare = true
		default:
			t.bad++
		}
		if rare {
			t.rare++
		}
		if beside(b, i, n, before) {
			t.joined++
			if rare {
				t.odd++
			}
		}
		before = 0
		i += n - 1
	}
	return t
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

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

// mostlyUTF8 tells whether b is UTF-8 that was damaged: it has characters of
// three bytes, which don't come together by chance, and hardly anything else.
// A last character that is cut off is no sign of another charset.
func mostlyUTF8(b []byte) bool {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if last := b[len(b)-i:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				b = b[:len(b)-i]
			}
			break
		}
	}
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
	return hasLongSequence(b) && good >= 9*bad
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
