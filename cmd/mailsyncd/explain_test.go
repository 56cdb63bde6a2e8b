package main

import (
	"net/http"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

// A user asks at the terminal why a mail is in the CRM, or why not.
func TestExplain(t *testing.T) {
	dovecot := dovecottest.Start(t, dovecottest.Folder("Junk", `\Junk`))
	f := openFirm(t, serve(t, t.TempDir()), dovecot, "elena@rossi.example")
	dan := f.user("dan", crm.RoleUser)
	f.mailbox("dan@acme.example")
	l := f.link(dan, "dan@acme.example")
	dovecot.Deliver(t, "dan@acme.example", mailOf("ask@rossi", elena, danTo, "An offer, please", "x"))
	dovecot.Deliver(t, "dan@acme.example", mailOf("tooth@dentist", doctor, danTo, "Tuesday", "x"))
	do(t, f.daemon.client, http.MethodPatch, "/v1/accounts/"+f.account, map[string]any{"delivery_reports": true})
	dovecot.Deliver(t, "dan@acme.example", []byte("Message-ID: <report@mx>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: dan@acme.example\r\n"+
		"Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\n\r\nfor people\r\n--x\r\n"+
		"Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822;elena@rossi.example\r\nAction: failed\r\nStatus: 5.1.1\r\n--x--\r\n"))
	f.look(dan, l)

	for _, c := range []struct {
		id, lang string
		want     []string
	}{
		{"ask@rossi", "C", []string{"INBOX", "mported", "msg_"}},
		{"<ask@rossi>", "ja_JP.UTF-8", []string{"INBOX", "取り込み済み", "msg_"}},
		{"tooth@dentist", "en_GB.UTF-8", []string{"INBOX", "contact"}},
		{"tooth@dentist", "ja_JP.UTF-8", []string{"顧客のアドレスがありません"}},
		{"report@mx", "C", []string{"contact", "only the delivery status"}},
		{"report@mx", "ja_JP.UTF-8", []string{"顧客のアドレスがありません", "配送状況だけ"}},
		{"nowhere@x", "C", []string{"No folder"}},
	} {
		env := []string{"LANG=" + c.lang, "MAILSYNC_TOKEN=" + string(dan.token), "MAILSYNC_URL=" + f.daemon.url}
		code, stdout, stderr := run(t, env, "explain", c.id)
		if code != exitOK || stderr != "" {
			t.Errorf("%s: code %d, %s", c.id, code, stderr)
		}
		for _, want := range c.want {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s in %s says %q, without %q", c.id, c.lang, stdout, want)
			}
		}
	}

	code, _, stderr := run(t, nil, "explain", "--url", f.daemon.url, "--token", "mst_wrong", "ask@rossi")
	if code != exitProblem || strings.Count(stderr, "\n") != 1 {
		t.Errorf("a wrong token: code %d, %q", code, stderr)
	}
	code, _, stderr = run(t, nil, "explain", "--url", "http://127.0.0.1:1", "--token", "x", "ask@rossi")
	if code != exitProblem || !strings.Contains(stderr, "No mailsyncd answers") {
		t.Errorf("no daemon: code %d, %q", code, stderr)
	}
}
