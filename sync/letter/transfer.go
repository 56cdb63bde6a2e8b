package letter

import (
	"encoding/base64"
	"strings"

	"mailsyncd.example/sync/letter/field"
)

// sink takes the decoded bytes of a part.
type sink interface {
	write(b []byte)
	// close ends the part; nothing is written after it.
	close()
}

// decoder undoes a transfer encoding line by line. The last line end before a
// boundary belongs to the boundary (RFC 2046 section 5.1.1), so decoders hold
// a line end back until more follows.
type decoder interface {
	// piece takes a line without its end, or a part of a long one.
	piece(b []byte)
	// endLine takes the end of the line whose last piece came before.
	endLine(end []byte)
	// close writes what is held back, the last line end excepted, and tells
	// whether everything could be decoded.
	close() (sound bool)
}

// newDecoder finds the decoder for a transfer encoding, in lower case. What nobody
// knows is taken as it stands (the most usual of these is "8bits").
func newDecoder(encoding string, to sink) decoder {
	switch encoding {
	case "base64", "b", "base-64", "x-base64":
		return &fromBase64{to: to}
	case "quoted-printable", "q", "quoted_printable", "quotedprintable", "quoted":
		return &fromQuoted{to: to}
	case "x-uuencode", "uuencode", "x-uue", "uue", "x-uu":
		return &fromUU{to: to}
	}
	return &asIs{to: to}
}

// asIs is for 7bit, 8bit and binary.
type asIs struct {
	to   sink
	held [8]byte
	n    int
}

func (d *asIs) piece(b []byte) {
	if d.n > 0 {
		d.to.write(d.held[:d.n])
		d.n = 0
	}
	if len(b) > 0 {
		d.to.write(b)
	}
}

func (d *asIs) endLine(end []byte) {
	d.piece(nil)
	if extra := len(end) - len(d.held); extra > 0 {
		d.to.write(end[:extra])
		end = end[extra:]
	}
	d.n = copy(d.held[:], end)
}

func (d *asIs) close() bool { return true }

// fromBase64 skips what is not base64, as RFC 2045 section 6.8 has it. Mailing
// lists put footers behind it: after the padding, or a line that is something
// else, only lines count that are nothing but base64.
type fromBase64 struct {
	to      sink
	quantum [4]byte
	n       int
	out     []byte
	state   base64State
	junk    bool
}

// base64State is how far a part has shown itself to be base64.
type base64State uint8

const (
	base64Start  base64State = iota
	base64Within             // at least one line was base64
	base64Ended              // padding was seen
	base64Never              // the first line says that this is text under a wrong label
)

// piece judges a line before it decodes it. A line in pieces, which is one of more
// than 32 KB, is judged by its first.
func (d *fromBase64) piece(b []byte) {
	if b = trimBlank(b); len(b) == 0 {
		return
	}
	switch d.state {
	case base64Never:
		d.to.write(b)
		return
	case base64Start:
		if strange(b) > 1+len(b)/10 {
			d.state, d.junk = base64Never, true
			d.to.write(b)
			return
		}
		d.state = base64Within
	case base64Ended:
		if strange(b) > 0 || len(b)%4 != 0 {
			d.junk = true
			return
		}
	}
	d.decode(b)
}

// decode takes whole lines at once where the library can, and goes byte by
// byte where the text is odd.
func (d *fromBase64) decode(b []byte) {
	if need := base64.StdEncoding.DecodedLen(len(b)); cap(d.out) < need {
		d.out = make([]byte, need)
	}
	if d.n == 0 && len(b)%4 == 0 {
		if n, err := base64.StdEncoding.Decode(d.out[:cap(d.out)], b); err == nil {
			d.to.write(d.out[:n])
			if len(b) > 0 && b[len(b)-1] == '=' {
				d.state = base64Ended
			}
			return
		}
	}
	if strange(b) > len(b)/4 {
		d.junk, d.state = true, base64Ended
		return
	}
	out := d.out[:0]
	for _, c := range b {
		v := base64Value(c)
		switch {
		case v >= 0:
			d.state = base64Within
			d.quantum[d.n] = byte(v)
			if d.n++; d.n == 4 {
				out = append(out, d.rest()...)
			}
		case c == '=':
			out = append(out, d.rest()...)
			d.state = base64Ended
		}
	}
	d.to.write(out)
	d.out = out[:0]
}

// rest decodes the quantum as far as it is there.
func (d *fromBase64) rest() []byte {
	q := d.quantum
	all := [3]byte{q[0]<<2 | q[1]>>4, q[1]<<4 | q[2]>>2, q[2]<<6 | q[3]}
	n := max(0, d.n-1)
	d.quantum, d.n = [4]byte{}, 0
	return all[:n]
}

func (d *fromBase64) endLine(end []byte) {
	if d.state == base64Never {
		d.to.write(end)
	}
}

func (d *fromBase64) close() bool {
	d.to.write(d.rest())
	return !d.junk
}

// strange counts the bytes of a line that are no base64; a line with blanks
// between words is strange as a whole.
func strange(b []byte) (n int) {
	blank := false
	for _, c := range b {
		switch {
		case c == ' ' || c == '\t':
			blank = true
		case c == '\r' || c == 0 || c == '=':
		case blank:
			return len(b)
		case base64Value(c) < 0:
			n++
		}
	}
	return n
}

// base64Value returns the six bits of a character, -1 for none of the alphabet.
func base64Value(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case '0' <= c && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}

// fromQuoted undoes quoted-printable. What is no valid escape stays as it is.
type fromQuoted struct {
	to    sink
	out   []byte
	carry []byte // the end of a piece that means nothing without what follows
	held  []byte // the line end before
}

// maxCarry bounds what is carried over, which is white space for the most part.
const maxCarry = 1 << 10

// piece decodes but for the end of b, of which the next piece or the line end decides.
func (d *fromQuoted) piece(b []byte) {
	if len(d.carry) > 0 {
		b = append(d.carry, b...)
	}
	// An escape may be cut in two, and white space counts only where
	// something follows it in its line.
	keep := len(trimBlank(b))
	switch {
	case keep > 0 && b[keep-1] == '=':
		keep--
	case keep > 1 && keep == len(b) && b[keep-2] == '=':
		keep -= 2
	}
	if len(b)-keep > maxCarry {
		keep = len(b)
	}
	out := d.out[:0]
	if keep > 0 {
		out = append(out, d.held...)
		d.held = d.held[:0]
	}
	out = field.Unescape(out, b[:keep], '=')
	d.to.write(out)
	d.out = out
	d.carry = append(d.carry[:0], b[keep:]...)
}

// endLine drops white space at the end, which was added on the way (RFC 2045 section
// 6.7), and joins the next line after a lone equals sign.
func (d *fromQuoted) endLine(end []byte) {
	c := trimBlank(d.carry)
	d.to.write(d.held)
	d.held = d.held[:0]
	if soft := len(c) == 1 && c[0] == '='; !soft {
		d.to.write(c) // "=A" at the end of a line is no escape
		d.held = append(d.held, end...)
	}
	d.carry = d.carry[:0]
}

func (d *fromQuoted) close() bool {
	if len(d.carry) > 0 {
		d.endLine(nil)
	}
	return true
}

func trimBlank(b []byte) []byte {
	for len(b) > 0 && isBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// isBlank counts CR as white space: a line may end with several.
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// fromUU undoes uuencode: between "begin" and "end", each line says how many
// bytes it has.
type fromUU struct {
	to      sink
	line    []byte
	out     []byte
	began   bool
	ended   bool
	strange bool
}

// maxUULine is more than any line can need: 63 bytes in 84 characters.
const maxUULine = 128

func (d *fromUU) piece(b []byte) {
	d.line = append(d.line, b[:min(len(b), maxUULine-len(d.line))]...)
}

func (d *fromUU) endLine([]byte) {
	line := d.line
	d.line = d.line[:0]
	switch {
	case d.ended || len(line) == 0:
	case !d.began:
		d.began = strings.HasPrefix(string(line), "begin ")
	case string(line) == "end":
		d.ended = true
	default:
		d.decode(line)
	}
}

// decode takes a line of data: its length, then four characters for three bytes.
func (d *fromUU) decode(line []byte) {
	n := int(line[0]-' ') & 63
	code := line[1:]
	d.out = d.out[:0]
	for len(d.out) < n && len(code) > 0 {
		var q [4]byte
		for i := range q {
			if i < len(code) {
				q[i] = (code[i] - ' ') & 63
			}
		}
		code = code[min(4, len(code)):]
		d.out = append(d.out, q[0]<<2|q[1]>>4, q[1]<<4|q[2]>>2, q[2]<<6|q[3])
	}
	d.strange = d.strange || len(d.out) < n
	d.to.write(d.out[:min(n, len(d.out))])
}

func (d *fromUU) close() bool {
	d.endLine(nil)
	return d.began && d.ended && !d.strange
}
