package imapbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox"
)

const (
	askTyped      = "(UID INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM TO CC BCC CONTENT-TYPE)])"
	askStatusHead = "(UID BODY.PEEK[2.MIME])"
	askStatus     = "(UID BODY.PEEK[2]<0.60>)"
)

// statuses is what Statuses hands over of at most 60 bytes each, a line each.
func statuses(t *testing.T, b *imapbox.Box, uids ...crm.UID) (lines []string, err error) {
	t.Helper()
	err = b.Statuses(t.Context(), uids, 60, func(uid crm.UID, content []byte) {
		lines = append(lines, fmt.Sprintf("%d %q", uid, content))
	})
	return lines, err
}

func TestTypedEnvelopes(t *testing.T) {
	at := `INTERNALDATE "05-Nov-2026 01:00:00 +0000" RFC822.SIZE 9 BODY[HEADER.FIELDS (FROM TO CC BCC CONTENT-TYPE)]`
	kinds := []string{
		`multipart/report; report-type=delivery-status; boundary=x`,
		`Multipart/Report; boundary="report-type=x";\r\n REPORT-TYPE="Delivery-Status"`,
		`multipart/report; boundary=x`,
		`multipart/report; report-type=feedback-report`,
		`multipart/mixed; report-type=delivery-status`,
		`text/plain\r\nContent-Type: multipart/report; report-type=delivery-status`,
	}
	script := "C: m3 UID FETCH 1:7 " + askTyped + "\n"
	for i, kind := range kinds {
		text := "From: a@b.example\\r\\nContent-Type: " + kind + "\\r\\n\\r\\n"
		n := len(strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(text))
		script += fmt.Sprintf("S: * %d FETCH (UID %d %s {%d}\ns: %s\nS: )\n", i+1, i+1, at, n, text)
	}
	b := lyingFolder(t, "", script+"S: * 7 FETCH (UID 7 "+at+` "From: a@b.example")`+"\nS: m3 OK done\n")
	var reports []crm.UID
	must(t, b.TypedEnvelopes(t.Context(), 1, 7, func(e crm.Envelope, err error) {
		if err != nil || len(e.From) != 1 || e.Size != 9 {
			t.Errorf("envelope %+v, %v", e, err)
		}
		if e.Report {
			reports = append(reports, e.UID)
		}
	}))
	if fmt.Sprint(reports) != "[1 2]" {
		t.Errorf("UIDs %v are delivery reports, want 1 and 2", reports)
	}
}

// Only where the header of the second part says that it is a delivery status is
// its content asked for, and no more of it than wanted.
func TestStatuses(t *testing.T) {
	b := lyingFolder(t, "", `
		C: m3 UID FETCH 1:7,9 `+askStatusHead+`
		S: * 1 FETCH (UID 1 BODY[2.MIME] {40}
		s: Content-Type: message/delivery-status\r\n\r
		S: )
		S: * 2 FETCH (UID 2 BODY[2.MIME] "Content-Type: text/plain")
		S: * 3 FETCH (UID 3 BODY[2.MIME] NIL)
		S: * 4 FETCH (BODY[2.MIME] {84}
		s: Content-Transfer-Encoding: BASE64\r\nContent-Type: message/global-delivery-status\r\n\r\n
		S:  UID 4)
		S: * 5 FETCH (UID 5 BODY[2.MIME] "content-type:message/delivery-status; name=x")
		S: * 6 FETCH (UID 6 FLAGS (\Seen))
		S: * 9 FETCH (UID 9 BODY[2.MIME] "Content-Type: message/rfc822")
		S: * 8 FETCH (UID 8 BODY[2.MIME] "Content-Type: message/delivery-status")
		S: m3 OK done
		C: m4 UID FETCH 3,6:7 `+askStatusHead+`
		S: m4 OK done
		C: m5 UID FETCH 1,4:5 `+askStatus+`
		S: * 1 FETCH (UID 1 BODY[2]<0> "Action: failed")
		S: * 4 FETCH (UID 4 BODY[2]<0> "QWN0aW9uOiBkZWxheWVk")
		S: * 5 FETCH (UID 5 BODY[2]<0> {70}
		s: Final-Recipient: rfc822;elena@rossi.example\r\nFinal-Recipient: rfc822;k@
		S: )
		S: * 2 FETCH (UID 2 BODY[2]<0> "nobody asked")
		S: m5 OK done
	`)
	got, err := statuses(t, b, 1, 2, 3, 4, 5, 6, 7, 9)
	wantLines(t, got, err, `1 "Action: failed"`, `4 "Action: delayed"`, `5 "Final-Recipient: rfc822;elena@rossi.example\r\n"`)
}

// A server that does not know what is asked for says so, and is worked with as
// before; one that hangs up is an error.
func TestStatusesRefused(t *testing.T) {
	b := lyingFolder(t, "", `
		C: m3 UID FETCH 1:2 `+askStatusHead+`
		S: m3 NO what?
		C: m4 UID FETCH 1 `+askStatusHead+`
		S: * 1 FETCH (UID 1 BODY[2.MIME] "Content-Type: message/delivery-status")
		S: m4 OK done
		C: m5 UID FETCH 2 `+askStatusHead+`
		S: m5 NO what?
		C: m6 UID FETCH 1 `+askStatus+`
		S: m6 BAD what?
		C: m7 UID FETCH 1 `+askStatusHead+`
		S: m7 BAD what?
		C: m8 UID FETCH 1 `+askStatusHead+`
		X
	`)
	for _, uids := range [][]crm.UID{{1, 2}, {1}} {
		got, err := statuses(t, b, uids...)
		wantLines(t, got, err)
	}
	if _, err := statuses(t, b, 1); crm.KindOf(err) != crm.Unreachable {
		t.Errorf("the server hung up: %v", err)
	}
	if _, err := statuses(t, b); err != nil && crm.KindOf(err) != crm.Unreachable {
		t.Error(err)
	}
}

// report is a delivery report about an address, as Postfix writes them.
func report(to, about string) []byte {
	return []byte(strings.ReplaceAll(`From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: `+to+`
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="4B1.1"

--4B1.1
Content-Type: text/plain

for people: `+about+`

--4B1.1
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; `+about+`
Action: failed
Status: 5.1.1

--4B1.1
Content-Type: message/rfc822

Subject: what was returned

--4B1.1--
`, "\n", "\r\n"))
}

func TestStatusesOfARealServer(t *testing.T) {
	s := start(t)
	s.Deliver(t, user, report(user, "elena@rossi.example"))
	s.Deliver(t, user, mail("kunde@customer.example", user, 100))
	b := connect(t, s, crm.SecurityTLS)
	_, err := b.Examine(t.Context(), "INBOX")
	must(t, err)
	var reports []crm.UID
	must(t, b.TypedEnvelopes(t.Context(), 1, 9, func(e crm.Envelope, err error) {
		if e.Report {
			reports = append(reports, e.UID)
		}
		if time.Since(e.ReceivedAt) > time.Hour || err != nil {
			t.Errorf("envelope %+v, %v", e, err)
		}
	}))
	var got []string
	err = b.Statuses(t.Context(), append(reports, 2, 77), 1000, func(uid crm.UID, content []byte) {
		got = append(got, fmt.Sprintf("%d %s", uid, content))
	})
	wantLines(t, got, err, "1 Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; elena@rossi.example\r\nAction: failed\r\nStatus: 5.1.1")
}
