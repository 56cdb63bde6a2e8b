package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"math/rand/v2"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"

	"golang.org/x/text/encoding/japanese"
)

// private stands in the body of every letter that is nobody's business. A wire
// that carries it has carried what the rules refuse.
const private = "PRIVATE-LETTER-NOT-FOR-THE-CRM"

const (
	contactCount  = 1000 // contacts on record
	strangerCount = 4000 // people who write as well
)

// mailbag is the mail of one mailbox: Japanese and English, with the header
// fields that mail picks up on its way. The same bag always holds the same.
type mailbag struct {
	seed  uint64
	owner string    // the address to which it was sent
	share int       // one letter in so many is from a contact; 0 is none
	plain bool      // text only, as people type it
	start time.Time // when the first was received; one more each minute
}

// beginning is when mail begins in every bag: a Monday morning.
var beginning = time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)

// person is somebody who writes or is written to.
type person struct{ name, address string }

func (p person) String() string {
	if p.name == "" {
		return p.address
	}
	return mime.BEncoding.Encode("utf-8", p.name) + " <" + p.address + ">"
}

// contact is the n-th contact on record, in the CRM too.
func contact(n int) person { return named("contact", n) }

var (
	familyNames = strings.Fields("佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 Smith Johnson Müller Brown Garcia Miller")
	givenNames  = strings.Fields("花子 太郎 健一 美咲 翔太 陽子 直樹 恵 拓也 由美 Emma Liam Olivia Noah Ava Lucas")
	domains     = strings.Fields("example.jp shop.example.co.jp example.com mail.example.org example.net trading.example.com")
)

func named(kind string, n int) person {
	p := person{address: fmt.Sprintf("%s%04d@%s", kind, n, domains[n%len(domains)])}
	// People in one country have both names from there; one in five has none.
	if family, given := n%len(familyNames), n/16%len(givenNames); n%5 != 0 {
		if family < 10 {
			p.name = familyNames[family] + " " + givenNames[given%10]
		} else {
			p.name = givenNames[10+given%6] + " " + familyNames[family]
		}
	}
	return p
}

// fromContact tells whether the n-th letter is one that the rules import.
func (b mailbag) fromContact(n int) bool { return b.share > 0 && n%b.share == b.share/2 }

// received is when the n-th letter came in.
func (b mailbag) received(n int) time.Time { return b.start.Add(time.Duration(n) * time.Minute) }

// turns is how many letters a conversation has.
const turns = 3

// conversation returns the number of the letter that began the one to which
// the n-th belongs, and of the one that it answers: n where it answers none.
// Everybody in it is one and the same correspondent.
func (b mailbag) conversation(n int) (first, before int) {
	step := max(b.share, 1)
	turn := n / step % turns
	return n - turn*step, n - min(turn, 1)*step
}

// sender is who wrote the n-th letter.
func (b mailbag) sender(n int) person {
	first, _ := b.conversation(n)
	r := rand.New(rand.NewPCG(b.seed, math.MaxUint64-uint64(first)))
	if b.fromContact(n) {
		return contact(r.IntN(contactCount))
	}
	return named("stranger", r.IntN(strangerCount))
}

// letter writes the n-th letter, with so many bytes attached before they are
// encoded, in the form in which mail travels (CRLF).
func (b mailbag) letter(n, attached int) []byte {
	r := rand.New(rand.NewPCG(b.seed, uint64(n)))
	w := &writer{rand: r, bag: b, n: n, from: b.sender(n)}
	w.japanese = r.IntN(3) > 0
	w.journey()
	w.envelope()
	w.content(attached)
	return bytes.ReplaceAll(w.out.Bytes(), []byte("\n"), []byte("\r\n"))
}

// writer writes one letter, line by line.
type writer struct {
	rand     *rand.Rand
	out      bytes.Buffer
	bag      mailbag
	n        int
	from     person
	japanese bool
}

func (w *writer) f(format string, args ...any) { fmt.Fprintf(&w.out, format, args...) }

// token is a piece of base64 such as ids and signatures are made of.
func (w *writer) token(n int) string {
	raw := make([]byte, n)
	for i := range raw {
		raw[i] = byte(w.rand.Uint32())
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// journey writes what servers add: about two thirds of a header.
func (w *writer) journey() {
	at := w.bag.received(w.n)
	domain := w.from.address[strings.Index(w.from.address, "@")+1:]
	w.f("Return-Path: <%s>\nDelivered-To: %s\n", w.from.address, w.bag.owner)
	for hop := range 2 + w.rand.IntN(3) {
		w.f("Received: from mx%d.%s (mx%d.%s [192.0.2.%d])\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\n"+
			"\tby mx%d.office.example (Postfix) with ESMTPS id %s\n\tfor <%s>; %s\n",
			hop, domain, hop, domain, 1+w.rand.IntN(250), hop+1, w.token(9), w.bag.owner,
			at.Add(-time.Duration(hop)*time.Second).Format(time.RFC1123Z))
	}
	w.f("Authentication-Results: mx.office.example;\n\tdkim=pass header.d=%s header.s=s2026 header.b=%s;\n"+
		"\tspf=pass smtp.mailfrom=%s;\n\tdmarc=pass (p=reject) header.from=%s\n", domain, w.token(6), w.from.address, domain)
	for range 1 + w.rand.IntN(2) {
		w.f("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=%s; s=s2026;\n\tt=%d; bh=%s;\n"+
			"\th=From:To:Cc:Subject:Date:Message-ID:MIME-Version:Content-Type;\n\tb=", domain, at.Unix(), w.token(32))
		for range 5 {
			w.f("%s\n\t ", w.token(51))
		}
		w.f("%s\n", w.token(4))
	}
}

// envelope writes what people see of a header.
func (w *writer) envelope() {
	someone := func() person { return named("stranger", w.rand.IntN(strangerCount)) }
	w.f("From: %s\nTo: %s", w.from, person{"株式会社オフィス", w.bag.owner})
	if w.rand.IntN(4) == 0 {
		w.f(",\n\t%s", someone())
	}
	w.f("\n")
	if w.rand.IntN(4) == 0 {
		w.f("Cc: %s,\n\t%s\n", someone(), someone())
	}
	subject := w.pick(englishLines)
	if w.japanese {
		subject = w.pick(japaneseLines)
	}
	subject = string([]rune(subject)[:min(24, len([]rune(subject)))])
	w.f("Subject: %s\n", mime.BEncoding.Encode("utf-8", subject))
	w.f("Date: %s\n", w.bag.received(w.n).Format(time.RFC1123Z))
	w.f("Message-ID: <%s>\n", w.id(w.n))
	if first, before := w.bag.conversation(w.n); before != w.n {
		w.f("In-Reply-To: <%s>\nReferences: <%s>\n\t<%s>\n", w.id(before), w.id(first), w.id(before))
	}
	w.f("User-Agent: Mozilla Thunderbird\nMIME-Version: 1.0\n")
}

// id is the Message-ID of the n-th letter in the bag.
func (w *writer) id(n int) string {
	return fmt.Sprintf("%x.%06d.%s", w.bag.seed, n, strings.Replace(w.bag.owner, "@", "@mail.", 1))
}

// content writes the body: text, mostly HTML beside it, and an attachment
// where there are bytes for one.
func (w *writer) content(attached int) {
	text := w.text()
	if w.bag.plain && attached == 0 {
		w.textPart(text)
		return
	}
	mixed, alternative := "=_mixed_"+w.token(12), "=_alternative_"+w.token(12)
	if attached > 0 {
		w.f("Content-Type: multipart/mixed; boundary=\"%s\"\n\n--%s\n", mixed, mixed)
	}
	w.f("Content-Type: multipart/alternative; boundary=\"%s\"\n\n--%s\n", alternative, alternative)
	w.textPart(text)
	w.f("\n--%s\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n", alternative)
	w.html(text)
	w.f("\n--%s--\n", alternative)
	if attached > 0 {
		w.f("\n--%s\nContent-Type: application/pdf; name=\"quotation.pdf\"\nContent-Transfer-Encoding: base64\n"+
			"Content-Disposition: attachment; filename*=utf-8''%%E8%%A6%%8B%%E7%%A9%%8D%%E6%%9B%%B8.pdf\n\n", mixed)
		w.attachment(attached)
		w.f("\n--%s--\n", mixed)
	}
}

func (w *writer) pick(lines []string) string { return lines[w.rand.IntN(len(lines))] }

// text writes some paragraphs, and the mark where the letter is private.
func (w *writer) text() string {
	lines := englishLines
	if w.japanese {
		lines = japaneseLines
	}
	var b strings.Builder
	if !w.bag.fromContact(w.n) {
		b.WriteString(private + "\n\n")
	}
	for range 6 + w.rand.IntN(20) {
		b.WriteString(w.pick(lines) + "\n")
		if w.rand.IntN(4) == 0 {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// textPart writes text/plain as mail programs do: half of the Japanese in
// ISO-2022-JP, the rest in UTF-8.
func (w *writer) textPart(text string) {
	if w.japanese && w.rand.IntN(2) == 0 {
		if jis, err := japanese.ISO2022JP.NewEncoder().String(text); err == nil {
			w.f("Content-Type: text/plain; charset=iso-2022-jp\nContent-Transfer-Encoding: 7bit\n\n%s", jis)
			return
		}
	}
	w.f("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n%s", text)
}

func (w *writer) html(text string) {
	q := quotedprintable.NewWriter(&lineFeeds{&w.out})
	fmt.Fprint(q, "<!DOCTYPE html><html><head><style>p{font-family:sans-serif;margin:0 0 1em}</style></head><body>")
	for line := range strings.Lines(text) {
		fmt.Fprintf(q, "<p>%s</p>\n", strings.TrimSuffix(line, "\n"))
	}
	fmt.Fprint(q, "</body></html>")
	_ = q.Close() // into memory
}

// lineFeeds takes the carriage returns out again that package
// quotedprintable writes.
type lineFeeds struct{ out *bytes.Buffer }

func (l *lineFeeds) Write(p []byte) (int, error) {
	l.out.Write(bytes.ReplaceAll(p, []byte("\r\n"), []byte("\n")))
	return len(p), nil
}

// attachment writes random bytes in base64: what a PDF or a photograph is to
// everybody on its way.
func (w *writer) attachment(size int) {
	line := make([]byte, 57)
	out := make([]byte, 76)
	for size > 0 {
		for i := 0; i+8 <= len(line); i += 8 {
			v := w.rand.Uint64()
			for k := range 8 {
				line[i+k] = byte(v >> (8 * k))
			}
		}
		part := line[:min(size, len(line))]
		base64.StdEncoding.Encode(out, part)
		w.out.Write(out[:base64.StdEncoding.EncodedLen(len(part))])
		w.out.WriteByte('\n')
		size -= len(part)
	}
}

var englishLines = []string{
	"Thank you for your call this morning; please find our answers below.",
	"We would like to order another forty units, delivered to the same address as before.",
	"Could you let us know by Friday whether the price for the larger model still stands?",
	"The samples arrived in good order, and our engineers have begun to look at them.",
	"I am out of the office on Thursday; my colleague will take care of it in the meantime.",
	"As discussed, the contract runs until the end of March and is renewed by the year.",
	"Please send the invoice to our accounting department, with the order number on it.",
	"The meeting is moved to Tuesday at three, same room as last time.",
	"Best regards, and have a good weekend.",
}

var japaneseLines = []string{
	"いつもお世話になっております。先日お問い合わせいただいた件につきまして、ご回答申し上げます。",
	"お見積書を添付いたしましたので、ご査収くださいますようお願いいたします。",
	"納期につきましては、ご注文をいただいてから二週間ほどを見込んでおります。",
	"次回のお打ち合わせは来週火曜日の午後三時からでいかがでしょうか。",
	"ご不明な点がございましたら、お気軽にお問い合わせください。",
	"請求書は経理部宛てにお送りいただけますと幸いです。注文番号の記載をお願いいたします。",
	"サンプルは無事に届きました。技術部にて確認を進めております。",
	"今後ともどうぞよろしくお願い申し上げます。",
}
