package talk

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

// script is a Source that a test has written.
type script struct{ rest []byte }

func (s *script) Line() ([]byte, error) {
	line, rest, ok := bytes.Cut(s.rest, []byte("\n"))
	if !ok {
		return nil, io.ErrUnexpectedEOF
	}
	s.rest = rest
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

func (s *script) Take(n int64) ([]byte, error) {
	if n > int64(len(s.rest)) {
		return nil, io.ErrUnexpectedEOF
	}
	p := s.rest[:n]
	s.rest = s.rest[n:]
	return p, nil
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *script) Skip(n int64) error {
	_, err := s.Take(n)
	return err
}

func TestNames(t *testing.T) {
	for wire, name := range map[string]string{
		"INBOX":                           "INBOX",
		"iNbOx":                           "INBOX",
		"Sent":                            "Sent",
		"&kAFP4W4IMH8-":                   "送信済み",
		"&kAFP4W4IMH8wojCkMMYw4A-":        "送信済みアイテム",
		"A &- B":                          "A & B",
		"~peter/mail/&U,BTFw-/&ZeVnLIqe-": "~peter/mail/台北/日本語",
		"&2D3eAA-":                        "😀",
		"&AOk-t&AOk-":                     "été",
		"":                                "",
		"a&":                              "a\uf726",
		"R&D-":                            "R\uf726D-",
		"&D-":                             "\uf726D-",
		"\x91\x97":                        "\uf791\uf797",
		"&2D0-":                           "\uf7262D0-", // half a character
		"&AGEAYg-":                        "\uf726AGEAYg-",
		"&AOk-&AOk-":                      "\uf726AOk-\uf726AOk-",
		"caf\xc3\xa9":                     "caf\uf7c3\uf7a9",
		"&9yY-":                           "\uf7269yY-",
	} {
		if got := DecodeName(wire); got != name {
			t.Errorf("DecodeName(%q) = %q, want %q", wire, got, name)
		}
		want := wire
		if name == "INBOX" {
			want = name
		}
		if got := EncodeName(name); got != want {
			t.Errorf("EncodeName(%q) = %q, want %q", name, got, want)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"&kAFP4W4IMH8-", "&", "&-", "a&b-c", "\xff", "&2D0-", "&9yY-", "送信"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := EncodeName(DecodeName(s)); got != s && !strings.EqualFold(s, "INBOX") {
			t.Errorf("%q came back as %q", s, got)
		}
	})
}

func TestParseDate(t *testing.T) {
	for s, want := range map[string]string{
		"05-Nov-2026 10:00:00 +0900": "2026-11-05 01:00:00",
		" 5-Nov-2026 10:00:00 +0900": "2026-11-05 01:00:00",
		"5-nov-2026 10:00:00 -0330":  "2026-11-05 13:30:00",
		"31-DEC-1999 23:59:60 +0000": "2000-01-01 00:00:00",
		"05-Nov-2026 10:00:00":       "2026-11-05 10:00:00",
		"05-Nov-2026 10:00:00 GMT":   "2026-11-05 10:00:00",
		"05-Nov-2026 10:00:00 +x900": "2026-11-05 10:00:00",
		"00-Nov-2026 10:00:00 +0000": "",
		"05-Foo-2026 10:00:00 +0000": "",
		"05-Nov-2026 24:00:00 +0000": "",
		"05-Nov-2026 1a:00:00 +0000": "",
		"2026-11-05T10:00:00Z":       "",
		"":                           "",
		"x":                          "",
		"1-":                         "",
	} {
		got, ok := ParseDate([]byte(s))
		if ok != (want != "") || ok && got.Format(time.DateTime) != want {
			t.Errorf("ParseDate(%q) = %v, %v, want %q", s, got, ok, want)
		}
	}
}

func TestFields(t *testing.T) {
	const header = "From: a@b\r\nno field\r\nto : c@d,\r\n\t e@f\r\n g@h\nCC:\r\n: nameless\r\n \r\nBcc: z"
	var got []string
	Fields([]byte(header), func(name, value []byte) { got = append(got, string(name)+"="+string(value)) })
	want := "From= a@b|to= c@d,\t e@f g@h|CC=|= nameless |Bcc= z"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got  %q\nwant %q", s, want)
	}
}

func TestParseStatus(t *testing.T) {
	for line, want := range map[string]Status{
		"OK done":                           {"OK", "", "", "done"},
		"no":                                {"NO", "", "", ""},
		"BAD  [x y z]  what\x00ever":        {"BAD", "X", "y z", "what ever"},
		"OK [UIDNEXT 9] fine":               {"OK", "UIDNEXT", "9", "fine"},
		"OK [never closed":                  {"OK", "", "", "[never closed"},
		"BYE \xff\xfe":                      {"BYE", "", "", "\uFFFD"},
		"OK " + strings.Repeat("é", 400):    {"OK", "", "", strings.Repeat("é", 150)},
		"PREAUTH [CAPABILITY IMAP4rev1 (]x": {"PREAUTH", "CAPABILITY", "IMAP4rev1 (", "x"},
	} {
		if got, ok := ParseStatus([]byte(line)); !ok || got != want {
			t.Errorf("%q: %+v, %v, want %+v", line, got, ok, want)
		}
	}
	for _, line := range []string{"", "OKAY", "5 EXISTS", "SEARCH 1", "[OK]"} {
		if got, ok := ParseStatus([]byte(line)); ok {
			t.Errorf("%q counts as %+v", line, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		line  string
		login string // code of the error if this answers a login
		other string // and if it answers another command
		after time.Duration
	}{
		{"NO [AUTHENTICATIONFAILED] Authentication failed.", "credential_rejected", "server_refused", 0},
		{"NO [AUTHENTICATIONFAILED] Too many bad passwords", "credential_rejected", "server_refused", 0},
		{"NO [AUTHORIZATIONFAILED] x", "credential_rejected", "server_refused", 0},
		{"NO [EXPIRED] x", "credential_rejected", "server_refused", 0},
		{"NO LOGIN failed.", "credential_rejected", "server_refused", 0},
		{"NO Login failed, try again", "credential_rejected", "server_refused", 0},
		{"NO [ALERT] Application-specific password required", "credential_rejected", "server_refused", 0},
		{"NO [ALERT] Please log in via your web browser", "credential_rejected", "server_refused", 0},
		{"NO ログインできません", "credential_rejected", "server_refused", 0},
		{"NO [PRIVACYREQUIRED] x", "login_disabled", "server_refused", 0},
		{"NO [CONTACTADMIN] x", "server_busy", "server_refused", 0},
		{"NO [UNAVAILABLE] Temporary authentication failure. [mx:2026-11-05 10:00:00]", "server_busy", "server_busy", 0},
		{"NO [INUSE] x", "server_busy", "server_busy", 0},
		{"NO [LIMIT] Rate limit", "server_busy", "server_busy", 0},
		{"NO [ALERT] Too many simultaneous connections. (Failure)", "server_busy", "server_refused", 0},
		{"NO Server busy, try again in 5 minutes", "server_busy", "server_busy", 5 * time.Minute},
		{"NO Too many attempts; retry after 30 s", "server_busy", "server_busy", 30 * time.Second},
		{"NO Request is throttled. Suggested Backoff Time: 92415 milliseconds", "server_busy", "server_busy", 92415 * time.Millisecond},
		{"NO Request is throttled. Backoff time 500", "server_busy", "server_busy", 500 * time.Millisecond},
		{"NO login frequency limited, wait 999999999 hours", "server_busy", "server_busy", 24 * time.Hour},
		{"BAD command", "protocol_error", "protocol_error", 0},
	} {
		s, ok := ParseStatus([]byte(c.line))
		if !ok {
			t.Fatalf("%q is no status", c.line)
		}
		for code, err := range map[string]error{c.login: LoginRefused(s), c.other: Refused(s)} {
			e, _ := errors.AsType[*crm.Error](err)
			if e.Code != code || e.Code == "server_busy" && e.After != c.after {
				t.Errorf("%s: %s after %v, want %s after %v", c.line, e.Code, e.After, code, c.after)
			}
			if s.Text != "" && !strings.HasSuffix(e.Detail, s.Text) {
				t.Errorf("%s: the server's words are lost: %s", c.line, e.Detail)
			}
		}
	}
}

// A server may announce any length; whatever reads it must not believe it.
func TestAnnounced(t *testing.T) {
	for line, want := range map[string]int64{
		"* 1 FETCH (BODY[] {5}": 5, "{0}": 0, "~{7}": 7, "{3+}": 3,
		"": -1, "{}": -1, "{x}": -1, "{-1}": -1, "5}": -1, "{5": -1, "{5} ": -1, "{+}": -1,
	} {
		if _, n, err := Announced([]byte(line)); n != want || err != nil {
			t.Errorf("%q announces %d, %v, want %d", line, n, err, want)
		}
	}
	if _, _, err := Announced([]byte("{99999999999999999999999999}")); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v", err)
	}
}

// Who is to be logged in stands in a list with commas (RFC 5801 section 4).
func TestOAuthBearerEscapesTheUser(t *testing.T) {
	_, first, err := OAuthBearer{User: "a=b,c", Token: "t", Host: "h", Port: 1}.Start()
	if want := "n,a=a=3Db=2Cc,\x01host=h\x01port=1\x01auth=Bearer t\x01\x01"; err != nil || string(first) != want {
		t.Errorf("%q %v, want %q", first, err, want)
	}
}

func TestFoundIsPutInOrder(t *testing.T) {
	var f Found
	if got := f.Append(nil); got != nil {
		t.Errorf("of no answer: %q", got)
	}
	for _, list := range []string{"9 7", "", " 8 1"} {
		if err := f.Add([]byte(list)); err != nil {
			t.Error(err)
		}
	}
	if got := string(f.Append([]byte("before "))); got != "before * SEARCH 1 7 8 9\r\n" {
		t.Errorf("got %q", got)
	}
	if err := f.Add([]byte("1 x")); !errors.Is(err, ErrSyntax) {
		t.Errorf("no number: %v", err)
	}
	if err := f.Add([]byte(strings.Repeat("1 ", 1<<19))); !errors.Is(err, ErrTooLong) {
		t.Errorf("too many: %v", err)
	}
}

func TestInOrder(t *testing.T) {
	for returned, want := range map[string]string{
		"uid all 7:9,5 min 5":     "UID ALL 5,7:9 MIN 5",
		"UID ALL 9,10:12,1":       "UID ALL 1,9,10:12",
		"UID":                     "UID",
		"":                        "",
		`UID ALL "1`:              "",
		"UID ALL 1:*":             "",
		"UID ALL {3}":             "",
		"UID X1 3":                "",
		"UID ALL 4294967295,2,,1": "UID ALL ,1,2,4294967295", // which imapclient refuses
	} {
		got, err := InOrder([]byte(returned))
		if string(got) != want || want == "" && returned != "" && !errors.Is(err, ErrSyntax) {
			t.Errorf("%q: got %q, %v, want %q", returned, got, err, want)
		}
	}
}
