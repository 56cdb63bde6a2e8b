package dedupe

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"mime"
	"net/mail"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
	"mailsyncd.example/crm/vectortest"
)

// TestVectors runs the cases with just as much of a reader as they need.
func TestVectors(t *testing.T) {
	var file struct {
		Cases []struct {
			Name string
			A, B string
			Same bool
		}
	}
	vectortest.Read(t, "same-message.json", &file)
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			a, b := read(t, c.A), read(t, c.B)
			if (a == b) != c.Same {
				t.Errorf("same: %v, want %v", a == b, c.Same)
			}
		})
	}
}

func read(t *testing.T, raw string) crm.Identity {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	keep := func(s string) string { return s }
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	h := crm.Head{
		HeaderID: crm.HeaderID(strings.Trim(m.Header.Get("Message-Id"), "<>")),
		From:     address.People(m.Header.Get("From"), keep),
		To:       address.People(m.Header.Get("To"), keep),
		Subject:  subject,
	}
	h.Date, _ = m.Header.Date() // zero where there is none
	var body io.Reader = m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "base64" {
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(content)
	return identify(t, h, &digest)
}
