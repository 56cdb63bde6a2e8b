// Package talk takes apart what an IMAP server says (RFC 3501): its lines and
// literals, status responses, folder names, dates, FETCH and LIST, and what it
// means when it refuses something. It believes nothing: whatever is odd costs
// the one message or folder that it belongs to, and memory is bounded.
package talk

import (
	"bytes"
	"errors"
	"fmt"
)

const (
	// MaxHeld bounds a literal that is held in memory.
	MaxHeld = 1 << 20
	// maxLiteral bounds a literal of any kind. No mail server stores that.
	maxLiteral = 4 << 30
)

// ErrTooLong says that a server sent more than can be meant well.
var ErrTooLong = errors.New("the server sent more than any mail needs")

// Source is where what the server says comes from. What it hands out as a
// slice holds until the next call. Any error ends the conversation.
type Source interface {
	Line() ([]byte, error)        // the next line without its end
	Take(n int64) ([]byte, error) // the next n bytes, at most MaxHeld
	Read(p []byte) (int, error)   // some bytes, at most len(p)
	Skip(n int64) error           // passes over n bytes
}

// Announced returns the length of the literal that follows the line, and the
// line without the announcement; -1 where none follows.
func Announced(line []byte) (rest []byte, n int64, err error) {
	if len(line) < 3 || line[len(line)-1] != '}' {
		return line, -1, nil
	}
	open := bytes.LastIndexByte(line, '{')
	if open < 0 {
		return line, -1, nil
	}
	number := bytes.TrimSuffix(line[open+1:len(line)-1], []byte("+"))
	if len(number) == 0 {
		return line, -1, nil
	}
	for _, c := range number {
		if c < '0' || c > '9' {
			return line, -1, nil
		}
		if n = n*10 + int64(c-'0'); n > maxLiteral {
			return nil, 0, fmt.Errorf("%w: a literal of {%.20s} bytes", ErrTooLong, number)
		}
	}
	return line[:open], n, nil
}

// PassOver reads the literals of the response to which line belongs, and what
// comes between them.
func PassOver(src Source, line []byte) error {
	if isStatus(line) {
		return nil // words for people, whatever they look like
	}
	for {
		_, n, err := Announced(line)
		if err != nil || n < 0 {
			return err
		}
		if err := src.Skip(n); err != nil {
			return err
		}
		if line, err = src.Line(); err != nil {
			return err
		}
	}
}
