package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"mime/multipart"
	"net/textproto"
	"slices"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
)

// place is a folder of one of the office's mailboxes.
type place struct {
	mailbox string // the address
	folder  string
}

// demoMail is a mail of the demo, before it is put into words on the wire.
type demoMail struct {
	from, to, cc mailPerson
	subject      string
	body         string
	id           string // Message-ID; the office makes one where none is given
	answers      string // the Message-ID that it replies to, if any
	automatic    bool   // sent by an absence notice (RFC 3834)
	oldJapanese  bool   // in ISO-2022-JP, as older Japanese programs send
	attached     string // the name of a small attached file
	into         []place
}

type mailPerson struct{ name, address string }

// The people of the demo. The office is acme.example; contacts are customers
// on record, everybody else is nobody's business.
var (
	aoi  = mailPerson{"田中 葵", "aoi@acme.example"}
	ben  = mailPerson{"Ben Carter", "ben@acme.example"}
	chie = mailPerson{"佐藤 千恵", "chie@acme.example"}
	dan  = mailPerson{"Dan Weber", "dan@acme.example"}
	info = mailPerson{"Acme", "info@acme.example"}

	mori  = mailPerson{"森 由紀", "yuki.mori@hanabi.example"}
	rossi = mailPerson{"Elena Rossi", "elena@rossi.example"}
	baker = mailPerson{"Tom Baker", "tom@baker.example"}

	dentist = mailPerson{"Dr. Otani", "reminder@dentist.example"}
	agency  = mailPerson{"Kim Larsen", "kim@agency.example"}
	shop    = mailPerson{"Parcel service", "noreply@parcels.example"}
)

const (
	folderInbox      = "INBOX"
	folderSent       = "Sent"
	folderSentOfAoi  = "送信済み"
	folderJunk       = "Junk"
	folderOfProjects = "Projects"
)

// round returns the letters of the n-th round, in the order in which they
// arrive. Each shows one thing that the import rules decide.
func round(n int) []demoMail {
	order := fmt.Sprintf("order %d", 1040+n)
	ask, answer := fmt.Sprintf("ask-%d@rossi.example", n), fmt.Sprintf("offer-%d@acme.example", n)
	quote, reply := fmt.Sprintf("mitsumori-%d@hanabi.example", n), fmt.Sprintf("henshin-%d@acme.example", n)
	return []demoMail{
		{from: rossi, to: dan, subject: "Chairs for " + order, into: []place{{dan.address, folderInbox}},
			body: "Hello Dan,\n\ncould you send me an offer for 40 chairs?\n\nElena", id: ask},
		{from: dentist, to: aoi, subject: "Your appointment on Tuesday", into: []place{{aoi.address, folderInbox}},
			body: "This is between you and us."},
		{from: mori, to: info, subject: fmt.Sprintf("見積もりのお願い（%d）", n), into: []place{{info.address, folderInbox}},
			body: "アクメ株式会社 御中\n\n椅子40脚の見積もりをお願いいたします。\n\n花火商事　森", id: quote, oldJapanese: true},
		{from: ben, to: aoi, subject: "Lunch?", into: []place{{aoi.address, folderInbox}},
			body: "The noodle place at noon?"},
		{from: dan, to: rossi, subject: "Re: Chairs for " + order, into: []place{{dan.address, folderSent}},
			body: "Dear Elena,\n\nour offer is attached.\n\nDan", id: answer, answers: ask, attached: "offer.csv"},
		{from: agency, to: dan, cc: rossi, subject: "Trade fair in May", into: []place{{dan.address, folderInbox}},
			body: "Dan, do you come this year? Elena's company has a stand."},
		{from: rossi, to: dan, subject: "Re: Chairs for " + order, into: []place{{dan.address, folderInbox}},
			body: "Dear Dan,\n\nthat is fine, we take them.\n\nElena\n\n> our offer is attached.", answers: answer},
		{from: aoi, to: mori, subject: fmt.Sprintf("Re: 見積もりのお願い（%d）", n), into: []place{{aoi.address, folderSentOfAoi}},
			body: "森様\n\nお見積もりをお送りいたします。\n\n田中", id: reply, answers: quote, attached: "見積書.csv"},
		{from: mori, to: aoi, subject: "自動返信: 不在のお知らせ", into: []place{{aoi.address, folderInbox}},
			body: "ただいま休暇をいただいております。月曜日にご連絡いたします。", answers: reply, automatic: true},
		{from: baker, to: info, subject: "Invoice of " + order,
			into: []place{{info.address, folderInbox}, {dan.address, folderOfProjects}},
			body: "Hello,\n\nplease find our invoice attached.\n\nTom", attached: "invoice.csv"},
		{from: shop, to: dan, subject: "Your parcel is on its way", into: []place{{dan.address, folderInbox}},
			body: "It will be at your door tomorrow."},
	}
}

// wire is the letter as it travels (RFC 5322).
func (l demoMail) wire(now time.Time) ([]byte, error) {
	charset, encode := "utf-8", func(s string) string { return s }
	if l.oldJapanese {
		charset = "iso-2022-jp"
		encode = func(s string) string {
			// What it can't encode it replaces; the texts above have none.
			out, _ := encoding.ReplaceUnsupported(japanese.ISO2022JP.NewEncoder()).String(s)
			return out
		}
	}
	word := func(s string) string {
		if l.oldJapanese {
			return "=?ISO-2022-JP?B?" + base64.StdEncoding.EncodeToString([]byte(encode(s))) + "?="
		}
		return mime.BEncoding.Encode("utf-8", s)
	}
	person := func(p mailPerson) string { return word(p.name) + " <" + p.address + ">" }

	var b bytes.Buffer
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	field("From", person(l.from))
	field("To", person(l.to))
	if l.cc.address != "" {
		field("Cc", person(l.cc))
	}
	field("Subject", word(l.subject))
	field("Date", now.Format(time.RFC1123Z))
	field("Message-ID", "<"+l.id+">")
	if l.answers != "" {
		field("In-Reply-To", "<"+l.answers+">")
		field("References", "<"+l.answers+">")
	}
	if l.automatic {
		field("Auto-Submitted", "auto-replied")
	}
	field("MIME-Version", "1.0")

	parts := multipart.NewWriter(&b)
	field("Content-Type", "multipart/mixed; boundary="+parts.Boundary())
	b.WriteString("\r\n")
	err := writePart(parts, "text/plain; charset="+charset, "inline", encode(l.body))
	if err == nil && l.attached != "" {
		disposition := mime.FormatMediaType("attachment", map[string]string{"filename": l.attached})
		err = writePart(parts, "text/csv; charset=utf-8", disposition, "item,count,price\nchair,40,59.00\n")
	}
	err = errors.Join(err, parts.Close())
	return b.Bytes(), err
}

// writePart writes a part in base64, in lines of 76 characters (RFC 2045
// section 6.8).
func writePart(parts *multipart.Writer, contentType, disposition, content string) error {
	w, err := parts.CreatePart(textproto.MIMEHeader{
		"Content-Type":              {contentType},
		"Content-Disposition":       {disposition},
		"Content-Transfer-Encoding": {"base64"},
	})
	if err != nil {
		return err
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(content))
	for line := range slices.Chunk([]byte(encoded), 76) {
		if _, err := fmt.Fprintf(w, "%s\r\n", line); err != nil {
			return err
		}
	}
	return nil
}
