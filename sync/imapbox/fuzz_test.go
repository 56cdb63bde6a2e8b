package imapbox_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox"
)

// saying is a server that answers every command with the same words and then,
// in good order, that it is done.
func saying(words []byte) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			in := bufio.NewReader(server)
			const can = "OK [CAPABILITY IMAP4rev1 IDLE ESEARCH LIST-STATUS] hi\r\n"
			_, _ = io.WriteString(server, "* "+can)
			_, _ = in.ReadString('\n')
			_, _ = io.WriteString(server, "m1 "+can)
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				_, _ = server.Write(words)
				if strings.HasSuffix(line, " IDLE\r\n") {
					_, _ = io.WriteString(server, "\r\n+ idling\r\n")
					continue
				}
				tag, _, _ := strings.Cut(line, " ")
				if tag == "DONE\r\n" {
					tag = "T2"
				}
				_, _ = io.WriteString(server, "\r\n"+tag+" OK done\r\n")
			}
		}()
		return client, nil
	}
}

// FuzzServer uses a box on a server that says whatever comes. Nothing may
// panic, hang, or keep the box from being closed.
func FuzzServer(f *testing.F) {
	for _, s := range []string{
		"* SEARCH 1 2 3", "* ESEARCH (TAG \"T1\") UID ALL 1:5,9", "* ESEARCH UID MIN 4 MODSEQ 9", "* 5 EXISTS\r\n* 3 EXPUNGE",
		"* 1 FETCH (UID 1 BODY[] {3}\r\nabc)", "* LIST (\\Sent) \"/\" x\r\n* STATUS x (UIDNEXT 5)", "* BYE", "+ x", "T1 NO", "T1 OK [x",
		"* OK [CAPABILITY (]", "* SEARCH (MODSEQ", "* ESEARCH (((", "* OK [UIDVALIDITY 4]\r\n* OK [UIDNEXT 5]", "{9999999}", "* ESEARCH (TAG \"T1\") UID ALL 5:",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, words []byte) {
		d := imapbox.Dialer{DialContext: saying(words), Timeout: 50 * time.Millisecond}
		b, err := d.Connect(t.Context(), crm.Login{
			Server: crm.Server{Host: "x", Port: 143, Security: crm.SecurityNone}, Username: "u", Secret: "pass", Auth: crm.AuthPassword,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		_, _ = b.FirstUID(t.Context(), 1, time.Time{})
		_, _ = b.Wait(t.Context(), 0, nil)
		_, _ = b.Folders(t.Context())
		_, _ = b.Examine(t.Context(), "INBOX")
		_ = b.Envelopes(t.Context(), 1, 10, func(crm.Envelope, error) {})
		_ = b.TypedEnvelopes(t.Context(), 1, 10, func(crm.Envelope, error) {})
		_ = b.Statuses(t.Context(), []crm.UID{1, 2}, 100, func(_ crm.UID, content []byte) {
			if len(content) > 100 {
				t.Errorf("%d bytes of a status", len(content))
			}
		})
		_ = b.Bodies(t.Context(), these(1, 2), 100, func(_ crm.UID, r io.Reader) error {
			_, err := io.Copy(io.Discard, r)
			return err
		})
		_ = b.UIDs(t.Context(), 1, 10, func(lo, hi crm.UID) {
			if lo < 1 || hi > 10 || lo > hi {
				t.Errorf("run %d-%d", lo, hi)
			}
		})
	})
}
