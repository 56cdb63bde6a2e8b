package main

import (
	"bytes"
	"io"
	"mime"
	"net/mail"
	"strings"
	"testing"
)

func TestSameBagSameMail(t *testing.T) {
	b := mailbag{seed: 7, owner: "a@office.example", share: 20, start: beginning}
	if !bytes.Equal(b.letter(3, 1000), b.letter(3, 1000)) {
		t.Error("a letter came out in two ways")
	}
	if bytes.Equal(b.letter(3, 0), b.letter(4, 0)) {
		t.Error("two letters are the same")
	}
	other := b
	other.seed++
	if bytes.Equal(b.letter(3, 0), other.letter(3, 0)) {
		t.Error("two bags hold the same letter")
	}
}

// Mail that is not as mail is would make every figure meaningless.
func TestLettersAreRealMail(t *testing.T) {
	b := mailbag{seed: 7, owner: "a@office.example", share: 5, start: beginning}
	headers, wanted := 0, 0
	const count = 200
	for n := range count {
		raw := b.letter(n, n%3*1000)
		if bytes.Contains(bytes.ReplaceAll(raw, []byte("\r\n"), nil), []byte("\n")) {
			t.Fatalf("letter %d has a bare line feed", n)
		}
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		from, err := m.Header.AddressList("From")
		if err != nil {
			t.Fatalf("letter %d: %v", n, err)
		}
		if isContact := strings.HasPrefix(from[0].Address, "contact"); isContact != b.fromContact(n) {
			t.Errorf("letter %d is from %s", n, from[0].Address)
		} else if isContact {
			wanted++
		}
		if bytes.Contains(raw, []byte(private)) == b.fromContact(n) {
			t.Errorf("letter %d: the mark of private mail is wrong", n)
		}
		if _, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
			t.Error(err)
		}
		if _, err := io.Copy(io.Discard, m.Body); err != nil {
			t.Fatal(err)
		}
		headers += bytes.Index(raw, []byte("\r\n\r\n"))
	}
	if average := headers / count; average < 2000 || average > 4000 {
		t.Errorf("a header has %d bytes on average, not 2,000 to 4,000", average)
	}
	if wanted != count/5 {
		t.Errorf("%d letters are from contacts", wanted)
	}
}

func TestLongTailMeetsItsTotals(t *testing.T) {
	b := mailbag{seed: 7, owner: "a@office.example", share: 20, start: beginning}
	const count, total, wanted = 400, 40e6, 2e6
	attached := b.longTail(count, total, wanted)
	var sum [2]float64
	largest := 0
	for n := range count {
		size := len(b.letter(n, attached(n)))
		largest = max(largest, size)
		sum[b.group(n)] += float64(size)
	}
	for who, want := range [2]float64{total - wanted, wanted} {
		if sum[who] < 0.98*want || sum[who] > 1.02*want {
			t.Errorf("group %d has %.0f bytes, not %.0f", who, sum[who], want)
		}
	}
	if largest < 20*total/count {
		t.Errorf("the largest letter has %d bytes: no long tail", largest)
	}
}
