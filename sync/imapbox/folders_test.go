package imapbox_test

import (
	"fmt"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox"
)

// listing is what Folders returns, a line each.
func listing(t *testing.T, b *imapbox.Box) (lines []string, err error) {
	t.Helper()
	all, err := b.Folders(t.Context())
	for _, f := range all {
		lines = append(lines, fmt.Sprintf("%s %v %q %d %d %d", f.Name, f.Attrs, f.Delimiter, f.UIDValidity, f.UIDNext, f.Messages))
	}
	return lines, err
}

const listAll = `LIST "" "*" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY))`

func TestFoldersInOneRoundTrip(t *testing.T) {
	b := lyingBox(t, "LIST-STATUS SPECIAL-USE", `
		C: m2 `+listAll+`
		S: * LIST (\HasNoChildren) "/" inbox
		S: * STATUS INBOX (MESSAGES 3 UIDNEXT 10 UIDVALIDITY 7)
		S: * LIST (\Noselect \HasChildren) "/" "[Gmail]"
		S: * LIST (\HasNoChildren \Sent) "/" {13}
		s: &kAFP4W4IMH8-
		S:  ("CHILDINFO" ("SUBSCRIBED"))
		S: * STATUS {13}
		s: &kAFP4W4IMH8-
		S:  (UIDNEXT 4 UNSEEN 9 MESSAGES 1 UIDVALIDITY 8 X-NEW 77)
		S: * LIST () NIL NIL
		S: * LIST (\Archive) nil "a \"b\" \\c"
		S: * STATUS "a \"b\" \\c" (MESSAGES x UIDNEXT 4294967295 UIDVALIDITY 99999999999)
		S: m2 OK done
	`)
	got, err := listing(t, b)
	wantLines(t, got, err,
		`INBOX [\HasNoChildren] "/" 7 10 3`,
		`[Gmail] [\Noselect \HasChildren] "/" 0 0 0`,
		`送信済み [\HasNoChildren \Sent] "/" 8 4 1`,
		`NIL [] "" 0 0 0`,
		`a "b" \c [\Archive] "" 0 4294967295 0`)
}

// Names that are no modified UTF-7 stay addressable: the server hears the
// very bytes that it said.
func TestFoldersWithNamesThatAreNone(t *testing.T) {
	for name, wire := range map[string]string{
		"raw UTF-8":      "送信",
		"Shift_JIS":      "\x91\x97\x90M",
		"unclosed shift": "R&D",
		"not canonical":  "&AGEAYg-",
		"in several":     "&kAE-&T+E-",
		"private use":    "&9yY-",
	} {
		t.Run(name, func(t *testing.T) {
			literal := fmt.Sprintf("{%d}", len(wire))
			examine := "C: m3 EXAMINE \"" + wire + "\"\n"
			if wire[0] >= 0x80 {
				examine = "C: m3 EXAMINE " + literal + "\nS: + go on\nC: " + wire + "\n"
			}
			b := lyingBox(t, "LIST-STATUS SPECIAL-USE IMAP4rev2", "C: m2 "+listAll+"\n"+
				"S: * LIST () \"/\" "+literal+"\ns: "+wire+"\nS:\n"+
				"S: * STATUS \""+wire+"\" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)\nS: m2 OK done\n"+
				examine+"S: * OK [UIDVALIDITY 3] ok\nS: * OK [UIDNEXT 2] ok\nS: m3 OK done\n")
			all, err := b.Folders(t.Context())
			must(t, err)
			if len(all) != 1 || all[0].UIDNext != 2 {
				t.Fatalf("listed: %+v", all)
			}
			_, err = b.Examine(t.Context(), all[0].Name)
			must(t, err)
		})
	}
}

// Without LIST-STATUS all STATUS commands go out together, for those that can
// be opened; a refusal concerns one folder only, whatever comes in between.
func TestFoldersWithoutListStatus(t *testing.T) {
	b := lyingFolder(t, "SPECIAL-USE", `
		C: m3 LIST "" "*"
		C: m4 NOOP
		S: * LIST () "." INBOX
		S: * LIST (\NoSelect) "." Top
		S: * LIST () "." Top.secret
		S: * LIST () "." Last
		S: m3 OK done
		S: * 10 EXISTS
		S: m4 OK done
		C: m5 STATUS "INBOX" (MESSAGES UIDNEXT UIDVALIDITY)
		C: m6 STATUS "Top.secret" (MESSAGES UIDNEXT UIDVALIDITY)
		C: m7 STATUS "Last" (MESSAGES UIDNEXT UIDVALIDITY)
		S: m6 NO [NOPERM] not for you
		S: * STATUS Last (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)
		S: * STATUS Unknown (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)
		S: m7 OK done
		S: * STATUS "INBOX" (MESSAGES 10 UIDNEXT 101 UIDVALIDITY 7)
		S: m5 OK done
	`)
	got, err := listing(t, b)
	wantLines(t, got, err,
		`INBOX [] "." 7 101 10`, `Top [\NoSelect] "." 0 0 0`, `Top.secret [] "." 0 0 0`, `Last [] "." 3 2 1`)
	// The news that came on the way are not lost.
	if news, err := b.Wait(t.Context(), 0, nil); !news || err != nil {
		t.Errorf("news: %v, %v", news, err)
	}
}

func TestFoldersGarbled(t *testing.T) {
	b := lyingBox(t, "LIST-STATUS", `
		C: m2 LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))
		S: * LIST (\Sent "/" broken
		S: * LIST broken
		S: * LIST () "/" "never closed
		S: * LIST () "/" fine
		S: * STATUS fine (MESSAGES 1 UIDNEXT
		S: * LSUB () "/" other
		S: * STATUS
		S: m2 OK done
	`)
	got, err := listing(t, b)
	wantLines(t, got, err, `fine [] "/" 0 0 1`)
}

func TestFoldersWithoutEnd(t *testing.T) {
	name := "S: * LIST () \"/\" {1048576}\ns: " + strings.Repeat("x", 1<<20) + "\nS: \n"
	b := lyingBox(t, "LIST-STATUS", "C: m2 LIST \"\" \"*\" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))\n"+strings.Repeat(name, 17))
	_, err := b.Folders(t.Context())
	wantError(t, err, crm.Unreachable, "protocol_error", "bytes of names")
}

func TestFoldersRefused(t *testing.T) {
	b := lyingBox(t, "LIST-STATUS", `
		C: m2 LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))
		S: m2 NO [UNAVAILABLE] storage is down
	`)
	_, err := b.Folders(t.Context())
	wantError(t, err, crm.Throttled, "server_busy", "storage is down")
}

func TestExamine(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   crm.Selected
		kind   crm.Kind
		code   string
	}{
		"all said":      {"S: * 4 EXISTS\nS: * OK [UIDVALIDITY 3] x\nS: * OK [uidnext 9] x\nS: m2 OK", crm.Selected{UIDValidity: 3, UIDNext: 9, Messages: 4}, "", ""},
		"no UIDNEXT":    {"S: * 4 EXISTS\nS: * OK [UIDVALIDITY 3]\nS: m2 OK\nC: m3 UID FETCH * (UID)\nS: * 4 FETCH (UID 70)\nS: m3 OK", crm.Selected{UIDValidity: 3, UIDNext: 71, Messages: 4}, "", ""},
		"empty":         {"S: * 0 EXISTS\nS: * OK [UIDVALIDITY 3]\nS: m2 OK", crm.Selected{UIDValidity: 3, UIDNext: 1}, "", ""},
		"not for good":  {"S: * 4 EXISTS\nS: * OK [UIDNEXT 9]\nS: m2 OK", crm.Selected{}, crm.Unavailable, "folder_refused"},
		"gone":          {"S: m2 NO [NONEXISTENT] no such mailbox", crm.Selected{}, crm.NotFound, "folder_gone"},
		"gone, bare":    {"S: m2 NO", crm.Selected{}, crm.NotFound, "folder_gone"},
		"not permitted": {"S: m2 NO [NOPERM] not for you", crm.Selected{}, crm.Unavailable, "folder_refused"},
		"busy":          {"S: m2 NO [INUSE] locked", crm.Selected{}, crm.Throttled, "server_busy"},
		"busy in words": {"S: m2 NO Temporary problem", crm.Selected{}, crm.Throttled, "server_busy"},
		"bad":           {"S: m2 BAD what?", crm.Selected{}, crm.Unreachable, "protocol_error"},
	} {
		t.Run(name, func(t *testing.T) {
			b := lyingBox(t, "", "C: m2 EXAMINE \"INBOX\"\n"+c.script)
			got, err := b.Examine(t.Context(), "INBOX")
			if c.code != "" {
				wantError(t, err, c.kind, c.code)
			} else if err != nil || got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}
