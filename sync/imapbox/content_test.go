package imapbox_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox"
)

const askHeads = "(UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM TO CC SUBJECT IN-REPLY-TO REFERENCES)])"

// these are envelopes of messages of unknown size.
func these(uids ...crm.UID) (of []crm.Envelope) {
	for _, uid := range uids {
		of = append(of, crm.Envelope{UID: uid})
	}
	return of
}

// content is what Bodies hands over, a line each.
func content(t *testing.T, b *imapbox.Box, limit int64, of ...crm.Envelope) (lines []string, err error) {
	t.Helper()
	err = b.Bodies(t.Context(), of, limit, func(uid crm.UID, r io.Reader) error {
		p, err := io.ReadAll(r)
		lines = append(lines, fmt.Sprintf("%d %s", uid, p))
		return err
	})
	return lines, err
}

func TestHeads(t *testing.T) {
	b := lyingFolder(t, "", `
		C: m3 UID FETCH 3:4,9 `+askHeads+`
		S: * 1 FETCH (BODY[HEADER.FIELDS (MESSAGE-ID)] {4}
		s: abcd
		S:  UID 9)
		S: * 2 FETCH (UID 3 BODY[HEADER.FIELDS (MESSAGE-ID)] "x")
		S: * 2 FETCH (UID 3 BODY[HEADER.FIELDS (MESSAGE-ID)] "twice")
		S: * 2 FETCH (UID 77 BODY[HEADER.FIELDS (MESSAGE-ID)] "nobody asked")
		S: m3 OK done
		C: m4 UID FETCH 4 `+askHeads+`
		S: m4 OK gone
	`)
	var got []string
	err := b.Heads(t.Context(), []crm.UID{9, 3, 4, 3}, func(uid crm.UID, p []byte) {
		got = append(got, fmt.Sprintf("%d %s", uid, p))
	})
	wantLines(t, got, err, "9 abcd", "3 x")
}

func TestBodiesHoweverTheyAreSaid(t *testing.T) {
	b := lyingFolder(t, "", `
		C: m3 UID FETCH 1:6 (UID BODY.PEEK[])
		S: * 1 FETCH (UID 1 FLAGS (\Seen) BODY[] {5}
		s: hello
		S: )
		S: * 2 FETCH (UID 2 BODY[] {0}
		S: )
		S: * 3 FETCH (BODY[] {4}
		s: late
		S:  UID 3)
		S: * 4 FETCH (UID 4 FLAGS (\Answered))
		S: * 5 FETCH (UID 5 BODY[] NIL)
		S: * 6 FETCH (UID 6 BODY[] {12}
		s: longer than
		S: ?)
		S: m3 OK done
		C: m4 UID FETCH 4:5 (UID BODY.PEEK[])
		S: * 4 FETCH (UID 4 BODY[] "quoted")
		S: m4 OK done
	`)
	got, err := content(t, b, 6, these(1, 2, 3, 4, 5, 6)...)
	wantLines(t, got, err, "1 hello", "2 ", "3 late", "6 longer", "4 quoted")
}

func TestBodiesOneIsRefused(t *testing.T) {
	b := lyingFolder(t, "", `
		C: m3 UID FETCH 1:3 (UID BODY.PEEK[])
		S: * 1 FETCH (UID 1 BODY[] "one")
		S: m3 NO poison
		C: m4 UID FETCH 2 (UID BODY.PEEK[])
		S: m4 NO poison
		C: m5 UID FETCH 3 (UID BODY.PEEK[])
		S: * 3 FETCH (UID 3 BODY[] "three")
		S: m5 OK done
	`)
	got, err := content(t, b, 100, these(1, 2, 3)...)
	wantLines(t, got, err, "1 one", "3 three")
}

func TestBodiesInPieces(t *testing.T) {
	mib := strings.Repeat("m", 1<<20)
	large := crm.Envelope{UID: 7, Size: 3_000_000}
	const first = `
		C: m3 UID FETCH 7 (UID BODY.PEEK[]<0.1048576>)
	`
	t.Run("as they should be", func(t *testing.T) {
		b := lyingFolder(t, "", first+`
			S: * 1 FETCH (UID 7 BODY[]<0> {1048576}
			s: `+mib+`
			S: )
			S: m3 OK done
			C: m4 UID FETCH 7 (UID BODY.PEEK[]<1048576.1048576>)
			S: * 1 FETCH (UID 7 BODY[]<1048576> {3}
			s: end
			S: )
			S: m4 OK done
		`)
		got, err := content(t, b, 1<<30, large)
		wantLines(t, got, err, "7 "+mib+"end")
	})
	t.Run("up to the limit", func(t *testing.T) {
		b := lyingFolder(t, "", first+`
			S: * 1 FETCH (UID 7 BODY[]<0> {1048576}
			s: `+mib+`
			S: )
			S: m3 OK done
			C: m4 UID FETCH 7 (UID BODY.PEEK[]<1048576.4>)
			S: * 1 FETCH (UID 7 BODY[]<1048576> {4}
			s: ends
			S: )
			S: m4 OK done
		`)
		got, err := content(t, b, 1<<20+4, large)
		wantLines(t, got, err, "7 "+mib+"ends")
	})
	t.Run("not in pieces", func(t *testing.T) {
		whole := `
			S: * 1 FETCH (UID 7 BODY[] {1048577}
			s: ` + mib + `!
			S: )
		`
		b := lyingFolder(t, "", first+whole+`
			S: m3 OK done
			C: m4 UID FETCH 7 (UID BODY.PEEK[])
		`+whole+`
			S: m4 OK done
		`)
		got, err := content(t, b, 1<<30, large)
		wantLines(t, got, err, "7 "+mib+"!")
	})
	t.Run("the second is missing", func(t *testing.T) {
		b := lyingFolder(t, "", first+`
			S: * 1 FETCH (UID 7 BODY[]<0> {1048576}
			s: `+mib+`
			S: )
			S: m3 OK done
			C: m4 UID FETCH 7 (UID BODY.PEEK[]<1048576.1048576>)
			S: m4 OK done
			C: m5 UID FETCH 7 (UID BODY.PEEK[]<1048576.1048576>)
			S: m5 OK done
		`)
		_, err := content(t, b, 1<<30, large)
		wantError(t, err, crm.Unavailable, "message_refused")
	})
	t.Run("gone", func(t *testing.T) {
		b := lyingFolder(t, "", first+`
			S: m3 OK done
			C: m4 UID FETCH 7 (UID BODY.PEEK[]<0.1048576>)
			S: m4 OK done
		`)
		got, err := content(t, b, 1<<30, large)
		wantLines(t, got, err)
	})
}

// A body that the connection cuts off is an error for its reader and for the
// caller, never a short body.
func TestBodiesCutOff(t *testing.T) {
	b := lyingFolder(t, "", `
		C: m3 UID FETCH 1 (UID BODY.PEEK[])
		S: * 1 FETCH (UID 1 BODY[] {1000}
		s: only this much of it
		X
	`)
	var inner error
	err := b.Bodies(t.Context(), these(1), 1<<20, func(_ crm.UID, r io.Reader) error {
		var p []byte
		p, inner = io.ReadAll(r)
		if string(p) != "only this much of it" {
			t.Errorf("read %q", p)
		}
		return nil // as if it had not noticed
	})
	if inner == nil {
		t.Error("the reader got no error")
	}
	wantError(t, err, crm.Unreachable, "connection_lost")
	_, err = b.FirstUID(t.Context(), 1, zero)
	wantError(t, err, crm.Unreachable, "connection_lost")
}

// An error of the caller's ends the reading; what was on its way is passed
// over, and the box goes on.
func TestBodiesCallerGivesUp(t *testing.T) {
	b := lyingFolder(t, "", `
		C: m3 UID FETCH 1:2 (UID BODY.PEEK[])
		S: * 1 FETCH (UID 1 BODY[] {10}
		s: 0123456789
		S: )
		S: * 2 FETCH (UID 2 BODY[] {10}
		s: 0123456789
		S: )
		S: m3 OK done
		C: T1 UID SEARCH UID 1:*
		S: * SEARCH 1 2
		S: T1 OK done
	`)
	full := errors.New("disk full")
	calls := 0
	err := b.Bodies(t.Context(), these(1, 2), 1<<20, func(crm.UID, io.Reader) error { calls++; return full })
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
	if uid, err := b.FirstUID(t.Context(), 1, zero); err != nil || uid != 1 {
		t.Errorf("first UID %d, %v", uid, err)
	}
}
