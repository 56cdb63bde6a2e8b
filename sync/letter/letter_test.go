package letter

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"mailsyncd.example/crm"
)

// open reads a message that a test writes down with LF.
func open(t *testing.T, raw string) crm.Letter {
	t.Helper()
	l, err := Open(strings.NewReader(strings.ReplaceAll(raw, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOpenOrdinary(t *testing.T) {
	l, err := Open(strings.NewReader(string(ordinary())))
	if err != nil {
		t.Fatal(err)
	}
	if l.Subject != "Re: お見積りの件について" || len(l.From) != 1 || l.From[0].Name != "山田太郎" || len(l.To) != 2 {
		t.Errorf("head: %+v", l.Head)
	}
	if !strings.HasPrefix(l.Text, "お世話になっております。 Thank you for the estimate.\n") || !l.HasHTML {
		t.Errorf("text: %q, HTML: %v", l.Text, l.HasHTML)
	}
	if strings.Contains(l.Snippet, "attached") || l.Degraded != nil || l.Attachments != nil {
		t.Errorf("snippet %q, degraded %v, attachments %v", l.Snippet, l.Degraded, l.Attachments)
	}
}

func TestOpenHandsOnTheReadersError(t *testing.T) {
	broken := errors.New("the line went dead")
	raw := string(ordinary())
	for _, n := range []int{0, 100, 2000, len(raw) - 5} {
		r := func() io.Reader { return io.MultiReader(strings.NewReader(raw[:n]), iotest.ErrReader(broken)) }
		if _, err := Open(r()); !errors.Is(err, broken) {
			t.Errorf("Open, after %d bytes: %v", n, err)
		}
		if _, err := HTML(r()); !errors.Is(err, broken) {
			t.Errorf("HTML, after %d bytes: %v", n, err)
		}
		if err := Attachment(r(), "7", io.Discard); !errors.Is(err, broken) {
			t.Errorf("Attachment, after %d bytes: %v", n, err)
		}
	}
}

func TestDigest(t *testing.T) {
	digest := func(raw string) [32]byte { return open(t, raw).Digest }
	plain := digest("Subject: a\nContent-Type: text/plain; charset=utf-8\n\nお見積り = ok\nend\n")
	for name, raw := range map[string]string{
		"other headers":         "Subject: b\nX-More: c\nContent-Type: text/plain; charset=utf-8\n\nお見積り = ok\nend\n",
		"quoted-printable":      "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n=E3=81=8A=E8=A6=8B=E7=A9=8D=\n=E3=82=8A =3D ok\nend\n",
		"base64":                "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n44GK6KaL56mN44KKID0gb2sNCmVu\nZA0K\n",
		"base64 with LF inside": "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n44GK6KaL56mN44KKID0gb2sKZW5k\n",
		"another charset":       "Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B$*8+@Q$j\x1b(B = ok\nend\n",
		"empty lines behind":    "Content-Type: text/plain; charset=utf-8\n\nお見積り = ok\nend\n\n \n",
		"inside of a multipart": multi + "preamble\n--b\nContent-Type: text/plain; charset=utf-8\n\nお見積り = ok\nend\n--b--\nepilogue\n",
	} {
		if digest(raw) != plain {
			t.Errorf("%s: another digest", name)
		}
	}
	seen := map[[32]byte]string{plain: "plain"}
	for name, raw := range map[string]string{
		"another word":    "Content-Type: text/plain; charset=utf-8\n\nお見積り = OK\nend\n",
		"nothing":         "Content-Type: text/plain; charset=utf-8\n\n",
		"an attachment":   multi + "--b\n\nお見積り = ok\nend\n--b\nContent-Type: application/pdf\n\nx\n--b--\n",
		"another one":     multi + "--b\n\nお見積り = ok\nend\n--b\nContent-Type: application/pdf\n\ny\n--b--\n",
		"the same twice":  multi + "--b\n\nお見積り = ok\nend\n--b\n\nお見積り = ok\nend\n--b--\n",
		"cut elsewhere":   multi + "--b\n\nお見積り = ok\n--b\n\nend\n--b--\n",
		"another kind":    "Content-Type: application/x\n\nお見積り = ok\nend\n",
		"a long text":     "Subject: x\n\n" + strings.Repeat("x", maxBody) + "a",
		"a long one more": "Subject: x\n\n" + strings.Repeat("x", maxBody) + "b",
	} {
		d := digest(raw)
		if other, again := seen[d]; again {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[d] = name
	}
}

func TestTextOfAlternatives(t *testing.T) {
	part := func(kind, body string) string { return "--b\nContent-Type: " + kind + "\n\n" + body + "\n" }
	plain, html := part("text/plain", "plain"), part("text/html", "<p>html</p>")
	inner := func(kind, parts string) string {
		return "--b\nContent-Type: multipart/" + kind + "; boundary=i\n\n" + strings.ReplaceAll(parts, "--b\n", "--i\n") + "--i--\n"
	}
	const alternative = "Content-Type: multipart/alternative; boundary=b\n\n"
	for _, c := range []struct{ name, raw, want string }{
		{"plain first", alternative + plain + html, "plain"},
		{"HTML first", alternative + html + plain, "plain"},
		{"HTML alone", alternative + html, "html"},
		{"two HTML", alternative + html + part("text/html", "other"), "html"},
		{"two plain", alternative + plain + part("text/plain", "other"), "plain"},
		{"blank plain", alternative + part("text/plain", " \n") + html, "html"},
		{"HTML and a picture", alternative + plain + inner("related", html+part("image/png", "x")), "plain"},
		{"a mix in the second branch", alternative + plain + inner("mixed", html+plain), "plain"},
		{"a mix in the first branch", alternative + inner("mixed", plain+plain) + html, "plain\n\nplain"},
		{"two in a row", multi + inner("alternative", plain+html) + inner("alternative", html), "plain\n\nhtml"},
		{"HTML with a footer", multi + html + plain, "html\n\nplain"},
		{"a version for another program", alternative + part("text/x-amp-html", "amp") + html, "html"},
		{"enriched text", alternative + part("text/enriched", "<bold>rich</bold>"), "rich"},
	} {
		if l := open(t, c.raw+"--b--\n"); l.Text != c.want || l.Degraded != nil || len(l.Attachments) > 1 {
			t.Errorf("%s: %q, want %q; degraded %q; %v", c.name, l.Text, c.want, l.Degraded, l.Attachments)
		}
	}
}

func TestAttachment(t *testing.T) {
	const inner = "From: a@b.example\nSubject: inner\nContent-Type: multipart/mixed; boundary=b\n\n--c\n\nx\n"
	raw := multi + "--b\nContent-Transfer-Encoding: base64\n\nSGk=\n--b\nContent-Type: message/rfc822\n\n" + inner + "\n--b\n" +
		"Content-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\nAAEC\n--c--\n--b--\n"
	for id, want := range map[string]string{"1": "Hi", "2": inner, "3.1": "\x00\x01\x02"} {
		var b strings.Builder
		if err := Attachment(strings.NewReader(raw), id, &b); err != nil || b.String() != want {
			t.Errorf("part %s: %q, %v", id, b.String(), err)
		}
	}
	for _, id := range []string{"", "0", "3", "4", "1.1", "2.1", "3.2", "x"} {
		if err := Attachment(strings.NewReader(raw), id, io.Discard); crm.KindOf(err) != crm.NotFound {
			t.Errorf("part %q: %v", id, err)
		}
	}
	full := errors.New("the disk is full")
	r, w := io.Pipe()
	_ = r.CloseWithError(full)
	if err := Attachment(strings.NewReader(raw), "2", w); !errors.Is(err, full) {
		t.Errorf("a writer that fails: %v", err)
	}
}

func TestHTMLIsCut(t *testing.T) {
	s, err := HTML(strings.NewReader("Content-Type: text/html; charset=utf-8\n\n" + strings.Repeat("あ", maxBody)))
	if err != nil || len(s) > maxBody || len(s) < maxBody-3 || !utf8.ValidString(s) {
		t.Errorf("%d bytes, %v", len(s), err)
	}
}

func TestReadHead(t *testing.T) {
	for name, end := range map[string]string{"with an empty line": "\r\n", "without": "", "with text behind": "\r\nSubject: not this\r\n"} {
		h := ReadHead([]byte("message-id: <a@b>\r\nTO: x@customer.example\r\nTo: y@customer.example\r\nSubject : Estimate\r\n for  you\r\nDate: Mon, 2 Mar 2026 10:00 JST\r\n" + end))
		if h.HeaderID != "a@b" || len(h.To) != 2 || h.Subject != "Estimate for you" || h.Date.Hour() != 1 {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if h := ReadHead(nil); h.Subject != "" || h.From != nil {
		t.Errorf("of nothing: %+v", h)
	}
}

// TestDecoders reads each encoding in pieces of every size.
func TestDecoders(t *testing.T) {
	for _, c := range []struct {
		encoding, coded, want string
		damaged               bool
	}{
		{"7bit", "one\r\ntwo\r\n\r\n", "one\r\ntwo\r\n", false},
		{"binary", "\x00\r\r\n\xff\n", "\x00\r\r\n\xff", false},
		{"base64", "SGVs\r\nbG8=\r\n", "Hello", false},
		{"base64", "SGVsb\r\nG8", "Hello", false},
		{"base64", "\r\n\r\nSG Vs bG8=", "SG Vs bG8=", true},
		{"base64", "SG!Vs*bG8=\r\n", "Hello", false},
		{"base64", "SGk=\r\nSGk=\r\n", "HiHi", false},
		{"base64", "SGk=\r\n____\r\nA footer\r\n", "Hi", true},
		{"base64", "", "", false},
		{"quoted-printable", "a=3Db=\r\nc  \r\nd=20\r\n=\r\n", "a=bc\r\nd \r\n", false},
		{"quoted-printable", "a=3Db\r\n", "a=b", false},
		{"quoted-printable", "100=% =3 =zz =", "100=% =3 =zz ", false},
		{"quoted-printable", "=e3=81=8A", "お", false},
		{"quoted-printable", "a=\t \r\nb", "ab", false},
		{"x-uuencode", "begin 644 a\r\n#0V%T\r\n`\r\nend\r\n", "Cat", false},
		{"x-uuencode", "begin 644 a\r\nM0V%T\r\n", "Cat", true},
	} {
		for size := 1; size <= len(c.coded)+1; size++ {
			var got collector
			d := newDecoder(c.encoding, &got)
			l := newLines(&drip{[]byte(c.coded), size}, 16)
			for n, ok := l.next(); ok; n, ok = l.next() {
				d.piece(n.data)
				if len(n.end) > 0 {
					d.endLine(n.end)
				}
			}
			if sound := d.close(); string(got) != c.want || sound == c.damaged {
				t.Errorf("%s of %q in pieces of %d: %q, sound: %v", c.encoding, c.coded, size, got, sound)
				break
			}
		}
	}
}

// TestLongLines has lines that don't fit into the buffer, cut at every place.
func TestLongLines(t *testing.T) {
	coded := map[string]string{"base64": "SGVs", "quoted-printable": "=48 l", "8bit": "Hel"}
	want := map[string]string{"base64": "Hel", "quoted-printable": "H l", "8bit": "Hel"}
	for encoding := range coded {
		for indent := range 5 {
			n := bufferSize
			raw := strings.Repeat("\n", indent) + strings.Repeat(coded[encoding], n)
			var b strings.Builder
			err := Attachment(strings.NewReader("Content-Transfer-Encoding: "+encoding+"\n\n"+raw), "1", &b)
			if got := strings.TrimLeft(b.String(), "\n"); err != nil || got != strings.Repeat(want[encoding], n) {
				t.Errorf("%s after %d bytes: %d bytes of %d, %v", encoding, indent, len(got), n*3, err)
			}
		}
	}
}

// collector is a sink.
type collector []byte

func (c *collector) write(b []byte) { *c = append(*c, b...) }
func (c *collector) close()         {}
