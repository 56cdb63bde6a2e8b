package talk

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"time"

	"mailsyncd.example/crm"
)

// Fetched is what a server says of one message. It may say it in pieces.
type Fetched struct {
	UID     crm.UID // 0 while it has not said
	Date    time.Time
	Dated   bool
	Size    int64
	Draft   bool  // it has the flag \Draft
	Content bool  // the part asked for came
	Origin  int64 // where in the message the part begins; -1 where that was not said
	Fault   error // what could not be understood
}

// Names as they are compared with what came, without a copy for each message.
var (
	itemFetch   = []byte("FETCH")
	itemUID     = []byte("UID")
	itemDate    = []byte("INTERNALDATE")
	itemSize    = []byte("RFC822.SIZE")
	itemFlags   = []byte("FLAGS")
	itemSection = []byte("BODY[")
	flagDraft   = []byte(`\Draft`)
	wordNIL     = []byte("NIL")
)

// Fetch reads what a FETCH brings (RFC 3501 section 7.4.2), message after
// message in the same memory: it is what most of a sync's time is spent on.
type Fetch struct {
	Scanner
	msg  Fetched
	part Part
	// Content is called for the part of a message that was asked for, and
	// reads it or not. Of m it knows what came before the part.
	Content func(m *Fetched, part *Part) error
	// Done is called for each response. What a server says of a message may
	// come in several.
	Done func(m *Fetched)
}

// Part is a part of a message: Size bytes, to be read while Content runs.
type Part struct {
	Size    int64
	text    []byte   // where it came as a quoted string
	scanner *Scanner // where it is a literal
}

// Read reads from the part. An error other than io.EOF ends the conversation.
func (p *Part) Read(b []byte) (int, error) {
	if p.scanner != nil {
		return p.scanner.read(b)
	}
	n := copy(b, p.text)
	p.text = p.text[n:]
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Held reads a part of at most MaxHeld bytes as a whole. They hold while
// Content runs.
func (p *Part) Held() ([]byte, error) {
	if p.scanner != nil {
		return p.scanner.held()
	}
	return p.text, nil
}

// Take reads a response if it is a FETCH, and returns false if it is another.
// An error is Source's or Content's and ends the conversation; whatever else
// is wrong with a message is its Fault.
func (r *Fetch) Take(line []byte) (bool, error) {
	number, rest := SplitTag(line)
	kind, _ := SplitTag(rest)
	kind, _, _ = bytes.Cut(kind, []byte("("))
	if !IsNumber(number) || !bytes.EqualFold(kind, itemFetch) {
		return false, nil
	}
	r.msg = Fetched{}
	if err := r.start(rest[len(itemFetch):]); err != nil {
		return true, err
	}
	err := r.items()
	if errors.Is(err, ErrSyntax) {
		r.msg.Fault, err = err, nil
	}
	if err == nil {
		err = r.finish()
	}
	if err == nil {
		r.Done(&r.msg)
	}
	return true, err
}

// items reads the parenthesised list of what is said of the message.
func (r *Fetch) items() error {
	tok, _, err := r.next()
	if err != nil || tok != tokOpen {
		return orSyntax(err)
	}
	for {
		tok, name, err := r.next()
		if err != nil {
			return err
		}
		switch tok {
		case tokClose:
			return nil
		case tokWord:
			if err := r.item(name); err != nil {
				return err
			}
		default:
			return ErrSyntax
		}
	}
}

// item reads the value of one item. Servers send items that nobody asked for;
// those are passed over.
func (r *Fetch) item(name []byte) error {
	switch {
	case bytes.EqualFold(name, itemUID):
		n, err := r.number(32)
		r.msg.UID = crm.UID(n)
		return err
	case bytes.EqualFold(name, itemSize):
		n, err := r.number(63)
		r.msg.Size = int64(n)
		return err
	case bytes.EqualFold(name, itemDate):
		p, ok, err := r.str()
		if ok {
			r.msg.Date, r.msg.Dated = ParseDate(p)
		}
		return err
	case bytes.EqualFold(name, itemFlags):
		return r.flags()
	case len(name) >= len(itemSection) && bytes.EqualFold(name[:len(itemSection)], itemSection):
		r.msg.Origin = origin(name)
		return r.section()
	}
	return r.value()
}

// flags reads the list of flags (RFC 3501 section 2.3.2). One that looks odd is
// passed over: nothing but drafts depends on it.
func (r *Fetch) flags() error {
	for depth := 0; ; {
		tok, flag, err := r.next()
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
			if err := r.drop(); err != nil {
				return err
			}
		case tokWord:
			r.msg.Draft = r.msg.Draft || bytes.EqualFold(flag, flagDraft)
		}
		if depth <= 0 {
			return nil
		}
	}
}

// number reads a number of at most so many bits.
func (r *Fetch) number(bits int) (uint64, error) {
	tok, p, err := r.next()
	if err != nil || tok != tokWord {
		return 0, orSyntax(err)
	}
	n, err := strconv.ParseUint(string(p), 10, bits)
	if err != nil {
		return 0, ErrSyntax
	}
	return n, nil
}

// origin reads the 1024 of BODY[]<1024>.
func origin(name []byte) int64 {
	i := bytes.LastIndexByte(name, '<')
	if i < 0 || name[len(name)-1] != '>' {
		return -1
	}
	return int64(digits(name[i+1 : len(name)-1]))
}

// section reads the part of the message that was asked for.
func (r *Fetch) section() error {
	tok, text, err := r.next()
	if err != nil {
		return err
	}
	switch {
	case tok == tokQuoted:
		r.part = Part{Size: int64(len(text)), text: text}
	case tok == tokLiteral:
		r.part = Part{Size: r.literal, scanner: &r.Scanner}
	case tok == tokWord && bytes.EqualFold(text, wordNIL):
		return nil // there is no such part
	default:
		return ErrSyntax
	}
	r.msg.Content = true
	if err := r.Content(&r.msg, &r.part); err != nil {
		return err
	}
	if r.literal >= 0 {
		return r.drop()
	}
	return nil
}

// orSyntax is the error there was, or that something else was expected.
func orSyntax(err error) error {
	if err != nil {
		return err
	}
	return ErrSyntax
}
