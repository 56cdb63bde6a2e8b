package talk

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

var seeds = []string{
	"* 1 FETCH (UID 1 INTERNALDATE \"05-Nov-2026 10:00:00 +0900\" RFC822.SIZE 11 BODY[HEADER.FIELDS (FROM TO)] {5}\r\nhello)\r\n",
	"* 2 FETCH (BODY[]<0> \"a\\\"b\" FLAGS (\\Seen (x \"y\" {3}\r\nabc)) UID 4294967295)\r\n",
	"* 3 fetch(uid 1 x ~{2}\r\nab y NIL)\r\n",
	"* 4 FETCH (((((((\r\n", "* 5 FETCH UID\r\n", "* 6 FETCH (BODY[ {1}\r\n\r\n)\r\n",
	"* LIST (\\Sent) \"/\" {3}\r\nabc (\"X\" (1))\r\n", "* STATUS abc (MESSAGES 1 UIDNEXT 2)\r\n",
	"* LIST () NIL \"a\\\\b\"\r\n", "* OK {5}\r\n", "* BYE\r\n", "\r\n", "* \r\n",
}

// FuzzResponses reads whatever comes as FETCH, LIST and STATUS responses.
// Nothing may make it panic or hang, hand out more of a part than was
// announced, or leave it in the middle of a response: what follows must be
// read as what it is.
func FuzzResponses(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, said []byte, all bool) {
		src := &script{rest: said}
		l := &Lister{Scanner: Scanner{Source: src}}
		r := &Fetch{Scanner: Scanner{Source: src}, Done: func(*Fetched) {}}
		r.Content = func(_ *Fetched, p *Part) error {
			if !all {
				_, err := p.Read(make([]byte, 1))
				if errors.Is(err, io.EOF) {
					err = nil
				}
				return err
			}
			text, err := io.ReadAll(p)
			if err == nil && int64(len(text)) != p.Size {
				t.Errorf("%d bytes of a part of %d", len(text), p.Size)
			}
			return err
		}
		for {
			line, err := src.Line()
			if err != nil {
				return
			}
			_, rest := SplitTag(line)
			ParseStatus(rest)
			is, err := r.Take(rest)
			if err == nil && !is {
				is, err = l.Take(rest)
			}
			if err == nil && !is {
				err = PassOver(src, rest)
			}
			if err != nil {
				return
			}
		}
	})
}

// FuzzFollowing says something odd before a sound response, which must be
// understood all the same, provided that the odd one is a line of its own.
func FuzzFollowing(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, odd []byte) {
		if bytes.ContainsAny(odd, "{}\n") { // literals may swallow what follows
			return
		}
		src := &script{rest: append(append(bytes.Clone(odd), "\r\n"...), "* 7 FETCH (UID 7 BODY[] {2}\r\nok)\r\n"...)}
		got := ""
		r := &Fetch{Scanner: Scanner{Source: src}, Done: func(*Fetched) {}}
		r.Content = func(m *Fetched, p *Part) error {
			text, err := p.Held()
			if m.UID == 7 {
				got = string(text)
			}
			return err
		}
		for {
			line, err := src.Line()
			if err != nil {
				break
			}
			_, rest := SplitTag(line)
			if is, err := r.Take(rest); err != nil || !is && PassOver(src, rest) != nil {
				t.Fatalf("error after %q: %v", odd, err)
			}
		}
		if got != "ok" {
			t.Errorf("got %q after %q", got, odd)
		}
	})
}
