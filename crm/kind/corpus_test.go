package kind

import (
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/text/encoding/htmlindex"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
	"mailsyncd.example/crm/vectortest"
)

// noBounce are the files among the bounces that are none, or not by mail:
// complaints, notices by a web service, absence notices, a list's refusal, and
// one that is there because it was once taken for a bounce.
var noBounce = regexp.MustCompile(`__(arf|rfc3834|is-not-bounce|lhost-fml)-`)

// files reads files of the corpus; none is a failure.
func files(t *testing.T, folder, pattern string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("%d files %s: %v", len(names), pattern, err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		if all[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// matrix counts what messages are (first) and what they were taken for.
type matrix map[crm.MessageKind]map[crm.MessageKind]int

func (m matrix) add(is, got crm.MessageKind) {
	if m[is] == nil {
		m[is] = map[crm.MessageKind]int{}
	}
	m[is][got]++
}

// table is the matrix as the documentation shows it.
func (m matrix) table() string {
	kinds := []crm.MessageKind{crm.KindPersonal, crm.KindAutoReply, crm.KindBounce, crm.KindBulk}
	var b strings.Builder
	b.WriteString("| what it is | messages |")
	for _, k := range kinds {
		fmt.Fprintf(&b, " taken for `%s` |", k)
	}
	b.WriteString("\n|" + strings.Repeat("---|", 2+len(kinds)) + "\n")
	for _, is := range kinds {
		total := 0
		var cells strings.Builder
		for _, got := range kinds {
			total += m[is][got]
			fmt.Fprintf(&cells, " %d |", m[is][got])
		}
		fmt.Fprintf(&b, "| `%s` | %d |%s\n", is, total, cells.String())
	}
	return b.String()
}

// TestConfusion counts what is taken for what: bounces and absence notices that
// were collected from the mail servers of the world, what people answered, and
// the messages of this package's own tests. docs/automation.md shows the table.
func TestConfusion(t *testing.T) {
	folder := vectortest.Corpus(t)
	m := matrix{}
	for name, raw := range files(t, folder, "sisimai+set-of-emails/rfc822/*") {
		is := crm.KindBounce
		switch {
		case strings.Contains(name, "rfc3834"):
			is = crm.KindAutoReply
		case noBounce.MatchString(name):
			continue // of no kind that is asked for here; TestNoBounces
		}
		got, reasons := Of(cluesOf(raw))
		if m.add(is, got); got != is {
			t.Logf("%s: %s because of %q, and is %s", name, got, reasons, is)
		}
	}
	for _, pattern := range []string{"zapier+email-reply-parser/body/*.txt", "github+email_reply_parser/body/*.txt"} {
		for name, text := range files(t, folder, pattern) {
			clues := cluesFrom(map[string][]string{"from": {"ken@customer.example"}, "subject": {"Re: Estimate"}, "in-reply-to": {"<1@acme.example>"}})
			clues.Text = string(text)
			got, reasons := Of(clues)
			if m.add(crm.KindPersonal, got); got != crm.KindPersonal {
				t.Logf("%s: %s because of %q", name, got, reasons)
			}
		}
	}
	for _, c := range messages {
		got, _ := Of(c.clues())
		m.add(c.want, got)
	}
	t.Log("\n" + m.table())
	for got, n := range m[crm.KindPersonal] {
		if got != crm.KindPersonal {
			t.Errorf("%d messages of people are taken for %s", n, got)
		}
	}
	bounces := m[crm.KindBounce]
	total := 0
	for _, n := range bounces {
		total += n
	}
	if bounces[crm.KindBounce]*100 < total*97 {
		t.Errorf("%d of %d bounces recognised: fewer than 97 in a hundred", bounces[crm.KindBounce], total)
	}
	manual, err := os.ReadFile(filepath.Join(vectortest.Root(t), "docs", "automation.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(manual), m.table()) {
		t.Error("docs/automation.md shows another table")
	}
}

// What stands among the bounces and is none is not taken for one.
func TestNoBounces(t *testing.T) {
	for name, raw := range files(t, vectortest.Corpus(t), "sisimai+set-of-emails/rfc822/*") {
		if got, reasons := Of(cluesOf(raw)); noBounce.MatchString(name) && got == crm.KindBounce {
			t.Errorf("%s: a bounce? %q", name, reasons)
		}
	}
}

// cluesOf reads just enough of a message for this test.
func cluesOf(raw []byte) Clues {
	text := strings.ReplaceAll(string(raw), "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	fields, body := split(text)
	c := cluesFrom(fields)
	c.parts(c.ContentType, strings.Join(fields["content-transfer-encoding"], " "), body)
	return c
}

func cluesFrom(fields map[string][]string) Clues {
	one := func(name string) string { return strings.Join(fields[name], ", ") }
	return Clues{
		Header:      func(name string) []string { return fields[strings.ToLower(name)] },
		From:        address.List(one("from")),
		Subject:     one("subject"),
		ContentType: one("content-type"),
	}
}

// split divides a message or part into its fields, unfolded and decoded, and
// what follows them.
func split(text string) (map[string][]string, string) {
	head, body, _ := strings.Cut(text, "\n\n")
	fields := map[string][]string{}
	for line := range strings.Lines(regexp.MustCompile(`\n[ \t]+`).ReplaceAllString(head, " ")) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			value = strings.TrimSpace(value)
			if decoded, err := words.DecodeHeader(value); err == nil {
				value = decoded
			}
			name = strings.ToLower(strings.TrimSpace(name))
			fields[name] = append(fields[name], value)
		}
	}
	return fields, body
}

var words = mime.WordDecoder{CharsetReader: charsetReader}

func charsetReader(charset string, r io.Reader) (io.Reader, error) {
	e, err := htmlindex.Get(charset)
	if err != nil {
		return nil, err
	}
	return e.NewDecoder().Reader(r), nil
}

// parts notes the content types of all parts, and the first text.
func (c *Clues) parts(contentType, encoding, body string) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = "text/plain"
	}
	if kind == "message/rfc822" {
		return // what is returned does not speak for the one who returns it
	}
	if boundary := params["boundary"]; strings.HasPrefix(kind, "multipart/") && boundary != "" {
		for _, part := range strings.Split(body, "--"+boundary)[1:] {
			if strings.HasPrefix(part, "--") {
				return
			}
			fields, content := split(strings.TrimPrefix(part, "\n"))
			one := func(name string) string { return strings.Join(fields[name], " ") }
			sub, _, _ := strings.Cut(one("content-type"), ";")
			c.Parts = append(c.Parts, strings.TrimSpace(sub))
			c.parts(one("content-type"), one("content-transfer-encoding"), content)
		}
		return
	}
	if c.Text != "" || !strings.HasPrefix(kind, "text/") {
		return
	}
	var r io.Reader = strings.NewReader(body)
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	if decoded, err := charsetReader(params["charset"], r); err == nil {
		r = decoded
	}
	text, _ := io.ReadAll(r) // as far as it can be read
	c.Text = string(text)
}
