package bounce

import (
	"fmt"
	"net/textproto"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm"
)

// notice is one from a mail server to dan@acme.example.
func notice(text string) Notice {
	return Notice{
		Header: func(string) []string { return nil },
		People: []crm.Address{"mailer-daemon@acme.example", "dan@acme.example"},
		Text:   text,
	}
}

// soft and hard are what a notice says of one address.
func soft(a crm.Address, status string) crm.Bounce {
	return crm.Bounce{Address: a, Status: status, Severity: crm.Soft}
}

func hard(a crm.Address, status string) crm.Bounce {
	return crm.Bounce{Address: a, Status: status, Severity: crm.Hard}
}

func TestOf(t *testing.T) {
	const ken, ai = "ken@customer.example", "ai@customer.example"
	cases := []struct {
		name, text string
		want       []crm.Bounce
	}{
		{"qmail", "Hi. This is the qmail-send program at acme.example.\n\n<ken@customer.example>:\n192.0.2.25 does not like recipient.\nRemote host said: 550 5.1.1 no mailbox here\n" +
			"\n<ai@customer.example>:\nRemote host said: 552 5.2.2 Mailbox full\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <dan@acme.example>\nTo: ken@customer.example, ai@customer.example\n",
			[]crm.Bounce{hard(ken, "5.1.1"), soft(ai, "5.2.2")}},
		{"Exim", "A message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  ken@customer.example\n    Unrouteable address\n",
			[]crm.Bounce{hard(ken, "")}},
		{"Exim, after the content", "The following address(es) failed:\n\n  ken@customer.example\n    SMTP error from remote mail server after end of data:\n    550 Unknown user ken@customer.example\n",
			[]crm.Bounce{soft(ken, "")}},
		{"Postfix", "I'm sorry to have to inform you that your message could not\nbe delivered. For further assistance, please send mail to <postmaster@acme.example>\n\n<ken@customer.example>: host mx.customer.example said: 550\n    <ken@customer.example>: User unknown (in reply to RCPT TO command)\n",
			[]crm.Bounce{hard(ken, "")}},
		{"docomo, by way of Postfix", "<ken@docomo.ne.jp>: host mfsmax.docomo.ne.jp said: 550\n    Unknown user ken@docomo.ne.jp (in reply to end of DATA command)\n",
			[]crm.Bounce{soft("ken@docomo.ne.jp", "")}},
		{"au", "次のあて先へのメッセージはエラーのため送信できませんでした。\n送信先メールアドレスが見つかりませんでした。\n\n<ken@ezweb.ne.jp>: 550 user unknown (in reply to RCPT TO command)\n",
			[]crm.Bounce{hard("ken@ezweb.ne.jp", "")}},
		{"an address as the carriers once gave them out", "<ken..k.@docomo.ne.jp>: 550 Unknown user (in reply to RCPT TO command)\n", []crm.Bounce{hard("ken..k.@docomo.ne.jp", "")}},
		{"Sendmail's transcript", "   ----- The following addresses had permanent fatal errors -----\n<ken@customer.example>\n<ai@customer.example>\n\n   ----- Transcript of session follows -----\n" +
			"<<< 550 5.1.1 <ken@customer.example>... User unknown\n<<< 552 5.2.2 <ai@customer.example>... Mailbox full\n", []crm.Bounce{hard(ken, "5.1.1"), soft(ai, "5.2.2")}},
		{"Exchange", "Your message\n\n  To:      dan@acme.example\n  Subject: offer\n\ndid not reach the following recipient(s):\n\nken@customer.example on Thu, 29 Apr 2027 16:51:51 -0500\n    The recipient name is not recognized\n    Unknown Recipient\n",
			[]crm.Bounce{hard(ken, "")}},
		{"Exchange Online, with much to consider", "ken@customer.example\n\nThe email address wasn't found. It might be misspelled, or the mailbox is full.\n\nRemote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound'\n\nOriginal message headers:\n",
			[]crm.Bounce{hard(ken, "5.1.10")}},
		{"an address within Japanese text", "宛先support@customer.exampleへは送信できませんでした。宛先不明です。\n", []crm.Bounce{hard("support@customer.example", "")}},
		{"a bounce comes back", "Returned.\n\nReceived: from mail.acme.example\nFrom: MAILER-DAEMON@acme.example\nTo: ken@customer.example\n", nil},
		{"Exchange Online", "mx.customer.example rejected your message to the following email addresses:\n\nken@customer.example\n\nRemote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found'\n",
			[]crm.Bounce{hard(ken, "5.1.10")}},
		{"Gmail", "** Address not found **\n\nYour message wasn't delivered to ken@customer.example because the address couldn't be found. Check for typos or unnecessary spaces and try again.\n",
			[]crm.Bounce{hard(ken, "")}},
		{"behind an alias", "<taro@inner.customer.example> (expanded from <info@customer.example>): user\n    unknown\n", []crm.Bounce{soft("info@customer.example", "")}},
		{"on its way", "THIS IS A WARNING MESSAGE ONLY.\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\n<ken@customer.example>: Host not found\n", []crm.Bounce{soft(ken, "")}},
		{"only the returned message tells", "Your message could not be delivered: user unknown\n\n-----Original message-----\nFrom: dan@acme.example\nTo: Ken <ken@customer.example>\n", []crm.Bounce{hard(ken, "")}},
		{"a report in the text", "Technical report:\n\nReporting-MTA: dsn; mail.acme.example\nAction: failed\nFinal-Recipient: rfc822; ken@customer.example\nStatus: 5.1.1\n", []crm.Bounce{hard(ken, "5.1.1")}},
		{"nobody but us is named", "Your message could not be delivered, dan@acme.example. Contact postmaster@acme.example.\n", nil},
		{"nothing", "", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := Of(notice(c.text)); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %v\nwant %v", got, c.want)
			}
		})
	}
}

// What the header names counts before what the text says.
func TestFailedRecipients(t *testing.T) {
	n := notice("The following address(es) failed:\n\n  ken@customer.example\n    550 No such user\n")
	h := textproto.MIMEHeader{"X-Failed-Recipients": {"ken@customer.example"}}
	n.Header = func(name string) []string { return h.Values(name) }
	if got := Of(n); !slices.Equal(got, []crm.Bounce{hard("ken@customer.example", "")}) {
		t.Errorf("%v", got)
	}
}

// Who has their mail sent on is told apart from where it is sent to: the first may
// be well when the second is dead.
func TestSentOn(t *testing.T) {
	n := notice("")
	n.Reports = [][]byte{[]byte("Final-Recipient: rfc822; private@elsewhere.example\nAction: failed\nStatus: 5.1.1\n")}
	n.ReturnedHead = []byte("Received: from mail.acme.example by mx.customer.example\n\tfor <ken@customer.example>; Fri, 20 Nov 2026 10:00:00 +0900\nTo: ken@customer.example\n")
	if got := Of(n); !slices.Equal(got, []crm.Bounce{soft("ken@customer.example", "5.1.1")}) {
		t.Errorf("sent on: %v", got)
	}
	// Without a word of a server that Ken's had it, it may be a recipient of Bcc.
	n.ReturnedHead = []byte("To: ken@customer.example\n")
	if got := Of(n); !slices.Equal(got, []crm.Bounce{hard("private@elsewhere.example", "5.1.1")}) {
		t.Errorf("Bcc: %v", got)
	}
	n.Reports = [][]byte{[]byte("Original-Recipient: rfc822; ken@customer.example\nFinal-Recipient: rfc822; private@elsewhere.example\nAction: failed\nStatus: 5.1.1\n")}
	if got := Of(n); !slices.Equal(got, []crm.Bounce{soft("ken@customer.example", "5.1.1")}) {
		t.Errorf("as the report has it: %v", got)
	}
}

// The words beside a report that says 5.0.0 and no more.
func TestWordsBesideReport(t *testing.T) {
	n := notice("ken@customer.example: Domain does not exist\n")
	n.Reports = [][]byte{[]byte("Final-Recipient: rfc822; ken@customer.example\nAction: failed\nStatus: 5.0.0\n")}
	if got := Of(n); !slices.Equal(got, []crm.Bounce{hard("ken@customer.example", "5.0.0")}) {
		t.Errorf("%v", got)
	}
}

// A notice may name as many addresses as it likes.
func TestNoticeIsBounded(t *testing.T) {
	var b strings.Builder
	for i := range 20 * MaxAddresses {
		fmt.Fprintf(&b, "%d@customer.example: 550 5.1.1 User unknown\n", i)
	}
	n := notice(b.String())
	if got := Of(n); len(got) != MaxAddresses {
		t.Errorf("%d addresses in the text, want %d", len(got), MaxAddresses)
	}
	n.Header = func(string) []string {
		return []string{strings.ReplaceAll(b.String(), ": 550 5.1.1 User unknown\n", ", ")}
	}
	if got := Of(n); len(got) != MaxAddresses {
		t.Errorf("%d addresses in the header, want %d", len(got), MaxAddresses)
	}
}

// Ⱥ has two bytes, and three in lower case: places in one text are none in the
// other.
func TestLettersThatGrow(t *testing.T) {
	wide := strings.Repeat("Ⱥ", 40)
	n := notice(wide + "\n\nFinal-Recipient: rfc822; ken@customer.example\nAction: failed\nStatus: 5.1.1\n")
	if found := Of(n); len(found) != 1 || found[0] != hard("ken@customer.example", "5.1.1") {
		t.Errorf("a report in the text: %v", found)
	}
	if found := Of(notice(wide + " mail from ken@customer.example: refused")); len(found) != 0 {
		t.Errorf("the sender: %v", found)
	}
}

func FuzzOf(f *testing.F) {
	f.Add(strings.Repeat("Ⱥ", 20)+"final-recipient:", "", "")
	f.Add("<ken@customer.example>: 550 5.1.1 User unknown\n--- copy of the message\nTo: a@b.example\n", "Received: from a for <a@b.example>\nTo: a@b.example\n", "")
	f.Add("a@b (expanded from <c@d.example>)\nfinal-recipient: x\n\n>>> DATA\n<<< 550 unknown user", ":\n", "Final-Recipient: rfc822; a@b.example\nStatus: 5.0.0\n")
	f.Fuzz(func(t *testing.T, text, head, report string) {
		n := notice(strings.ToValidUTF8(text, ""))
		n.ReturnedHead = []byte(head)
		if report != "" {
			n.Reports = [][]byte{[]byte(report)}
		}
		found := Of(n)
		if len(found) > MaxAddresses {
			t.Errorf("%d addresses", len(found))
		}
		for _, b := range found {
			if !strings.Contains(string(b.Address), "@") || b.Severity != crm.Hard && b.Severity != crm.Soft {
				t.Errorf("%v", b)
			}
		}
	})
}
