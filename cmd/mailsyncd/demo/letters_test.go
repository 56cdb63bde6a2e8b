package demo

import (
	"bytes"
	"io"
	"mime"
	"net/mail"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html/charset"
)

// Each round shows every outcome that the demo is there to show; the rules
// themselves decide, this only keeps the letters honest.
func TestRoundShowsWhatTheRulesDecide(t *testing.T) {
	customers := map[string]bool{Mori.Address: true, Rossi.Address: true, Baker.Address: true}
	internal := func(p Person) bool { return strings.HasSuffix(p.Address, "@acme.example") }
	shown := map[string]int{}
	for _, l := range Round(1) {
		switch {
		case internal(l.From) && internal(l.To):
			shown["internal"]++
		case customers[l.From.Address] && l.automatic:
			shown["absence notice"]++
		case customers[l.From.Address] && l.answers != "":
			shown["reply"]++
		case customers[l.From.Address] && len(l.into) > 1:
			shown["copy"]++
		case customers[l.From.Address], customers[l.To.Address]:
			shown["contact"]++
		case customers[l.Cc.Address]:
			shown["only in Cc"]++
		default:
			shown["private"]++
		}
	}
	for _, kind := range []string{"internal", "absence notice", "reply", "copy", "contact", "only in Cc", "private"} {
		if shown[kind] == 0 {
			t.Errorf("no letter is of the kind %q", kind)
		}
	}
}

func TestLettersAreMail(t *testing.T) {
	words := &mime.WordDecoder{CharsetReader: charset.NewReaderLabel}
	addresses := mail.AddressParser{WordDecoder: words}
	for _, l := range Round(7) {
		raw, err := l.wire(time.Unix(1800000000, 0))
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", l.Subject, err)
		}
		if from, err := addresses.ParseList(m.Header.Get("From")); err != nil || from[0].Address != l.From.Address || from[0].Name != l.From.Name {
			t.Errorf("%s: From is %v, %v", l.Subject, from, err)
		}
		if _, err := m.Header.Date(); err != nil {
			t.Errorf("%s: %v", l.Subject, err)
		}
		if _, params, err := mime.ParseMediaType(m.Header.Get("Content-Type")); err != nil || params["boundary"] == "" {
			t.Errorf("%s: %v", l.Subject, err)
		}
		body, err := io.ReadAll(m.Body)
		if err != nil || !bytes.HasSuffix(bytes.TrimSpace(body), []byte("--")) {
			t.Errorf("%s: the last part is not closed", l.Subject)
		}
		for line := range bytes.Lines(raw) {
			if !bytes.HasSuffix(line, []byte("\r\n")) {
				t.Errorf("%s: the line %q does not end as it should", l.Subject, line)
			}
		}
	}
}
