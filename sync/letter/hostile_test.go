package letter

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"mailsyncd.example/crm"
)

// flood is a message that is written as it is read: the head, the refrain so
// many times, the tail.
type flood struct {
	head, refrain, tail string
	times               int
}

func (f flood) size() int { return len(f.head) + f.times*len(f.refrain) + len(f.tail) }

func (f flood) reader() io.Reader {
	return io.MultiReader(strings.NewReader(f.head), &repeat{f.refrain, f.times, ""}, strings.NewReader(f.tail))
}

type repeat struct {
	what  string
	times int
	rest  string
}

func (r *repeat) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if r.rest == "" {
			if r.times == 0 {
				break
			}
			r.times--
			r.rest = r.what
		}
		c := copy(p[n:], r.rest)
		n, r.rest = n+c, r.rest[c:]
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

const (
	multi = "Content-Type: multipart/mixed; boundary=b\n\n"
	html  = "Content-Type: text/html\n\n"
)

// floods are messages made to hurt. What is quadratic in one of them does not
// end within a test's time.
var floods = map[string]struct {
	flood
	degraded string
}{
	"one line of 64 MB":              {flood{"Subject: x\n\n", "aaaaaaaaaaaaaaaa", "", 4 << 20}, "too_long"},
	"one line of base64 of 64 MB":    {flood{"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n", "QUJDREVGR0hJSktM", "", 4 << 20}, ""},
	"one line of blanks in QP":       {flood{"Content-Transfer-Encoding: quoted-printable\n\n", "                ", "=", 1 << 20}, "too_long"},
	"soft line breaks alone":         {flood{"Content-Transfer-Encoding: quoted-printable\n\n", "=\n", "", 2 << 20}, ""},
	"empty lines":                    {flood{"Subject: x\n\n", "\n", "", 3 << 20}, "too_long"},
	"blank lines first":              {flood{"", "\n", "", 3 << 20}, "too_long"},
	"carriage returns alone":         {flood{"Subject: x\r\r", "\r", "", 3 << 20}, "too_long"},
	"a header field of 24 MB":        {flood{"Subject: ", "aaaaaaaaaaaaaaaa", "\n\nbody", 3 << 19}, "header"},
	"header fields without end":      {flood{"", "X-Field: aaaaaaaaaaaaaaaa\n", "\nbody", 1 << 20}, "header"},
	"one continuation after another": {flood{"Subject: x\n", " aaaaaaaaaaaaaaaa\n", "\nbody", 1 << 20}, "header"},
	"rubbish for a header":           {flood{"Subject: x\n", "rubbish\nX: y\n", "\nbody", 1 << 19}, "header"},
	"a part's header of 24 MB":       {flood{multi + "--b\n", "X-Field: aaaaaaaaaaaaaaaa\n", "\nbody\n--b--\n", 1 << 20}, "header"},
	"a million parts":                {flood{multi, "--b\n\nx\n", "--b--\n", 1 << 20}, "too_many_parts"},
	"a million parts without header": {flood{multi, "--b\n", "--b--\n", 1 << 20}, "too_many_parts"},
	"nesting of one boundary":        {flood{multi, "--b\n" + multi, "", 5000}, "too_deep"},
	"a preamble of 64 MB":            {flood{multi, "aaaaaaaaaaaaaaa\n", "--b\n\nx\n--b--\n", 4 << 20}, ""},
	"candidates for a boundary":      {flood{multi, "--aaaaaaaaaaaa\n", "", 1 << 20}, "boundary"},
	"parentheses in In-Reply-To":     {flood{"In-Reply-To: ", "(", "\n\nbody", 400_000}, "header"},
	"angle brackets in References":   {flood{"References: ", "<", "\n\nbody", 30_000}, ""},
	"ids in References":              {flood{"References:", " <a@b>\n", "\n\nbody", 4_000}, ""},
	"parentheses in a date":          {flood{"Date: ", "(", "\n\nbody", 120_000}, "date"},
	"addresses":                      {flood{"To: ", "a@b,", "\n\nbody", 30_000}, ""},
	"parentheses in addresses":       {flood{"To: ", "(", "\n\nbody", 120_000}, ""},
	"beginnings of encoded words":    {flood{"Subject: ", "=?a?q?", "\n\nbody", 20_000}, ""},
	"encoded words":                  {flood{"Subject: ", "=?utf-8?b?QQ?=\n ", "\n\nbody", 7_000}, ""},
	"open encoded words":             {flood{"Subject: ", "=?utf-8?b?QQQQQQ?=\n ", "\n\nbody", 6_000}, ""},
	"parameters":                     {flood{"Content-Type: text/plain", ";a*1*=b", "\n\nbody", 16_000}, ""},
	"comments in parameters":         {flood{"Content-Type: text/plain;", "(", "\n\nbody", 120_000}, ""},
	"blanks in parameters":           {flood{"Content-Type: text/plain; name=", "a ", "\n\nbody", 60_000}, ""},
	"escape sequences":               {flood{"Subject: ", "\x1b$B", "\n\n", 40_000}, ""},
	"tags":                           {flood{html, "<a href=http://x>", "x", 1 << 17}, ""},
	"quotations in HTML":             {flood{html, "<blockquote>x<br>", "", 1 << 17}, "too_long"},
	"lists in HTML":                  {flood{html, "<ul><li>x", "", 1 << 17}, ""},
	"a tag that never ends":          {flood{html + "<a ", "b=c ", "", 1 << 19}, ""},
	"pictures in HTML":               {flood{html, "<img src=cid:x>", "", 1 << 17}, ""},
	"introductions":                  {flood{"Subject: x\n\n", "On 1 a\n", "", 1 << 17}, ""},
	"header blocks":                  {flood{"Subject: x\n\n", "From: a\n", "", 1 << 17}, ""},
	"marks of quotation":             {flood{"Subject: x\n\n", "> ", "", 1 << 18}, ""},
	"flowed lines":                   {flood{"Content-Type: text/plain; format=flowed\n\n", ">x \n", "", 1 << 18}, ""},
	"shifts of UTF-7":                {flood{"Content-Type: text/plain; charset=utf-7\n\n", "+A", "", 1 << 19}, "charset"},
	"uuencode":                       {flood{"Content-Type: image/png\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n", "M", "", 1 << 22}, "encoding"},
}

// maxMemory is what one message may allocate all together, be it as large as
// it likes: the buffers of text in several forms, one after the other.
const maxMemory = 32 << 20

func TestHostileMessagesStayBounded(t *testing.T) {
	for name, f := range floods {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			l, err := Open(f.reader())
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Fatal(err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > maxMemory {
				t.Errorf("a message of %d KB took %d KB", f.size()>>10, used>>10)
			}
			check(t, l)
			if f.degraded != "" && !slices.Contains(l.Degraded, f.degraded) || f.degraded == "" && slices.Contains(l.Degraded, "header") {
				t.Errorf("degraded is %q, want %q in it", l.Degraded, f.degraded)
			}
		})
	}
}

// TestDeepNesting nests 5,000 multiparts, each with a boundary of its own.
func TestDeepNesting(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	b.WriteString("\nthe bottom\n")
	l, err := Open(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	check(t, l)
	if !slices.Contains(l.Degraded, "too_deep") || len(l.Attachments) != 1 {
		t.Errorf("degraded %q, %d attachments", l.Degraded, len(l.Attachments))
	}
}

// check is what holds of every letter.
func check(t *testing.T, l crm.Letter) {
	t.Helper()
	texts := map[string]string{"text": l.Text, "subject": l.Subject, "snippet": l.Snippet, "id": string(l.HeaderID)}
	for i, p := range slices.Concat(l.From, l.To, l.Cc, l.Bcc) {
		texts[fmt.Sprint("name ", i)] = p.Name
	}
	for _, a := range l.Attachments {
		texts["filename of "+a.ID] = a.Filename
		texts["type of "+a.ID] = a.ContentType
		texts["content id of "+a.ID] = a.ContentID
		if a.Filename == "" || len(a.Filename) > maxFilename || strings.ContainsAny(a.Filename, "/\\\n") || a.Filename == ".." {
			t.Errorf("attachment %s is named %q", a.ID, a.Filename)
		}
		if a.ID == "" || a.ContentType != strings.ToLower(a.ContentType) {
			t.Errorf("attachment %+v", a)
		}
	}
	for i, e := range l.Evidence {
		texts[fmt.Sprint("evidence ", i)] = e
	}
	for what, s := range texts {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			t.Errorf("the %s is no text: %.200q", what, s)
		}
	}
	if len(l.Text) > maxText || utf8.RuneCountInString(l.Snippet) > 200 || len(l.Attachments) > maxParts || len(l.References) > 500 {
		t.Errorf("%d bytes of text, %d of snippet, %d attachments, %d references", len(l.Text), len(l.Snippet), len(l.Attachments), len(l.References))
	}
	if strings.ContainsAny(l.Subject, "\r\n") || l.Kind == "" || l.Digest == [32]byte{} {
		t.Errorf("subject %q, kind %q, digest %x", l.Subject, l.Kind, l.Digest)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(ordinary())
	for _, h := range floods {
		f.Add([]byte(h.head + h.refrain + h.refrain + h.tail))
	}
	addTestdata(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := Open(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		check(t, l)
		// However the bytes come in, the letter is the same.
		again, err := Open(&drip{raw, 7})
		if err != nil || again.Digest != l.Digest || again.Text != l.Text || len(again.Attachments) != len(l.Attachments) {
			t.Fatalf("read in small pieces: %v\n%+v\n%+v", err, l, again)
		}
		s, err := HTML(bytes.NewReader(raw))
		if err != nil || !utf8.ValidString(s) || s != "" && !l.HasHTML {
			t.Fatalf("HTML: %v, %q, %v", err, s, l.HasHTML)
		}
		for i, a := range l.Attachments {
			var b bytes.Buffer
			if err := Attachment(bytes.NewReader(raw), a.ID, &b); i < 5 && (err != nil || int64(b.Len()) != a.Size) {
				t.Fatalf("attachment %+v: %v, %d bytes", a, err, b.Len())
			}
			if i == 5 {
				break
			}
		}
	})
}

func FuzzReadHead(f *testing.F) {
	f.Add(ordinary())
	addTestdata(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		head := ReadHead(raw)
		check(t, crm.Letter{Head: head, Kind: crm.KindPersonal, Digest: [32]byte{1}})
		l, err := Open(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		// The envelope and the whole message must tell one identity.
		if len(raw) < 1000 && !bytes.HasPrefix(raw, []byte("\xEF\xBB\xBF")) && nameLength(raw) > 0 &&
			(head.Subject != l.Subject || head.HeaderID != l.HeaderID || !head.Date.Equal(l.Date)) {
			t.Errorf("the header alone says %+v, the message %+v", head, l.Head)
		}
	})
}

// drip hands out a few bytes at a time.
type drip struct {
	rest []byte
	size int
}

func (d *drip) Read(p []byte) (int, error) {
	if len(d.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), d.size)], d.rest)
	d.rest = d.rest[n:]
	return n, nil
}
