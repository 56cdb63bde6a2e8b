package letter

import (
	"slices"
	"strings"
	"testing"
)

func TestHeader(t *testing.T) {
	for _, c := range []struct {
		name, raw, subject, text string
		broken                   bool
	}{
		{"ordinary", "From: a@b.example\nSubject: s\n\ntext", "s", "text", false},
		{"folded", "Subject: a\n b\n\tc\n\ntext", "a b c", "text", false},
		{"folded before the value", "Subject:\n s\n\ntext", "s", "text", false},
		{"folded with an empty line of blanks", "Subject: a\n \n b\nX: y\n\ntext", "a b", "text", false},
		{"blank before the colon", "Subject \t: s\n\ntext", "s", "text", false},
		{"odd case", "sUBJECT: s\n\ntext", "s", "text", false},
		{"no blank after the colon", "Subject:s\n\ntext", "s", "text", false},
		{"twice: the first counts", "Subject: s\nSubject: t\n\ntext", "s", "text", false},
		{"empty lines first", "\n\n\nSubject: s\n\ntext", "s", "text", false},
		{"an empty line and then text", "\nHello\n\ntext", "", "Hello\n\ntext", false},
		{"mbox", "From a@b.example Mon Mar  2 10:00:00 2026\nSubject: s\n\ntext", "s", "text", false},
		{"mbox inside", "X: y\n>From a@b.example Mon Mar  2 10:00:00 2026\nSubject: s\n\ntext", "s", "text", false},
		{"a byte order mark", "\xEF\xBB\xBFSubject: s\n\ntext", "s", "text", false},
		{"no body", "Subject: s\n", "s", "", false},
		{"no line end", "Subject: s", "s", "", false},
		{"rubbish between fields", "X: y\nrubbish\nSubject: s\n\ntext", "s", "text", true},
		{"much rubbish", "X: y\nrubbish\n\x80\x81\n=?x\nSubject: s\n\ntext", "s", "text", true},
		{"a continuation of nothing", " x\nSubject: s\n\ntext", "s", "text", true},
		{"no empty line", "Subject: s\nThe text\nbegins here", "s", "The text\nbegins here", true},
		{"no header", "The text\nbegins here", "", "The text\nbegins here", true},
		{"a parameter that is not indented", "Content-Type: text/plain;\ncharset=iso-8859-1\nSubject: s\n\ncaf\xe9s", "s", "cafés", false},
	} {
		for _, end := range []string{"\n", "\r\n", "\r", "\r\r\n"} {
			if end == "\r" && strings.Count(c.raw, "\n") == 0 {
				continue
			}
			l, err := Open(strings.NewReader(strings.ReplaceAll(c.raw, "\n", end)))
			if err != nil {
				t.Fatal(err)
			}
			if l.Subject != c.subject || l.Text != c.text || slices.Contains(l.Degraded, "header") != c.broken {
				t.Errorf("%s, lines ending with %q: subject %q, text %q, degraded %q", c.name, end, l.Subject, l.Text, l.Degraded)
			}
		}
	}
}

// TestHugeFieldsLeaveRoomForOthers: what somebody else wrote into a header must
// not push out what the rules and threads need.
func TestHugeFieldsLeaveRoomForOthers(t *testing.T) {
	huge := "X-Huge: " + strings.Repeat("x", 1<<20) + "\nReferences:" + strings.Repeat("\n <a@b.example>", 20_000) + "\n"
	transport := strings.Repeat("Received: from a by b\n\tfor c\n", 20_000)
	l := open(t, huge+transport+"Subject: s\nFrom: a@b.example\nTo: c@d.example\n\ntext")
	if l.Subject != "s" || len(l.From) != 1 || len(l.To) != 1 || l.Text != "text" || len(l.References) != 500 {
		t.Errorf("subject %q, from %v, to %v, %d references, text %q", l.Subject, l.From, l.To, len(l.References), l.Text)
	}
	if !slices.Equal(l.Degraded, []string{"header"}) {
		t.Errorf("degraded %q", l.Degraded)
	}
}
