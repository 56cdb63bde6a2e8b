package letter

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSanitize(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{"見積書.pdf", "見積書.pdf"},
		{"a/b\\c.pdf", "c.pdf"},
		{`C:\docs\見積.pdf`, "見積.pdf"},
		{"../../etc/passwd", "passwd"},
		{"..", ""}, {".", ""}, {" . ", ""}, {"", ""}, {"dir/", ""},
		{".profile", ".profile"},
		{"a\x00\r\nb\x7f.txt", "a b.txt"},
		{"gpj.\u202eexe", "gpj.exe"},
		{"\u200bx\ufeff.txt", "x.txt"},
		{"👩\u200d💻.png", "👩\u200d💻.png"},
		{"\u3000 x.txt ", "x.txt"},
		{"a\xffb", "a_b"},
	} {
		if got := sanitize(c.raw); got != c.want {
			t.Errorf("sanitize(%q) = %q, want %q", c.raw, got, c.want)
		}
	}
	for _, long := range []string{strings.Repeat("長", 200) + ".xlsx", strings.Repeat("a", 300), "a." + strings.Repeat("長", 200)} {
		got := sanitize(long)
		if len(got) > maxFilename || len(got) < maxFilename-3 || !utf8.ValidString(got) || strings.HasSuffix(long, ".xlsx") != strings.HasSuffix(got, ".xlsx") {
			t.Errorf("%.20s… became %q", long, got)
		}
	}
}

func TestMadeUpNames(t *testing.T) {
	for media, want := range map[string]string{
		"application/pdf": "attachment-1-2.pdf", "image/jpeg": "attachment-1-2.jpg", "image/png": "attachment-1-2.png", "text/csv": "attachment-1-2.csv",
		"text/vcard": "attachment-1-2.vcf", "application/unheard-of": "attachment-1-2.bin", "text/x-log": "attachment-1-2.txt",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "attachment-1-2.xlsx",
		"application/pkcs7-signature":                                       "smime.p7s", "application/pgp-signature": "signature.asc", "text/calendar": "invite.ics",
		"application/ms-tnef": "winmail.dat", "message/rfc822": "message.eml", "message/delivery-status": "delivery-status.txt",
	} {
		if got := madeUpName(&part{id: "1.2", media: media}); got != want {
			t.Errorf("%s is named %q, want %q", media, got, want)
		}
	}
}

// TestBodyOrAttachment asks of single parts, and of the second part of a mix,
// whether they are text of the message or files.
func TestBodyOrAttachment(t *testing.T) {
	for _, c := range []struct {
		head          string
		alone, second bool // it is text
	}{
		{"Content-Type: text/plain", true, true},
		{"Content-Type: text/html", true, true},
		{"Content-Type: text/plain; name=a.txt", true, false},
		{"Content-Type: text/plain\nContent-Disposition: inline", true, true},
		{"Content-Type: text/plain\nContent-Disposition: inline; filename=a.txt", true, false},
		{"Content-Type: text/plain\nContent-Disposition: attachment", false, false},
		{"Content-Type: text/plain\nContent-Disposition: ATTACHMENT; filename=a.txt", false, false},
		{"Content-Type: text/html; charset=utf-8\nContent-Disposition: attachment; filename=a.html", false, false},
		{"Content-Type: text", true, true},
		{"Content-Type: ;", true, true},
		{"Content-Type: text/plain/what", true, true},
		{"X-Nothing: said", true, true},
		{"Content-Type: text/x-unknown", true, false},
		{"Content-Type: text/calendar", false, false},
		{"Content-Type: text/csv", false, false},
		{"Content-Type: application/pdf", false, false},
		{"Content-Type: image/png\nContent-Disposition: inline", false, false},
		{"Content-Type: message/rfc822", false, false},
	} {
		if l := open(t, c.head+"\n\nHi\n"); (l.Text == "Hi") != c.alone || (len(l.Attachments) == 1) == c.alone {
			t.Errorf("%q alone: text %q, attachments %v", c.head, l.Text, l.Attachments)
		}
		l := open(t, multi+"--b\n\nfirst\n--b\n"+c.head+"\n\nHi\n--b--\n")
		if strings.HasSuffix(l.Text, "Hi") != c.second || (len(l.Attachments) == 1) == c.second || !strings.HasPrefix(l.Text, "first") {
			t.Errorf("%q as second part: text %q, attachments %v", c.head, l.Text, l.Attachments)
		}
	}
}

// TestDelimiters has lines that are boundaries, and lines that only look so.
func TestDelimiters(t *testing.T) {
	w := walker{open: []string{"--outer", "--outer-2", "--in ner"}}
	for line, want := range map[string]delimiter{
		"--outer": {0, false}, "--outer--": {0, true}, "--outer \t": {0, false}, "--outer-- ": {0, true}, "--outer-->": {0, true},
		"--outer-2": {1, false}, "--outer-2--": {1, true}, "--in ner": {2, false},
	} {
		if got, ok := w.delimiter([]byte(line)); !ok || got != want {
			t.Errorf("%q: %v, %v; want %v", line, got, ok, want)
		}
	}
	for _, line := range []string{"", "--", "-- ", "--oute", "--outerx", "--outer-", "--outer--x", "-outer", " --outer", "--Outer", "--outer-3"} {
		if got, ok := w.delimiter([]byte(line)); ok {
			t.Errorf("%q is taken for %v", line, got)
		}
	}
}
