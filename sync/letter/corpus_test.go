package letter

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"mailsyncd.example/crm/vectortest"
)

// TestCorpus opens every message of the corpus, whole and cut off at several
// places, and reads all that it says it has.
func TestCorpus(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(vectortest.Corpus(t), "*", "*", "*"))
	if len(files) < 700 {
		t.Fatalf("only %d files in the corpus", len(files))
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(f), func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			l, err := Open(bytes.NewReader(raw))
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Fatal(err)
			}
			check(t, l)
			// What does not grow with the message is mostly what regexp keeps
			// in pools, which the race detector empties at random.
			if used := after.TotalAlloc - before.TotalAlloc; used > uint64(16*len(raw)+768<<10) {
				t.Errorf("%d bytes took %d", len(raw), used)
			}
			for _, a := range l.Attachments {
				var b bytes.Buffer
				if err := Attachment(bytes.NewReader(raw), a.ID, &b); err != nil || int64(b.Len()) != a.Size {
					t.Errorf("attachment %s: %d bytes of %d, %v", a.ID, b.Len(), a.Size, err)
				}
			}
			for _, share := range []int{3, 5, 7} {
				cut, err := Open(bytes.NewReader(raw[:len(raw)*share/8]))
				if err != nil {
					t.Fatal(err)
				}
				check(t, cut)
			}
		})
	}
}

// TestCorpusIsUnderstood samples what other parsers know of the corpus.
func TestCorpusIsUnderstood(t *testing.T) {
	cases := []struct{ file, subject, text, attachment string }{
		{"mikel+mail/rfc822/spec__fixtures__emails__multi_charset__japanese.eml", "まみむめも", "かきくえこ", ""},
		{"mikel+mail/rfc822/spec__fixtures__emails__multi_charset__japanese_iso_2022.eml", "まみむめも", "すみません。", ""},
		{"mikel+mail/rfc822/spec__fixtures__emails__multi_charset__japanese_shift_jis.eml", "test", "あいうえお", ""},
		{"mikel+mail/rfc822/spec__fixtures__emails__multi_charset__japanese_attachment.eml", "testing", "testing", "てすと.txt"},
		{"mikel+mail/rfc822/spec__fixtures__emails__multi_charset__japanese_attachment_long_name.eml",
			strings.Repeat("まみむめも", 10), "", "かきくけこかきくけこかきくけこかきくけこかきくけこ.txt"},
		{"mikel+mail/rfc822/spec__fixtures__emails__multi_charset__ks_c_5601-1987.eml", "test", "스티해", ""},
		{"mikel+mail/rfc822/spec__fixtures__emails__plain_emails__raw_email_with_partially_quoted_subject.eml", `Re: Test: "漢字" mid "漢字" tail`, "", ""},
		{"mikel+mail/rfc822/spec__fixtures__emails__attachment_emails__attachment_with_quoted_filename.eml", "Eelanalüüsi päring", "", "Eelanalüüsi päring.jpg"},
		{"mikel+mail/rfc822/spec__fixtures__emails__attachment_emails__attachment_message_rfc822.eml", "testing", "This is the first part.", "ForwardedMessage.eml"},
		{"mikel+mail/rfc822/spec__fixtures__emails__error_emails__invalid_subject_characters.eml",
			"Formação FrenetikPolis: Mega Campanha Final Verão | Cursos de Setembro", "TEST", ""},
		{"jhillyerd+enmime/rfc822/testdata__mail__mime-bad-8bit-filename.raw", "Malformed test", "Text part", "管理.doc"},
		{"jhillyerd+enmime/rfc822/testdata__low-quality__bad-header-wrap.raw", "Attachment", "A text section", "7DDA4_foo_9E5D72.zip"},
		{"jhillyerd+enmime/rfc822/testdata__mail__epilogue-sample.raw", "Epilogue", "A text section", "test.html"},
		{"zbateson+mail-mime-parser/rfc822/tests___data__emails__github-102-01.txt", "Die Hasen und die Frösche (Microsoft Outlook 00)", "Die Hasen und die Frösche", ""},
		{"zbateson+mail-mime-parser/rfc822/tests___data__emails__github-115.txt", "Test message from Microsoft Outlook 00", "\n\nThe Hare and the Tortoise", ""},
	}
	dir := vectortest.Corpus(t)
	for _, c := range cases {
		raw, err := os.ReadFile(filepath.Join(dir, c.file))
		if err != nil {
			t.Fatal(err)
		}
		l, err := Open(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		found := c.attachment == ""
		for _, a := range l.Attachments {
			found = found || a.Filename == c.attachment
		}
		if l.Subject != c.subject || !strings.HasPrefix(l.Text, strings.TrimLeft(c.text, "\n")) || !found {
			t.Errorf("%s: subject %q, text %.60q, attachments %+v", c.file, l.Subject, l.Text, l.Attachments)
		}
	}
}

func addTestdata(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.eml")
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
}
