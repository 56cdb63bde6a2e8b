package letter

import (
	"bufio"
	"bytes"
	"io"
)

// bufferSize is how much of a message is in memory at a time. A longer line
// comes in pieces.
const bufferSize = 32 << 10

// lines reads a message line by line, whatever its line ends are.
type lines struct {
	r      *bufio.Reader
	stop   byte // the last byte of a line end
	middle bool // the piece before did not end its line
	again  bool // next hands out current once more
	line   line
	err    error // what r failed with, other than its end
}

// line is a line of a message, or a piece of a long one. Its bytes hold until
// the next one is read.
type line struct {
	data  []byte // without the line end
	end   []byte // the line end; nothing where more of the line follows
	first bool   // data begins a line
}

// newLines looks at the beginning of r for how lines end: with CR alone where
// there is no LF at all, as in some archives; else with LF, before which CRs
// don't count.
func newLines(r io.Reader, size int) *lines {
	l := &lines{r: bufio.NewReaderSize(r, size), stop: '\n'}
	start, _ := l.r.Peek(size) // an error shows again when the lines are read
	if bytes.IndexByte(start, '\n') < 0 && bytes.IndexByte(start, '\r') >= 0 {
		l.stop = '\r'
	}
	return l
}

// next reads on. It is false at the end, and where r fails (see err).
func (l *lines) next() (line, bool) {
	if l.again {
		l.again = false
		return l.line, true
	}
	b, err := l.r.ReadSlice(l.stop)
	if err != nil && err != bufio.ErrBufferFull && err != io.EOF {
		l.err = err
		return line{}, false
	}
	if len(b) == 0 {
		return line{}, false
	}
	if err == bufio.ErrBufferFull && b[len(b)-1] == '\r' {
		// Perhaps the first half of a line end: leave it to the next piece.
		_ = l.r.UnreadByte() // can't fail after a read
		b = b[:len(b)-1]
	}
	n := len(b)
	if b[n-1] == l.stop {
		for n--; n > 0 && b[n-1] == '\r' && l.stop == '\n'; n-- {
		}
	}
	l.line = line{data: b[:n], end: b[n:], first: !l.middle}
	l.middle = n == len(b)
	return l.line, true
}

// unread makes next return this line, which must keep its bytes, once more.
func (l *lines) unread(again line) { l.line, l.again = again, true }

// ahead shows up to n bytes of what follows. The line before it must not be
// used any more.
func (l *lines) ahead(n int) []byte {
	b, _ := l.r.Peek(n)
	return b
}
