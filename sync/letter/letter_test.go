package letter

import (
	"strings"
	"testing"

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
