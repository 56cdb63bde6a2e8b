// Package charset turns the bytes of mail into UTF-8, whatever their label
// says. The tables are those of golang.org/x/text; what is ours is the
// knowledge of how mail lies: labels that no registry knows (cp50221,
// iso-2022-jp-ms, eucjp-ms), labels that are missing, and labels that are wrong.
//
// The same bytes and label always give the same text: other parts of the
// system compare what comes out of here.
package charset

import (
	"bytes"
	"unicode/utf8"
)

// Decode turns b, which its sender labels as being in that charset ("" where
// there is no label), into valid UTF-8. It is false where characters were lost
// or nobody can tell what they were. The result may share the memory of b.
//
// A label is believed as long as it works out. Where it is missing, unknown or
// yields garbage, and the bytes make good sense in another charset, that
// one is taken.
func Decode(label string, b []byte) (text []byte, ok bool) {
	c := find(label)
	if c.plain && isPlain(b) {
		return b, true // most of all headers, and much of all text
	}
	if rest, found := bytes.CutPrefix(b, utf8BOM); found && utf8.Valid(rest) {
		return rest, true
	}
	if c.decode == nil {
		return guess(b)
	}
	if contradicts(c, b) {
		if text, ok := clean(b); ok {
			return text, true
		}
	}
	text, ok = c.decode(b)
	if ok {
		return text, true
	}
	if c.utf8 && mostlyUTF8(b) {
		return text, false // damaged, yet what it says it is
	}
	if other, ok := clean(b); ok && !isPlain(b) {
		return other, true
	}
	if c.utf8 && !hasSequence(b) && isolated(b) {
		// No part of it is UTF-8: the habit of old Western mailers.
		return western(b)
	}
	return text, false
}

// utf8BOM stands in front of UTF-8 that Windows wrote. It says more than any label.
var utf8BOM = []byte{0xEF, 0xBB, 0xBF}

// isPlain tells whether b reads the same in every charset that keeps ASCII
// in its place: seven bits, and no escape sequence.
func isPlain(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf || c == esc || c == shiftOut {
			return false
		}
	}
	return true
}

// contradicts tells whether b looks like something else than its label, though
// the label could be followed without an error: almost any bytes can be read
// as Latin-1, and most as Shift_JIS.
func contradicts(c coding, b []byte) bool {
	switch {
	case c.plain && !c.jis && hasJISEscape(b):
		return true
	case c.western:
		// Latin-1 is what programs say that don't know. Real Latin-1 is no
		// UTF-8, since its accented letters stand alone or in twos.
		_, sure := asJapanese(b)
		return sure || utf8.Valid(b)
	case c.jis && bytes.IndexByte(b, esc) < 0 && bytes.IndexByte(b, shiftOut) < 0:
		return true // eight bits and nothing that switches: anything but this
	case c.jis, c.multibyte:
		// Two bytes of half-width katakana may be UTF-8 by chance, three
		// hardly ever are.
		return hasLongSequence(b) && utf8.Valid(b) || c.sjis && mostlyHalfWidth(b)
	}
	return false
}

// clean reads b in the one charset in which it makes good sense, if there is
// one. It is for bytes whose label is of no help.
func clean(b []byte) ([]byte, bool) {
	escaped := hasJISEscape(b)
	if escaped {
		if text, ok := decodeJIS(b); ok {
			return text, true
		}
	}
	if utf8.Valid(b) && (!escaped || hasSequence(b)) {
		return b, true
	}
	if decode, _ := asJapanese(b); decode != nil {
		return decode(b)
	}
	return nil, false
}

// guess reads bytes that have no label.
func guess(b []byte) ([]byte, bool) {
	if text, ok := decodeUTF16BOM(b); ok {
		return text, true
	}
	if text, ok := clean(b); ok {
		return text, true
	}
	if mostlyUTF8(b) {
		text, _ := decodeUTF8(b)
		return text, false
	}
	// Old Western mail has no label. Where the bytes don't look like it, this
	// is as good as any guess, and is said to be one.
	text, ok := western(b)
	return text, ok && isolated(b)
}
