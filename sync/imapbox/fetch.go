package imapbox

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"mailsyncd.example/crm"
)

// fetched is what a server says of one message. It may say it in pieces.
type fetched struct {
	uid     crm.UID // 0 while it has not said
	date    time.Time
	dated   bool
	size    int64
	content bool  // the part asked for came
	origin  int64 // where in the message the part begins; -1 where that was not said
	fault   error // what could not be understood
}

var (
	itemFetch   = []byte("FETCH")
	itemUID     = []byte("UID")
	itemDate    = []byte("INTERNALDATE")
	itemSize    = []byte("RFC822.SIZE")
	itemSection = []byte("BODY[")
	wordNIL     = []byte("NIL")
)

// fetchReader reads what a FETCH brings.
type fetchReader struct {
	scanner
	msg fetched
	// content is called for the part of a message that was asked for: a
	// literal, which it may read from the scanner, or text.
	content func(m *fetched, text []byte, literal bool) error
	// done is called for each response; what is fetched of a message may
	// come in several.
	done func(m *fetched)
}

// take reads a response if it is a FETCH, and returns false if it is another.
// Only an error of the wire, or of content, is an error; whatever else is
// wrong with a message is its fault.
func (r *fetchReader) take(line []byte) (bool, error) {
	number, rest := splitTag(line)
	kind, _ := splitTag(rest)
	kind, _, _ = bytes.Cut(kind, []byte("("))
	if !isNumber(number) || !bytes.EqualFold(kind, itemFetch) {
		return false, nil
	}
	r.msg = fetched{}
	if err := r.start(rest[len(itemFetch):]); err != nil {
		return true, err
	}
	err := r.items()
	if errors.Is(err, errSyntax) {
		r.msg.fault, err = err, nil
	}
	if err == nil {
		err = r.finish()
	}
	if err == nil {
		r.done(&r.msg)
	}
	return true, err
}

// items reads the parenthesised list of what is said of the message.
func (r *fetchReader) items() error {
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
			return errSyntax
		}
	}
}

func (r *fetchReader) item(name []byte) error {
	switch {
	case bytes.EqualFold(name, itemUID):
		n, err := r.number(32)
		r.msg.uid = crm.UID(n)
		return err
	case bytes.EqualFold(name, itemSize):
		n, err := r.number(63)
		r.msg.size = int64(n)
		return err
	case bytes.EqualFold(name, itemDate):
		p, ok, err := r.str()
		if ok {
			r.msg.date, r.msg.dated = parseDate(p)
		}
		return err
	case len(name) >= len(itemSection) && bytes.EqualFold(name[:len(itemSection)], itemSection):
		r.msg.origin = origin(name)
		return r.section()
	}
	return r.value()
}

func (r *fetchReader) number(bits int) (uint64, error) {
	tok, p, err := r.next()
	if err != nil || tok != tokWord {
		return 0, orSyntax(err)
	}
	n, err := strconv.ParseUint(string(p), 10, bits)
	if err != nil {
		return 0, errSyntax
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
func (r *fetchReader) section() error {
	tok, p, err := r.next()
	switch {
	case err != nil:
		return err
	case tok == tokQuoted:
		r.msg.content = true
		return r.content(&r.msg, p, false)
	case tok == tokLiteral:
		r.msg.content = true
		if err := r.content(&r.msg, nil, true); err != nil {
			return err
		}
		if r.literal >= 0 {
			return r.drop()
		}
		return nil
	case tok == tokWord && bytes.EqualFold(p, wordNIL):
		return nil // there is no such part
	}
	return errSyntax
}

func orSyntax(err error) error {
	if err != nil {
		return err
	}
	return errSyntax
}

// fetch runs a UID FETCH and reads what comes into r. NO is a status; BAD and
// a request for patience are errors.
func (b *Box) fetch(ctx context.Context, r *fetchReader, set, items string) (status, error) {
	var s status
	err := b.do(ctx, func() error {
		r.wire = b.wire
		var err error
		s, err = b.one(func(line []byte) error {
			is, err := r.take(line)
			if err != nil {
				return b.fail(err)
			}
			if is {
				return nil
			}
			return b.passOver(line)
		}, b.newCommand("UID FETCH", set, items))
		return err
	})
	if err != nil || s.cond == "OK" {
		return s, err
	}
	if e := refused(s); crm.CodeOf(e) != "server_refused" {
		return s, e
	}
	return s, nil
}

// setOf writes UIDs as a set (RFC 3501 section 9, sequence-set). They are
// ascending.
func setOf(uids []crm.UID) string {
	var set []byte
	for i := 0; i < len(uids); {
		j := i + 1
		for j < len(uids) && uids[j] == uids[j-1]+1 {
			j++
		}
		if i > 0 {
			set = append(set, ',')
		}
		set = strconv.AppendUint(set, uint64(uids[i]), 10)
		if j-i > 1 {
			set = strconv.AppendUint(append(set, ':'), uint64(uids[j-1]), 10)
		}
		i = j
	}
	return string(set)
}

// without returns the UIDs of all that are not in got. Both are ascending.
func without(all, got []crm.UID) []crm.UID {
	var left []crm.UID
	for _, uid := range all {
		if _, found := slices.BinarySearch(got, uid); !found {
			left = append(left, uid)
		}
	}
	return left
}
