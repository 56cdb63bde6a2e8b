package imapbox

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mailsyncd.example/crm"
)

const (
	statusItems = "(MESSAGES UIDNEXT UIDVALIDITY)"
	// maxFolders bounds how many folders a server may list.
	maxFolders = 50_000
	// statusBatch is how many STATUS commands are written before the answers
	// are read: so few that neither side can block the other.
	statusBatch = 100
)

// listed is a folder as it is listed, under the name that the server uses.
type listed struct {
	crm.Listing
	name string
}

// Folders lists all folders and their state: in one round trip where the
// server can, else in two. The state of the open folder is up to date too. A
// folder that can't be opened, or of which the server does not tell the state,
// is listed with zeros.
func (b *Box) Folders(ctx context.Context) ([]crm.Listing, error) {
	l := &lister{scanner: scanner{wire: b.wire}, box: b, byName: map[string]int{}}
	err := b.do(ctx, func() error {
		if err := l.list(); err != nil {
			return err
		}
		if b.caps["LIST-STATUS"] {
			return nil
		}
		return l.statuses()
	})
	if err != nil {
		return nil, err
	}
	all := make([]crm.Listing, len(l.found))
	for i, f := range l.found {
		all[i] = f.Listing
	}
	return all, nil
}

// lister reads what LIST and STATUS answer.
type lister struct {
	scanner
	box    *Box
	found  []listed
	byName map[string]int // places in found
}

func (l *lister) list() error {
	b := l.box
	list := b.newCommand("LIST", `""`, `"*"`)
	var returned []string
	if b.caps["SPECIAL-USE"] && (b.caps["LIST-EXTENDED"] || b.caps["LIST-STATUS"]) {
		returned = append(returned, "SPECIAL-USE")
	}
	if b.caps["LIST-STATUS"] {
		returned = append(returned, "STATUS "+statusItems)
	}
	if len(returned) > 0 {
		list.words("RETURN", "("+strings.Join(returned, " ")+")")
	}
	commands := []*command{list}
	if b.selected {
		// Dovecot tells the state of the open folder as it was when it last
		// had a reason to look; NOOP is one.
		commands = []*command{b.newCommand("NOOP"), list}
	}
	answers, err := b.exchange(l.take, commands...)
	if err != nil {
		return err
	}
	if s := answers[len(answers)-1]; s.cond != "OK" {
		return refused(s)
	}
	return nil
}

// statuses asks for the state of each folder that can be opened.
func (l *lister) statuses() error {
	var asked []*command
	flush := func() error {
		_, err := l.box.exchange(l.take, asked...) // NO: the state stays unknown
		asked = asked[:0]
		return err
	}
	for _, f := range l.found {
		if !selectable(f.Attrs) {
			continue
		}
		c := l.box.newCommand("STATUS").str(f.name).words(statusItems)
		var err error
		if len(c.stops) > 0 {
			_, err = l.box.one(l.take, c)
		} else if asked = append(asked, c); len(asked) == statusBatch {
			err = flush()
		}
		if err != nil {
			return err
		}
	}
	if len(asked) > 0 {
		return flush()
	}
	return nil
}

func selectable(attrs []string) bool {
	return !slices.ContainsFunc(attrs, func(a string) bool {
		return strings.EqualFold(a, `\Noselect`) || strings.EqualFold(a, `\NonExistent`)
	})
}

// take reads a LIST or STATUS response. One that can't be understood is left
// out, which loses a folder's state at most until the next look.
func (l *lister) take(line []byte) error {
	kind, rest := splitTag(line)
	read := l.readList
	switch {
	case bytes.EqualFold(kind, []byte("LIST")):
	case bytes.EqualFold(kind, []byte("STATUS")):
		read = l.readStatus
	default:
		return l.box.passOver(line)
	}
	err := l.start(rest)
	if err == nil {
		if err = read(); err == nil || err == errSyntax {
			err = l.finish()
		}
	}
	if err == nil && len(l.found) > maxFolders {
		err = fmt.Errorf("%w: over %d folders", errTooLong, maxFolders)
	}
	if err != nil {
		return l.box.fail(err)
	}
	return nil
}

// readList reads (\Attr \Attr) "delimiter" name.
func (l *lister) readList() error {
	f := listed{}
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
			return errSyntax
		}
		f.Attrs = append(f.Attrs, string(word))
	}
	delimiter, _, err := l.str()
	if err != nil {
		return err
	}
	f.Delimiter = string(delimiter)
	if strings.EqualFold(f.Delimiter, "NIL") {
		f.Delimiter = ""
	}
	name, err := l.name()
	if err != nil {
		return err
	}
	f.name, f.Name = name, decodeName(name)
	if i, again := l.byName[name]; again {
		l.found[i].Attrs = f.Attrs
		return nil
	}
	l.byName[name] = len(l.found)
	l.found = append(l.found, f)
	return nil
}

// name reads a folder's name; one that looks like NIL is none the less one.
func (l *lister) name() (string, error) {
	p, _, err := l.str()
	if err != nil {
		return "", err
	}
	if bytes.EqualFold(p, []byte("INBOX")) {
		return "INBOX", nil
	}
	return string(p), nil
}

// readStatus reads name (ITEM n ITEM n).
func (l *lister) readStatus() error {
	name, err := l.name()
	if err != nil {
		return err
	}
	i, known := l.byName[name]
	if !known {
		return nil
	}
	f := &l.found[i]
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
		if err != nil {
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
