package letter

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

var update = flag.Bool("update", false, "write what comes out to testdata/*.json; read the difference before you commit it")

// golden is what testdata/NAME.json says of the letter that NAME.eml gives.
type golden struct {
	ID          crm.HeaderID     `json:"id,omitempty"`
	Date        string           `json:"date,omitempty"`
	From        []crm.Person     `json:"from,omitempty"`
	To          []crm.Person     `json:"to,omitempty"`
	Subject     string           `json:"subject,omitempty"`
	Text        []string         `json:"text,omitempty"` // line by line
	HTML        []string         `json:"html,omitempty"`
	Snippet     string           `json:"snippet,omitempty"`
	Attachments []crm.Attachment `json:"attachments,omitempty"`
	Kind        crm.MessageKind  `json:"kind,omitempty"` // where it is not personal
	Evidence    []string         `json:"evidence,omitempty"`
	Degraded    []string         `json:"degraded,omitempty"`
}

// TestGolden opens the torture messages of testdata. They are raw bytes in many
// charsets: look at them with a pager that shows bytes.
func TestGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.eml")
	if len(files) < 40 {
		t.Fatalf("only %d messages in testdata", len(files))
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".eml"), func(t *testing.T) {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got := toJSON(t, goldenOf(t, raw))
			name := strings.TrimSuffix(f, ".eml") + ".json"
			if *update {
				if err := os.WriteFile(name, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func goldenOf(t *testing.T, raw []byte) golden {
	t.Helper()
	l, err := Open(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	html, err := HTML(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if (html != "") != l.HasHTML {
		t.Errorf("HasHTML is %v, and the HTML is %q", l.HasHTML, html)
	}
	g := golden{ID: l.HeaderID, From: l.From, To: l.To, Subject: l.Subject, Snippet: l.Snippet, Attachments: l.Attachments, Degraded: l.Degraded}
	if l.Kind != crm.KindPersonal {
		g.Kind, g.Evidence = l.Kind, l.Evidence
	}
	if !l.Date.IsZero() {
		g.Date = l.Date.Format(time.RFC3339)
	}
	if l.Text != "" {
		g.Text = strings.Split(l.Text, "\n")
	}
	if html != "" {
		g.HTML = strings.Split(strings.TrimSpace(html), "\n")
	}
	for _, a := range l.Attachments {
		var b bytes.Buffer
		if err := Attachment(bytes.NewReader(raw), a.ID, &b); err != nil || int64(b.Len()) != a.Size {
			t.Errorf("attachment %s has %d bytes (%v), and is said to have %d", a.ID, b.Len(), err, a.Size)
		}
	}
	return g
}

func toJSON(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
