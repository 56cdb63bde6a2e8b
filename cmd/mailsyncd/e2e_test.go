package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

const (
	elena  = "Elena <elena@rossi.example>"
	yuki   = "=?UTF-8?B?5qOuIOeUsee0gA==?= <yuki.mori@hanabi.example>"
	doctor = "Dentist <reminder@dentist.example>"
	danTo  = "Dan <dan@acme.example>"
	infoTo = "info@acme.example"
)

// Two users link their mailboxes, two more the group's, over the API of a
// daemon, with mailboxes on a real Dovecot.
func TestMailOfCustomersReachesTheCRM(t *testing.T) {
	dovecot := dovecottest.Start(t, dovecottest.Folder("Sent", `\Sent`))
	f := openFirm(t, serve(t, t.TempDir()), dovecot, "elena@rossi.example", "yuki.mori@hanabi.example")
	aoi, dan := f.user("aoi", crm.RoleOwner), f.user("dan", crm.RoleUser)
	ben, chie := f.user("ben", crm.RoleAdmin), f.user("chie", crm.RoleManager)
	for _, address := range []string{"aoi@acme.example", "dan@acme.example", infoTo} {
		f.mailbox(address)
	}
	dovecot.Deliver(t, "dan@acme.example", mailOf("old@x", elena, danTo, "Before the link", "old"))
	ofAoi, ofDan := f.link(aoi, "aoi@acme.example"), f.link(dan, "dan@acme.example")
	ofBen, ofChie := f.link(ben, infoTo), f.link(chie, infoTo)
	if ofBen.MailboxID != ofChie.MailboxID {
		t.Errorf("two users of one mailbox got mailboxes %s and %s", ofBen.MailboxID, ofChie.MailboxID)
	}

	both := mailOf("both@rossi", elena, danTo+", "+infoTo, "To both", "one mail, two mailboxes")
	dovecot.Deliver(t, "dan@acme.example", mailOf("ask@rossi", elena, danTo, "An offer, please", "40 chairs"))
	dovecot.Append(t, "dan@acme.example", "Sent", mailOf("offer@acme", danTo, elena, "Re: An offer, please", "here",
		"In-Reply-To: <ask@rossi>", "References: <ask@rossi>"), time.Time{})
	dovecot.Deliver(t, "dan@acme.example", both)
	dovecot.Deliver(t, infoTo, both)
	dovecot.Deliver(t, infoTo, mailOf("mori@hanabi", yuki, infoTo, "=?UTF-8?B?6KaL56mN44KC44KK?=", "お願いいたします"))
	dovecot.Deliver(t, "aoi@acme.example", mailOf("tooth@dentist", doctor, "aoi@acme.example", "Tuesday", "private"))
	dovecot.Deliver(t, "aoi@acme.example", mailOf("lunch@acme", danTo, "aoi@acme.example", "Lunch?", "noon"))
	dovecot.Deliver(t, "aoi@acme.example", mailOf("fair@x", doctor, "aoi@acme.example", "Fair", "x", "Cc: "+elena))
	f.look(aoi, ofAoi)
	f.look(dan, ofDan)
	f.look(ben, ofBen)

	want := []string{"An offer, please", "Re: An offer, please", "To both", "見積もり"}
	if got := f.subjects(); !slices.Equal(got, want) {
		t.Errorf("imported %q, want %q", got, want)
	}
	threadOf := map[string]string{}
	for _, m := range f.messages() {
		threadOf[m.Subject] = m.ThreadID
		if copies := map[string]int{"To both": 2}[m.Subject]; len(m.Sightings) != max(1, copies) {
			t.Errorf("%s has %d sightings", m.Subject, len(m.Sightings))
		}
		if outbound := m.Subject == "Re: An offer, please"; outbound != (m.Direction == crm.Outbound) {
			t.Errorf("%s is %s", m.Subject, m.Direction)
		}
	}
	if threadOf["An offer, please"] != threadOf["Re: An offer, please"] || threadOf["To both"] == threadOf["An offer, please"] {
		t.Errorf("threads: %v", threadOf)
	}

	health := f.balance(ofAoi.MailboxID)
	for refusal, n := range map[crm.Outcome]int64{crm.NoContact: 1, crm.InternalOnly: 1, crm.ContactOnlyInCc: 1} {
		if health.Refused[refusal] != n {
			t.Errorf("refused as %s: %d, want %d", refusal, health.Refused[refusal], n)
		}
	}
	for _, l := range []link{ofAoi, ofDan, ofBen} {
		if h := f.balance(l.MailboxID); h.Balance.Unexplained != 0 || h.Receipt.RefusedBodies != 0 {
			t.Errorf("%v: %d unexplained, %d refused bodies read", h.Addresses, h.Balance.Unexplained, h.Receipt.RefusedBodies)
		}
	}
}

// What the daemon says to the server, and hears from it, is the proof that
// private mail stays private and the mailbox as it was.
func TestRefusedMailIsNotReadAndNothingIsChanged(t *testing.T) {
	dovecot := dovecottest.Start(t)
	proxy := dovecot.Proxy(t, dovecot.IMAPPort)
	f := openFirm(t, serve(t, t.TempDir()), dovecot, "elena@rossi.example")
	dan := f.user("dan", crm.RoleUser)
	f.mailbox("dan@acme.example")
	proxy.Record()
	l := call[link](t, dan, http.MethodPost, "/v1/links", map[string]any{
		"address": "dan@acme.example", "username": "dan@acme.example", "password": passwordOf("dan@acme.example"),
		"imap": map[string]any{"host": dovecottest.Host, "port": proxy.Port(), "security": crm.SecurityNone},
	})
	for range 20 {
		dovecot.Deliver(t, "dan@acme.example", mailOf("", doctor, danTo, "Tuesday-is-private", "no-word-of-this "+strings.Repeat("x", 5000)))
	}
	dovecot.Deliver(t, "dan@acme.example", mailOf("ask@rossi", elena, danTo, "An offer, please", "forty-chairs"))
	f.look(dan, l)

	said, heard := proxy.Transcript()
	for _, private := range []string{"Tuesday-is-private", "no-word-of-this"} {
		if strings.Contains(heard, private) {
			t.Errorf("the server was asked for %q", private)
		}
	}
	if !strings.Contains(heard, "forty-chairs") {
		t.Error("the customer's mail was not read; the transcript proves nothing")
	}
	for line := range strings.Lines(said) {
		words := strings.Fields(strings.ToUpper(line))
		for _, changing := range []string{"SELECT", "STORE", "COPY", "MOVE", "APPEND", "EXPUNGE", "DELETE", "CREATE"} {
			if slices.Contains(words[:min(3, len(words))], changing) {
				t.Errorf("the daemon said %q", line)
			}
		}
		if strings.Contains(strings.ReplaceAll(line, "BODY.PEEK[", ""), "BODY[") {
			t.Errorf("the daemon marked mail as read: %q", line)
		}
	}
	if h := f.balance(l.MailboxID); h.Receipt.Envelopes != 21 || h.Receipt.Bodies != 1 || h.Receipt.RefusedBodies != 0 {
		t.Errorf("the receipt says %+v", h.Receipt)
	}
}

// Mail is told by an event without anybody asking for a look.
func TestNewsArrivesByItself(t *testing.T) {
	dovecot := dovecottest.Start(t)
	f := openFirm(t, serve(t, t.TempDir()), dovecot, "elena@rossi.example")
	dan := f.user("dan", crm.RoleUser)
	f.mailbox("dan@acme.example")
	l := f.link(dan, "dan@acme.example")
	f.look(dan, l)
	events := f.follow()
	dovecot.Deliver(t, "dan@acme.example", mailOf("ask@rossi", elena, danTo, "An offer, please", "40 chairs"))
	events.wait(crm.MessageImported)
	if got := f.subjects(); !slices.Equal(got, []string{"An offer, please"}) {
		t.Errorf("imported %q", got)
	}
}

// A group's mailbox goes on with the credential of those who stay.
func TestGroupMailboxOutlivesOneOfItsLinks(t *testing.T) {
	dovecot := dovecottest.Start(t)
	f := openFirm(t, serve(t, t.TempDir()), dovecot, "elena@rossi.example")
	ben, chie := f.user("ben", crm.RoleAdmin), f.user("chie", crm.RoleManager)
	f.mailbox(infoTo)
	ofBen, ofChie := f.link(ben, infoTo), f.link(chie, infoTo)
	dovecot.Deliver(t, infoTo, mailOf("1@rossi", elena, infoTo, "First", "x"))
	f.look(ben, ofBen)
	do(t, ben, http.MethodDelete, "/v1/links/"+ofBen.ID, nil)
	dovecot.Deliver(t, infoTo, mailOf("2@rossi", elena, infoTo, "Second", "x"))
	f.look(chie, ofChie)
	if got := f.subjects(); !slices.Equal(got, []string{"First", "Second"}) {
		t.Errorf("imported %q", got)
	}
	if h := f.balance(ofChie.MailboxID); h.Balance.Unexplained != 0 || h.Imported != 2 {
		t.Errorf("imported %d, unexplained %d", h.Imported, h.Balance.Unexplained)
	}
}
