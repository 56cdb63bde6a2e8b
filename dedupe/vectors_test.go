package dedupe_test

import (
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/vectortest"
	"mailsyncd.example/dedupe"
	"mailsyncd.example/sync/letter"
)

type pair struct {
	Name string
	A, B string
	Same bool
}

// The messages are read as intake reads them.
func TestVectors(t *testing.T) {
	var file struct{ Cases []pair }
	vectortest.Read(t, "same-message.json", &file)
	for _, c := range file.Cases {
		t.Run(c.Name, c.run)
	}
}

func (c pair) run(t *testing.T) {
	if got := identify(t, c.A) == identify(t, c.B); got != c.Same {
		t.Errorf("same: %v, want %v", got, c.Same)
	}
}

// identify returns the identity of a message once all of it has been read, and
// makes sure that its header alone, if it is enough, gives the same.
func identify(t *testing.T, raw string) crm.Identity {
	t.Helper()
	whole, err := letter.Open(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	id, ok := dedupe.Identify(whole.Head, &whole.Digest)
	if !ok {
		t.Fatal("no identity though everything is known")
	}
	header, _, _ := strings.Cut(raw, "\r\n\r\n")
	early, ok := dedupe.Identify(letter.ReadHead([]byte(header+"\r\n\r\n")), nil)
	if ok != (whole.HeaderID != "") {
		t.Errorf("identified by the header alone: %v, with Message-ID %q", ok, whole.HeaderID)
	}
	if ok && early != id {
		t.Error("the header alone gives another identity than the whole message")
	}
	return id
}

// More of the same kind: what gateways, lists and mailers do to copies.
func TestCopies(t *testing.T) {
	const (
		sender = "From: Ken <ken@customer.example>\r\nTo: info@acme.example\r\n"
		date   = "Date: Mon, 2 Mar 2026 10:00:00 +0900\r\n"
		id     = "Message-ID: <1@customer.example>\r\n"
		plain  = "Content-Type: text/plain; charset=utf-8\r\n"
		head   = id + date + sender
		body   = "\r\nPlease send the estimate.\r\n"
	)
	for _, c := range []pair{
		{"tagged by a gateway", head + "Subject: Estimate\r\n" + body, head + "Subject: [EXTERNAL] Estimate\r\n" + body, true},
		{"tagged in Japanese, in an encoded word", head + "Subject: Estimate\r\n" + body, head + "Subject: =?UTF-8?B?44CQ56S+5aSW44CR?= Estimate\r\n" + body, true},
		{"a footer added by a list", head + "Subject: Estimate\r\n" + body, head + "Subject: [sales:12] Estimate\r\n" + body + "-- \r\nfooter\r\n", true},
		{"subject in another charset", head + "Subject: =?ISO-2022-JP?B?GyRCOCtAURsoQg==?=\r\n" + body, head + "Subject: =?UTF-8?B?6KaL56mN?=\r\n" + body, true},
		{"names rewritten", head + "Subject: x\r\n" + body, strings.Replace(head, "Ken <ken@customer.example>", "KEN@customer.example (Ken)", 1) + "Subject: x\r\n" + body, true},
		{"Bcc kept in the sender's copy", head + "Subject: x\r\n" + body, head + "Bcc: x@other.example\r\nSubject: x\r\n" + body, true},
		{"without Message-ID, re-encoded", date + sender + plain + body, date + sender + plain + "Content-Transfer-Encoding: quoted-printable\r\n\r\nPlease send the =65stimate.\r\n", true},
		{"without Message-ID, a second later", date + sender + body, strings.Replace(date, ":00 ", ":01 ", 1) + sender + body, false},
		{"two Message-IDs", head + body, strings.Replace(head, "<1@", "<2@", 1) + body, false},
		{"Message-ID lost on one way", head + body, date + sender + body, false},
	} {
		t.Run(c.Name, c.run)
	}
}
