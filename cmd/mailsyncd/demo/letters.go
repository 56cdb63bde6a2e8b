package demo

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

// Letter is a mail of the demo, before it is put into words on the wire.
type Letter struct {
	From, To, Cc Person
	Subject      string
	body         string
	id           string // Message-ID; the office makes one where none is given
	answers      string // the Message-ID that it replies to, if any
	automatic    bool   // sent by an absence notice (RFC 3834)
	oldJapanese  bool   // in ISO-2022-JP, as older Japanese programs send
	attached     string // the name of a small attached file
	into         []place
}

// Person writes mail, or gets it.
type Person struct{ Name, Address string }

// The people of the demo. The office is acme.example; contacts are customers
// on record, everybody else is nobody's business.
var (
	Aoi  = Person{"田中 葵", "aoi@acme.example"}
	Ben  = Person{"Ben Carter", "ben@acme.example"}
	Chie = Person{"佐藤 千恵", "chie@acme.example"}
	Dan  = Person{"Dan Weber", "dan@acme.example"}
	Info = Person{"Acme", "info@acme.example"}

	Mori  = Person{"森 由紀", "yuki.mori@hanabi.example"}
	Rossi = Person{"Elena Rossi", "elena@rossi.example"}
	Baker = Person{"Tom Baker", "tom@baker.example"}

	dentist = Person{"Dr. Otani", "reminder@dentist.example"}
	agency  = Person{"Kim Larsen", "kim@agency.example"}
	shop    = Person{"Parcel service", "noreply@parcels.example"}
)

// The folders of a mailbox.
const (
	Inbox     = "INBOX"
	sent      = "Sent"
	sentOfAoi = "送信済み"
	junk      = "Junk"
	projects  = "Projects"
)

// Round returns the letters of the n-th round, in the order in which they
// arrive. Each shows one thing that the import rules decide.
func Round(n int) []Letter {
	order := fmt.Sprintf("order %d", 1040+n)
	ask, answer := fmt.Sprintf("ask-%d@rossi.example", n), fmt.Sprintf("offer-%d@acme.example", n)
	quote, reply := fmt.Sprintf("mitsumori-%d@hanabi.example", n), fmt.Sprintf("henshin-%d@acme.example", n)
	return []Letter{
		{From: Rossi, To: Dan, Subject: "Chairs for " + order, into: []place{{Dan.Address, Inbox}},
			body: "Hello Dan,\n\ncould you send me an offer for 40 chairs?\n\nElena", id: ask},
		{From: dentist, To: Aoi, Subject: "Your appointment on Tuesday", into: []place{{Aoi.Address, Inbox}},
			body: "This is between you and us."},
		{From: Mori, To: Info, Subject: fmt.Sprintf("見積もりのお願い（%d）", n), into: []place{{Info.Address, Inbox}},
			body: "アクメ株式会社 御中\n\n椅子40脚の見積もりをお願いいたします。\n\n花火商事　森", id: quote, oldJapanese: true},
		{From: Ben, To: Aoi, Subject: "Lunch?", into: []place{{Aoi.Address, Inbox}},
			body: "The noodle place at noon?"},
		{From: Dan, To: Rossi, Subject: "Re: Chairs for " + order, into: []place{{Dan.Address, sent}},
			body: "Dear Elena,\n\nour offer is attached.\n\nDan", id: answer, answers: ask, attached: "offer.csv"},
		{From: agency, To: Dan, Cc: Rossi, Subject: "Trade fair in May", into: []place{{Dan.Address, Inbox}},
			body: "Dan, do you come this year? Elena's company has a stand."},
		{From: Rossi, To: Dan, Subject: "Re: Chairs for " + order, into: []place{{Dan.Address, Inbox}},
			body: "Dear Dan,\n\nthat is fine, we take them.\n\nElena\n\n> our offer is attached.", answers: answer},
		{From: Aoi, To: Mori, Subject: fmt.Sprintf("Re: 見積もりのお願い（%d）", n), into: []place{{Aoi.Address, sentOfAoi}},
			body: "森様\n\nお見積もりをお送りいたします。\n\n田中", id: reply, answers: quote, attached: "見積書.csv"},
		{From: Mori, To: Aoi, Subject: "自動返信: 不在のお知らせ", into: []place{{Aoi.Address, Inbox}},
			body: "ただいま休暇をいただいております。月曜日にご連絡いたします。", answers: reply, automatic: true},
		{From: Baker, To: Info, Subject: "Invoice of " + order,
			into: []place{{Info.Address, Inbox}, {Dan.Address, projects}},
			body: "Hello,\n\nplease find our invoice attached.\n\nTom", attached: "invoice.csv"},
		{From: shop, To: Dan, Subject: "Your parcel is on its way", into: []place{{Dan.Address, Inbox}},
			body: "It will be at your door tomorrow."},
	}
}

// wire is the letter as it travels (RFC 5322).
func (l Letter) wire(now time.Time) ([]byte, error) {
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
	person := func(p Person) string { return word(p.Name) + " <" + p.Address + ">" }

	var b bytes.Buffer
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	field("From", person(l.From))
	field("To", person(l.To))
	if l.Cc.Address != "" {
		field("Cc", person(l.Cc))
	}
	field("Subject", word(l.Subject))
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
