package talk

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"mailsyncd.example/crm"
)

// maxFolders bounds how many folders a server may list, and maxNames the bytes
// of their names and attributes.
const (
	maxFolders = 50_000
	maxNames   = 16 << 20
)

// Folder is a folder as it is listed, and the name by which the server knows it.
type Folder struct {
	crm.Listing
	Wire string
}

// Selectable tells whether the folder can be opened.
func (f Folder) Selectable() bool {
	for _, a := range f.Attrs {
		if strings.EqualFold(a, `\Noselect`) || strings.EqualFold(a, `\NonExistent`) {
			return false
		}
	}
	return true
}

// Lister reads what LIST and STATUS bring (RFC 3501 section 7.2, RFC 5819). A
// folder's name serves to bring the two together, in the form in which the
// server writes it, since that is not always a proper one.
type Lister struct {
	Scanner
	Found  []Folder
	byName map[string]int // places in Found
	names  int            // bytes of names and attributes so far
}

// Take reads a response if it is a LIST or STATUS, and returns false if it is
// another. One that can't be understood is left out. An error ends the
// conversation.
func (l *Lister) Take(line []byte) (bool, error) {
	kind, rest := SplitTag(line)
	read := l.list
	switch {
	case bytes.EqualFold(kind, []byte("LIST")):
	case bytes.EqualFold(kind, []byte("STATUS")):
		read = l.status
	default:
		return false, nil
	}
	err := l.start(rest)
	if err == nil {
		if err = read(); err == nil || errors.Is(err, ErrSyntax) {
			err = l.finish()
		}
	}
	if err == nil && (len(l.Found) > maxFolders || l.names > maxNames) {
		err = fmt.Errorf("%w: over %d folders, or %d bytes of names", ErrTooLong, maxFolders, maxNames)
	}
	return true, err
}

// list reads (\Attr \Attr) "delimiter" name.
func (l *Lister) list() error {
	f := Folder{}
	tok, _, err := l.next()
	if err != nil || tok != tokOpen {
		return orSyntax(err)
	}
	for {
		tok, word, err := l.next()
		if err != nil {
			return err
		}
		if tok == tokClose {
			break
		}
		if tok != tokWord {
			return ErrSyntax
		}
		f.Attrs = append(f.Attrs, string(word))
		l.names += len(word)
	}
	delimiter, ok, err := l.str()
	if err != nil {
		return err
	}
	if ok {
		f.Delimiter = string(delimiter)
	}
	if f.Wire, err = l.name(); err != nil {
		return err
	}
	f.Name = DecodeName(f.Wire)
	l.names += len(f.Wire)
	// Some servers list a folder twice, the second time with what it is for.
	if i, again := l.byName[f.Wire]; again {
		l.Found[i].Attrs = f.Attrs
		return nil
	}
	if l.byName == nil {
		l.byName = map[string]int{}
	}
	l.byName[f.Wire] = len(l.Found)
	l.Found = append(l.Found, f)
	return nil
}

// name reads a folder's name; one that looks like NIL is none the less one.
func (l *Lister) name() (string, error) {
	p, _, err := l.str()
	if err != nil {
		return "", err
	}
	if bytes.EqualFold(p, []byte("INBOX")) {
		return "INBOX", nil
	}
	return string(p), nil
}

// status reads name (ITEM n ITEM n).
func (l *Lister) status() error {
	name, err := l.name()
	if err != nil {
		return err
	}
	i, known := l.byName[name]
	if !known { // STATUS of a folder comes after its LIST, or it is another's
		return nil
	}
	f := &l.Found[i]
	if tok, _, err := l.next(); err != nil || tok != tokOpen {
		return orSyntax(err)
	}
	for {
		tok, item, err := l.next()
		if err != nil || tok == tokClose {
			return err
		}
		kind := strings.ToUpper(string(item))
		tok, value, err := l.next()
		if err != nil || tok != tokWord {
			return orSyntax(err)
		}
		n, err := strconv.ParseUint(string(value), 10, 32)
		if err != nil { // as good as not said
			continue
		}
		switch kind {
		case "MESSAGES":
			f.Messages = uint32(n)
		case "UIDNEXT":
			f.UIDNext = crm.UID(n)
		case "UIDVALIDITY":
			f.UIDValidity = uint32(n)
		}
	}
}
