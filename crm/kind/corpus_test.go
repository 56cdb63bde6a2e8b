package kind

import (
	"encoding/base64"
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

// TestBouncesOfTheWild counts how many of the bounces that were collected from
// the mail servers of the world are recognised.
func TestBouncesOfTheWild(t *testing.T) {
	folder := os.Getenv("MAILSYNC_CORPUS")
	if folder == "" {
		folder = filepath.Join(vectortest.Root(t), "..", "shared", "corpus")
	}
	files, err := filepath.Glob(filepath.Join(folder, "sisimai+set-of-emails", "rfc822", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no corpus in %s", folder)
		}
		t.Skipf("no corpus in %s: set MAILSYNC_CORPUS to where it is", folder)
	}
	total, found := 0, 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, reasons := Of(cluesOf(raw))
		name := filepath.Base(file)
		if noBounce.MatchString(name) {
			if got == crm.KindBounce {
				t.Errorf("%s: a bounce? %q", name, reasons)
			}
			if strings.Contains(name, "rfc3834") && got != crm.KindAutoReply {
				t.Errorf("%s: %s %q, want an automatic reply", name, got, reasons)
			}
			continue
		}
		total++
		if got == crm.KindBounce {
			found++
		} else {
			t.Logf("%s: %s %q", name, got, reasons)
		}
	}
	t.Logf("%d of %d bounces recognised", found, total)
	if found*100 < total*97 {
		t.Errorf("%d of %d bounces recognised: fewer than 97 in a hundred", found, total)
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
