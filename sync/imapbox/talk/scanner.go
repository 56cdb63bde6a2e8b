package talk

import (
	"bytes"
	"errors"
	"io"
)

// ErrSyntax says that a response is not what it should be. The connection is
// still sound.
var ErrSyntax = errors.New("the answer can't be understood")

// token is a piece of a response (RFC 3501 section 9).
type token int

const (
	tokEnd     token = iota // of the response
	tokOpen                 // (
	tokClose                // )
	tokWord                 // an atom, number or NIL; an item like BODY[HEADER.FIELDS (TO)]<0> is one word
	tokQuoted               // a quoted string
	tokLiteral              // a literal, which waits to be read
)

// Scanner takes one response apart, reading its further lines and literals
// from the wire as it gets there.
type Scanner struct {
	Source  Source
	line    []byte // what is left of the line
	literal int64  // bytes of the literal behind the line that are not read yet; -1 for none
	more    bool   // a literal was read, and the response goes on behind it
}

// start begins a line, of a new response or of the one under way.
func (s *Scanner) start(line []byte) error {
	rest, n, err := Announced(line)
	s.line, s.literal, s.more = rest, n, false
	return err
}

// next returns the next token. The bytes hold until the next call.
func (s *Scanner) next() (token, []byte, error) {
	for {
		s.line = bytes.TrimLeft(s.line, " ")
		if s.literal >= 0 && len(s.line) == 1 && s.line[0] == '~' {
			s.line = nil // ~{5} is a literal too (RFC 3516)
		}
		switch {
		case len(s.line) > 0:
			return s.piece()
		case s.literal >= 0:
			return tokLiteral, nil, nil
		case !s.more:
			return tokEnd, nil, nil
		}
		line, err := s.Source.Line()
		if err == nil {
			err = s.start(line)
		}
		if err != nil {
			return tokEnd, nil, err
		}
	}
}

// piece reads a token that stands in the line.
func (s *Scanner) piece() (token, []byte, error) {
	switch s.line[0] {
	case '(':
		s.line = s.line[1:]
		return tokOpen, nil, nil
	case ')':
		s.line = s.line[1:]
		return tokClose, nil, nil
	case '"':
		return s.quoted()
	}
	n := 0
	for n < len(s.line) {
		switch s.line[n] {
		case ' ', '(', ')', '"':
			return s.cut(n)
		case '[': // spaces and parentheses up to ] are part of the word
			end := bytes.IndexByte(s.line[n:], ']')
			if end < 0 {
				return s.cut(len(s.line))
			}
			n += end
		}
		n++
	}
	return s.cut(n)
}

// cut takes a word of n bytes off the line.
func (s *Scanner) cut(n int) (token, []byte, error) {
	word := s.line[:n]
	s.line = s.line[n:]
	return tokWord, word, nil
}

// quoted reads a quoted string. It ends within its line: one that does not is
// a fault, or it would swallow the responses that follow.
func (s *Scanner) quoted() (token, []byte, error) {
	body := s.line[1:]
	end := bytes.IndexAny(body, `"\`)
	if end >= 0 && body[end] == '"' { // nearly always
		s.line = body[end+1:]
		return tokQuoted, body[:end], nil
	}
	var plain []byte
	for i := 0; i < len(body); i++ {
		switch {
		case body[i] == '"':
			s.line = body[i+1:]
			return tokQuoted, plain, nil
		case body[i] == '\\' && i+1 < len(body):
			i++
		}
		plain = append(plain, body[i])
	}
	s.line = nil
	return tokEnd, nil, ErrSyntax
}

// held reads the literal that waits, which is not a long one.
func (s *Scanner) held() ([]byte, error) {
	p, err := s.Source.Take(s.literal)
	s.literal, s.more = -1, true
	return p, err
}

// read reads from the literal that waits; io.EOF at its end.
func (s *Scanner) read(p []byte) (int, error) {
	if s.literal <= 0 {
		return 0, io.EOF
	}
	n, err := s.Source.Read(p[:min(int64(len(p)), s.literal)])
	s.literal -= int64(n)
	return n, err
}

// drop passes over what is left of the literal that waits.
func (s *Scanner) drop() error {
	n := s.literal
	s.literal, s.more = -1, true
	return s.Source.Skip(n)
}

// value passes over a value, however deep its lists are.
func (s *Scanner) value() error {
	for depth := 0; ; {
		tok, _, err := s.next()
		if err != nil {
			return err
		}
		switch tok {
		case tokEnd:
			return ErrSyntax
		case tokOpen:
			depth++
		case tokClose:
			depth--
		case tokLiteral:
			if err := s.drop(); err != nil {
				return err
			}
		}
		if depth <= 0 {
			return nil
		}
	}
}

// str reads a string in any of its forms, or a word that stands for one; ok is
// false for NIL. The bytes hold until the next call.
func (s *Scanner) str() (p []byte, ok bool, err error) {
	tok, p, err := s.next()
	switch {
	case err != nil:
		return nil, false, err
	case tok == tokLiteral:
		p, err = s.held()
		return p, err == nil, err
	case tok == tokQuoted:
		return p, true, nil
	case tok == tokWord:
		return p, !bytes.EqualFold(p, []byte("NIL")), nil
	}
	return nil, false, ErrSyntax
}

// finish reads the response to its end, so that the next one can begin,
// wherever in it understanding ended. Only the announcements of literals are
// looked at.
func (s *Scanner) finish() error {
	for {
		s.line = nil
		if s.literal >= 0 {
			if err := s.drop(); err != nil {
				return err
			}
		}
		if !s.more {
			return nil
		}
		line, err := s.Source.Line()
		if err == nil {
			err = s.start(line)
		}
		if err != nil {
			return err
		}
	}
}
