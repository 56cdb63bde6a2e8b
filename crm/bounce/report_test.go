package bounce

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

// received is when the reports of these tests came.
var received = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

const head = "Reporting-MTA: dns; mail.acme.example\r\nArrival-Date: Fri, 20 Nov 2026 10:00:00 +0900\r\n\r\n"

func TestReport(t *testing.T) {
	attempt := time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)
	ken := func(status string, severity crm.Severity) []crm.Bounce {
		return []crm.Bounce{{Address: "ken@customer.example", Status: status, Severity: severity, At: received}}
	}
	cases := []struct {
		name, report string
		want         []crm.Bounce
	}{
		{"as RFC 3464 has it", head + "Original-Recipient: rfc822;Ken@Customer.example\r\nFinal-Recipient: rfc822;ken@inner.customer.example\r\nAction: failed\r\n" +
			"Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User\r\n unknown\r\nLast-Attempt-Date: Fri, 20 Nov 2026 18:30:00 +0900 (JST)\r\n\r\n",
			[]crm.Bounce{{Address: "ken@customer.example", Status: "5.1.1", Severity: crm.Hard, At: attempt}}},
		{"two, one of them on its way", head + "Final-Recipient: rfc822; ken@customer.example\nAction: delayed\nStatus: 4.4.1\n\n" +
			"Final-Recipient: rfc822; ai@customer.example\nAction: delivered\nStatus: 2.0.0\n", ken("4.4.1", crm.Soft)},
		{"delayed is soft, whatever the status", "Final-Recipient: rfc822; ken@customer.example\nAction: delayed\nStatus: 5.1.1\n", ken("5.1.1", crm.Soft)},
		{"sent on to an address that is dead", "Original-Recipient: rfc822; ken@customer.example\nFinal-Recipient: rfc822; private@elsewhere.example\nAction: failed\nStatus: 5.1.1\n", ken("5.1.1", crm.Soft)},
		{"sent on, by Sendmail", "Final-Recipient: RFC822; ken@customer.example\nX-Actual-Recipient: RFC822; private@elsewhere.example\nAction: failed\nStatus: 5.1.1\n", ken("5.1.1", crm.Soft)},
		{"relayed and expanded say nothing", "Final-Recipient: rfc822; ken@customer.example\nAction: relayed\nStatus: 2.1.9\n\n" +
			"Final-Recipient: rfc822; all@customer.example\nAction: expanded (to 2 members)\nStatus: 2.0.0\n", nil},
		{"no empty line between two", "Final-Recipient: rfc822; ken@customer.example\nAction: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; ken@customer.example\nAction: failed\nStatus: 5.1.1\n",
			ken("5.1.1", crm.Hard)},
		{"an empty line within one", "Final-Recipient: rfc822; ken@customer.example\n\nAction: failed\nStatus: 5.1.1\n", ken("5.1.1", crm.Hard)},
		{"line ends of an old Macintosh", "Final-Recipient: rfc822; ken@customer.example\rAction: failed\rStatus: 5.1.2\r", ken("5.1.2", crm.Hard)},
		{"no type, in brackets", "FINAL-RECIPIENT: <ken@customer.example>\nACTION: FAILED\nSTATUS: 5.1.1 (no such user)\n", ken("5.1.1", crm.Hard)},
		{"a bracket too many", "Final-Recipient: RFC822; ken@customer.example>\nAction: failed\nStatus: 5.1.1\n", ken("5.1.1", crm.Hard)},
		{"the final address where the original is none", "Original-Recipient: rfc822;unknown\nFinal-Recipient: rfc822;ken@customer.example\nAction: failed\nStatus: 5.1.1\n", ken("5.1.1", crm.Hard)},
		{"no action", "Final-Recipient: rfc822;ken@customer.example\nStatus: 5.1.1\n", ken("5.1.1", crm.Hard)},
		{"no action and no status", "Final-Recipient: rfc822;ken@customer.example\nDiagnostic-Code: smtp; 550 No such user here\n", ken("", crm.Hard)},
		{"nothing but an address", "Final-Recipient: rfc822;ken@customer.example\n", nil},
		{"nobody", "Action: failed\nStatus: 5.1.1\n", nil},
		{"the status is in the diagnostic code", "Final-Recipient: rfc822;ken@customer.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 <ken@customer.example>... Rejected\n", ken("5.1.1", crm.Hard)},
		{"an address is no status", "Final-Recipient: rfc822;ken@customer.example\nAction: failed\nDiagnostic-Code: smtp; 550 [5.1.1.9] is not liked\n", ken("", crm.Soft)},
		{"an attempt in the future", "Final-Recipient: rfc822;ken@customer.example\nAction: failed\nStatus: 5.1.1\nLast-Attempt-Date: Fri, 20 Nov 2099 18:30:00 +0900\n", ken("5.1.1", crm.Hard)},
		{"beyond ASCII", "Final-Recipient: utf-8; 山田@customer.example\nAction: failed\nStatus: 5.1.1\n\nFinal-Recipient: UTF-8; \\x{5C71}\\x{7530}@customer.example\nAction: failed\nStatus: 5.1.1\n",
			[]crm.Bounce{{Address: "山田@customer.example", Status: "5.1.1", Severity: crm.Hard, At: received}}},
		{"of two words on one address the harder", "Final-Recipient: rfc822;ken@customer.example\nAction: delayed\nStatus: 4.4.1\n\nFinal-Recipient: rfc822;ken@customer.example\nAction: failed\nStatus: 5.1.1\n",
			ken("5.1.1", crm.Hard)},
		{"no report at all", "Hello Ken,\n\nhow are you?\x00\xff\n:\n", nil},
		{"empty", "", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := Report([]byte(c.report), received); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %v\nwant %v", got, c.want)
			}
		})
	}
}

// A report may name as many recipients as it likes, and be as long.
func TestReportIsBounded(t *testing.T) {
	var b strings.Builder
	for i := range 3 * MaxAddresses {
		fmt.Fprintf(&b, "Final-Recipient: rfc822; %d@customer.example\nAction: failed\nStatus: 5.1.1\n\n", i)
	}
	if got := Report([]byte(b.String()), received); len(got) != MaxAddresses {
		t.Errorf("%d addresses, want %d", len(got), MaxAddresses)
	}
	late := strings.Repeat("X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", MaxReport/40) + "\n\n" + b.String()
	if got := Report([]byte(late), received); len(got) != 0 {
		t.Errorf("read beyond its bounds: %v", got[0])
	}
}

func TestSeverity(t *testing.T) {
	cases := []struct {
		status, text string
		want         crm.Severity
	}{
		{"5.1.1", "", crm.Hard},
		{"5.1.2", "smtp; DNS Error: lookup of customer.example responded with code NXDOMAIN", crm.Hard},
		{"5.1.10", "", crm.Hard},
		{"5.4.4", "X-Postfix; Host or domain name not found", crm.Hard},
		{"5.7.1", "smtp; 550 5.7.1 <ken@customer.example>: Recipient address rejected: User unknown", crm.Hard},
		{"5.0.0", "smtp; 550 Unknown user ken@docomo.ne.jp", crm.Hard},
		{"5.0.0", "smtp; 554 delivery error: dd This user doesn't have a yahoo.com account", crm.Hard},
		{"5.4.1", "550 5.4.1 Recipient address rejected: Access denied", crm.Hard}, // Exchange Online does not know the address
		{"4.0.0", "smtp; 550 User unknown", crm.Hard},
		{"", "551 not our user", crm.Hard},
		{"", "宛先が見つかりません", crm.Hard},

		{"5.2.2", "smtp; 550 5.2.2 Mailbox full", crm.Soft},
		{"5.1.1", "smtp; 552 5.1.1 mailbox is full", crm.Soft},
		{"5.1.1", "smtp; 550 5.1.1 Refused due to recipient preferences: IP address in a blocklist", crm.Soft},
		{"5.1.8", "smtp; 501 5.1.8 Sender address rejected: Domain not found", crm.Soft},
		{"5.7.26", "smtp; 550-5.7.26 Unauthenticated email is not accepted", crm.Soft},
		{"5.7.1", "smtp; 554 5.7.1 Message content rejected", crm.Soft},
		{"5.7.1", "smtp; 554 5.7.1 Relay access denied", crm.Soft},
		{"5.3.4", "", crm.Soft},
		{"5.4.6", "", crm.Soft},
		{"5.0.0", "smtp; 550 Rejected", crm.Soft},
		{"4.1.1", "smtp; 450 4.1.1 User unknown", crm.Soft},
		{"4.4.7", "", crm.Soft},
		{"", "", crm.Soft},
	}
	for _, c := range cases {
		if got := verdict(c.status, c.text).severity(); got != c.want {
			t.Errorf("%q %q: %s, want %s", c.status, c.text, got, c.want)
		}
	}
}

func FuzzReport(f *testing.F) {
	f.Add([]byte(head + "Original-Recipient: rfc822;ken@customer.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550\r\n unknown\r\n"))
	f.Add([]byte("Final-Recipient: utf-8; \\x{5C71}@customer.example\rAction: delayed\r\r"))
	f.Add([]byte("Final-Recipient: ;;<\"@\n\n: \n Status:\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		seen := map[crm.Address]bool{}
		for _, b := range Report(content, received) {
			if b.Address == "" || seen[b.Address] {
				t.Errorf("address %q is empty, or there twice", b.Address)
			}
			seen[b.Address] = true
			if b.Status != "" && !isStatus(b.Status) {
				t.Errorf("status %q", b.Status)
			}
			if b.Severity != crm.Hard && b.Severity != crm.Soft {
				t.Errorf("severity %q", b.Severity)
			}
			if b.At.IsZero() || b.At.After(received) {
				t.Errorf("at %v", b.At)
			}
		}
		if len(seen) > MaxAddresses {
			t.Errorf("%d addresses", len(seen))
		}
	})
}
