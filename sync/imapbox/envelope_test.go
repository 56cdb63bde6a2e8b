package imapbox_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox"
)

const askEnvelopes = "(UID INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM TO CC BCC)])"

// scan is what Envelopes hands over, a line each.
func scan(t *testing.T, b *imapbox.Box, lo, hi crm.UID) (lines []string, err error) {
	t.Helper()
	err = b.Envelopes(t.Context(), lo, hi, func(e crm.Envelope, err error) {
		if err != nil {
			lines = append(lines, fmt.Sprintf("%d %s", e.UID, crm.CodeOf(err)))
			return
		}
		lines = append(lines, fmt.Sprintf("%d %s %d %v %v %v", e.UID, e.ReceivedAt.Format(time.DateTime), e.Size, e.From, e.To, e.Copied))
	})
	return lines, err
}

func wantLines(t *testing.T, got []string, err error, want ...string) {
	t.Helper()
	must(t, err)
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestEnvelopesHoweverTheyAreSaid(t *testing.T) {
	b := lyingFolder(t, "", `
		C: m3 UID FETCH 1:20 `+askEnvelopes+`
		S: * 1 FETCH (UID 1 INTERNALDATE "05-Nov-2026 10:00:00 +0900" RFC822.SIZE 11 BODY[HEADER.FIELDS (FROM TO CC BCC)] {31}
		s: From: a@b.example\r\nTo: c@d.ex\r\n
		S: )
		S: * 2 fetch (body[header.fields ("FROM" "TO" "CC" "BCC")] "From: q@b.example" rfc822.size 12 uid 2 internaldate " 5-nov-2026 01:00:00 +0000")
		S:
		S: * 3 FETCH (FLAGS (\Seen $X (deep (list)) "str") X-GM-LABELS ("a\"b" {3}
		s: x)y
		S: ) MODSEQ (12) EMAILID (M1) INTERNALDATE "05-Nov-2026 01:00:00 +0000" UID 3 RFC822.SIZE 13 BODY[HEADER.FIELDS (FROM TO CC BCC)] ~{43}
		s: CC: x@b.example,\r\n y@b.example\r\nBcc: z@b.ex
		S: )
		S: garbage
		S: * VANISHED (EARLIER) 1:5
		S: * XLIST (\Inbox) "/" INBOX
		S: m1 OK late
		S: * 4 FETCH (UID 4 INTERNALDATE "05-Nov-2026 01:00:00 +0000" RFC822.SIZE 14 BODY[HEADER.FIELDS (FROM TO CC BCC)] {2}
		s: \r\n
		S: )
		S: * 5 FETCH (UID 5 INTERNALDATE "05-Nov-2026 01:00:00 +0000" RFC822.SIZE 15 BODY[HEADER.FIELDS (FROM TO CC BCC)] NIL)
		S: m3 OK done
		C: T1 UID SEARCH UID 1:20
		S: * SEARCH 1 2 3 4 5
		S: T1 OK done
		C: m4 UID FETCH 5 `+askEnvelopes+`
		S: * 5 FETCH (UID 5 INTERNALDATE "05-Nov-2026 01:00:00 +0000" RFC822.SIZE 15 BODY[HEADER.FIELDS (FROM TO CC BCC)] NIL)
		S: m4 OK done
	`)
	got, err := scan(t, b, 1, 20)
	wantLines(t, got, err,
		"1 2026-11-05 01:00:00 11 [a@b.example] [c@d.ex] []",
		"2 2026-11-05 01:00:00 12 [q@b.example] [] []",
		"3 2026-11-05 01:00:00 13 [] [] [x@b.example y@b.example z@b.ex]",
		"4 2026-11-05 01:00:00 14 [] [] []",
		"5 message_refused")
}

// The answers may come in any order, in pieces, twice, and with messages that
// nobody asked for in between.
func TestEnvelopesComeInOrder(t *testing.T) {
	b := lyingFolder(t, "", `
		C: m3 UID FETCH 10:20 `+askEnvelopes+`
		S: * 3 FETCH (UID 12 INTERNALDATE "05-Nov-2026 01:00:00 +0000" BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: c@x.ex")
		S: * 1 FETCH (UID 10 INTERNALDATE "05-Nov-2026 01:00:00 +0000")
		S: * 9 FETCH (UID 99 FLAGS (\Seen))
		S: * 3 FETCH (UID 12 FLAGS (\Seen))
		S: * 8 FETCH (FLAGS (\Seen))
		S: * 1 FETCH (UID 10 BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: a@x.ex")
		S: * 3 FETCH (UID 12 RFC822.SIZE 5)
		S: m3 OK done
	`)
	got, err := scan(t, b, 10, 20)
	wantLines(t, got, err,
		"10 2026-11-05 01:00:00 0 [a@x.ex] [] []",
		"12 2026-11-05 01:00:00 5 [c@x.ex] [] []")
}

// One message that can't be had, or understood, stands in nobody's way.
func TestEnvelopesPoison(t *testing.T) {
	const fine = `INTERNALDATE "05-Nov-2026 01:00:00 +0000" BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: a@x.ex")`
	t.Run("refused", func(t *testing.T) {
		b := lyingFolder(t, "ESEARCH", `
			C: m3 UID FETCH 1:4 `+askEnvelopes+`
			S: * 1 FETCH (UID 1 `+fine+`
			S: m3 NO [SERVERBUG] message is broken
			C: T1 UID SEARCH RETURN (ALL) UID 1:4
			S: * ESEARCH (TAG "T1") UID ALL 1:4
			S: T1 OK done
			C: m4 UID FETCH 2:4 `+askEnvelopes+`
			S: m4 NO [SERVERBUG] message is broken
			C: m5 UID FETCH 2 `+askEnvelopes+`
			S: m5 NO [SERVERBUG] message is broken
			C: m6 UID FETCH 3:4 `+askEnvelopes+`
			S: * 3 FETCH (UID 3 `+fine+`
			S: * 4 FETCH (UID 4 `+fine+`
			S: m6 OK done
		`)
		got, err := scan(t, b, 1, 4)
		wantLines(t, got, err,
			"1 2026-11-05 01:00:00 0 [a@x.ex] [] []",
			"2 message_refused",
			"3 2026-11-05 01:00:00 0 [a@x.ex] [] []",
			"4 2026-11-05 01:00:00 0 [a@x.ex] [] []")
	})
	t.Run("garbled", func(t *testing.T) {
		b := lyingFolder(t, "", `
			C: m3 UID FETCH 1:4 `+askEnvelopes+`
			S: * 1 FETCH (UID 1 INTERNALDATE NIL BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: a@x.ex")
			S: * 2 FETCH (UID x INTERNALDATE "05-Nov-2026 01:00:00 +0000" BODY[] {5}
			S: )))))))
			S: * 3 FETCH (UID 3 `+fine+`
			S: * 4 FETCH (UID 4 BODY[HEADER.FIELDS (FROM TO CC BCC)] {2000000}
			s: `+strings.Repeat("From: somebody@x.ex\\r\\n", 2_000_000/21)+strings.Repeat("x", 2_000_000%21)+`
			S:  INTERNALDATE "05-Nov-2026 01:00:00 +0000")
			S: m3 OK done
			C: T1 UID SEARCH UID 1:4
			S: * SEARCH 1 2 3 4
			S: T1 OK done
			C: m4 UID FETCH 1:2,4 `+askEnvelopes+`
			S: * 1 FETCH (UID 1 INTERNALDATE NIL BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: a@x.ex")
			S: * 2 FETCH (UID 2 `+fine+`
			S: * 4 FETCH (UID 4 BODY[HEADER.FIELDS (FROM TO CC BCC)] {2000000}
			s: `+strings.Repeat("x", 2_000_000)+`
			S: )
			S: m4 OK done
		`)
		got, err := scan(t, b, 1, 4)
		wantLines(t, got, err,
			"1 message_undated",
			"2 2026-11-05 01:00:00 0 [a@x.ex] [] []",
			"3 2026-11-05 01:00:00 0 [a@x.ex] [] []",
			"4 header_too_large")
	})
}

// A length that is wrong swallows what follows, or leaves garbage in its
// place; no message may be lost by it.
func TestEnvelopesWithWrongLengths(t *testing.T) {
	const date = `INTERNALDATE "05-Nov-2026 01:00:00 +0000" `
	for name, answers := range map[string]string{
		"too long": `
			S: * 1 FETCH (UID 1 ` + date + `BODY[HEADER.FIELDS (FROM TO CC BCC)] {60}
			S: From: a@x.ex
			S: )
			S: * 2 FETCH (UID 2 ` + date + `BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: b@x.ex")`,
		"too short": `
			S: * 1 FETCH (UID 1 ` + date + `BODY[HEADER.FIELDS (FROM TO CC BCC)] {5}
			S: From: a@x.ex
			S: )
			S: * 2 FETCH (UID 2 ` + date + `BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: b@x.ex")`,
		"half a line": `
			S: * 1 FETCH (UID 1 ` + date + `BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: a@x.ex")
			S: H (UID 2 ` + date + `BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: b@x.ex")`,
		"no number": `
			S: * 1 FETCH (UID 1 ` + date + `BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: a@x.ex")
			S: * x FETCH (UID 2 ` + date + `BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: b@x.ex")`,
	} {
		t.Run(name, func(t *testing.T) {
			missing := map[string]string{"too long": "1:2", "too short": "1", "half a line": "2", "no number": "2"}[name]
			b := lyingFolder(t, "", "C: m3 UID FETCH 1:2 "+askEnvelopes+answers+`
				S: m3 OK done
				C: T1 UID SEARCH UID 1:2
				S: * SEARCH 1 2
				S: T1 OK done
				C: m4 UID FETCH `+missing+" "+askEnvelopes+`
				S: * 1 FETCH (UID 1 `+date+`BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: a@x.ex")
				S: * 2 FETCH (UID 2 `+date+`BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: b@x.ex")
				S: m4 OK done
			`)
			got, err := scan(t, b, 1, 2)
			wantLines(t, got, err, "1 2026-11-05 01:00:00 0 [a@x.ex] [] []", "2 2026-11-05 01:00:00 0 [b@x.ex] [] []")
		})
	}
}

// What a server says is held until the window is read, so there is an end to
// it: what comes after that is asked for again.
func TestEnvelopesOfATalkativeServer(t *testing.T) {
	const date = `INTERNALDATE "05-Nov-2026 01:00:00 +0000"`
	const fields = "BODY[HEADER.FIELDS (FROM TO CC BCC)] "
	answer := func(uid int) string {
		return fmt.Sprintf("S: * 1 FETCH (UID %d %s %s \"From: a@x.ex\")\n", uid, date, fields)
	}
	large := func(uid int) string {
		return fmt.Sprintf("S: * 1 FETCH (UID %d %s %s{%d}\ns: X: %s\nS: )\n", uid, date, fields, 1<<20, strings.Repeat("x", 1<<20-3))
	}
	ask := func(tag int, set string) string {
		return fmt.Sprintf("C: m%d UID FETCH %s %s\n", tag, set, askEnvelopes)
	}
	count := func(set string) string {
		return fmt.Sprintf("C: T1 UID SEARCH RETURN (ALL) UID %s\nS: * ESEARCH (TAG \"T1\") UID ALL %[1]s\nS: T1 OK done\n", set)
	}
	t.Run("in thousands of pieces", func(t *testing.T) {
		b := lyingFolder(t, "ESEARCH", ask(3, "1:1")+strings.Repeat("S: * 1 FETCH (UID 1 FLAGS (x))\n", 5000)+answer(1)+"S: m3 OK done\n"+
			count("1")+ask(4, "1")+answer(1)+"S: m4 OK done")
		got, err := scan(t, b, 1, 1)
		wantLines(t, got, err, "1 2026-11-05 01:00:00 0 [a@x.ex] [] []")
	})
	t.Run("in dozens of megabytes", func(t *testing.T) {
		var all strings.Builder
		for uid := range 32 {
			all.WriteString(large(uid + 1))
		}
		b := lyingFolder(t, "ESEARCH", ask(3, "1:33")+all.String()+answer(33)+"S: m3 OK done\n"+count("1:33")+ask(4, "33")+answer(33)+"S: m4 OK done")
		got, err := scan(t, b, 1, 33)
		if must(t, err); len(got) != 33 || got[0] != "1 2026-11-05 01:00:00 0 [] [] []" || got[32] != "33 header_too_large" {
			t.Errorf("%d: %q … %q", len(got), got[0], got[len(got)-1])
		}
	})
}

func TestEnvelopesEndsWithTheConnection(t *testing.T) {
	for name, c := range map[string]struct {
		end  string
		kind crm.Kind
		code string
		says string
	}{
		"cut":       {"s: * 1 FETCH (UID 1 BODY[HEADER.FIELDS (FROM)] {100}\\r\\nFrom: \n X", crm.Unreachable, "connection_lost", "middle"},
		"bye":       {"S: * BYE down for maintenance\n X", crm.Unreachable, "server_bye", "down for maintenance"},
		"alert":     {"S: * OK [ALERT] disk is full\n X", crm.Unreachable, "connection_lost", "disk is full"},
		"busy bye":  {"S: * BYE Too many connections, wait 30 seconds\n X", crm.Throttled, "server_busy", "30 seconds"},
		"bad":       {"S: m3 BAD what?", crm.Unreachable, "protocol_error", "what?"},
		"busy":      {"S: m3 NO [LIMIT] Slow down", crm.Throttled, "server_busy", "Slow down"},
		"endless":   {"s: " + strings.Repeat("x", 5<<20), crm.Unreachable, "protocol_error", ""},
		"monstrous": {"S: * 1 FETCH (UID 1 BODY[] {99999999999999}", crm.Unreachable, "protocol_error", "9999"},
	} {
		t.Run(name, func(t *testing.T) {
			b := lyingFolder(t, "", "C: m3 UID FETCH 1:4 "+askEnvelopes+"\n"+strings.ReplaceAll(c.end, "\n ", "\n"))
			_, err := scan(t, b, 1, 4)
			wantError(t, err, c.kind, c.code, c.says)
		})
	}
}

// A folder whose UIDs are far apart is read in few steps.
func TestEnvelopesStrideOverGaps(t *testing.T) {
	b := lyingFolder(t, "", `
		C: m3 UID FETCH 1:1000 `+askEnvelopes+`
		S: m3 OK nothing
		C: m4 UID FETCH 1001:5000 `+askEnvelopes+`
		S: m4 OK nothing
		C: m5 UID FETCH 5001:21000 `+askEnvelopes+`
		S: m5 OK nothing
		C: m6 UID FETCH 21001:50000 `+askEnvelopes+`
		S: * 1 FETCH (UID 50000 INTERNALDATE "05-Nov-2026 01:00:00 +0000" BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: a@x.ex")
		S: m6 OK done
	`)
	got, err := scan(t, b, 1, 50_000)
	wantLines(t, got, err, "50000 2026-11-05 01:00:00 0 [a@x.ex] [] []")
}

// A gap of any width is one question.
func TestEnvelopesLeapOverVoids(t *testing.T) {
	b := lyingFolder(t, "ESEARCH", `
		C: m3 UID FETCH 1:1000 `+askEnvelopes+`
		S: m3 OK nothing
		C: m4 UID FETCH 1001:5000 `+askEnvelopes+`
		S: m4 OK nothing
		C: m5 UID FETCH 5001:21000 `+askEnvelopes+`
		S: m5 OK nothing
		C: m6 UID FETCH 21001:85000 `+askEnvelopes+`
		S: m6 OK nothing
		C: m7 UID FETCH 85001:150536 `+askEnvelopes+`
		S: m7 OK nothing
		C: T1 UID SEARCH RETURN (MIN) UID 150537:*
		S: * ESEARCH (TAG "T1") UID MIN 4294967295
		S: T1 OK done
		C: m8 UID FETCH 4294967295:4294967295 `+askEnvelopes+`
		S: * 1 FETCH (UID 4294967295 INTERNALDATE "05-Nov-2026 01:00:00 +0000" BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: a@x.ex")
		S: m8 OK done
	`)
	got, err := scan(t, b, 1, 1<<32-1)
	wantLines(t, got, err, "4294967295 2026-11-05 01:00:00 0 [a@x.ex] [] []")
}

// Gmail keeps drafts in All Mail, among all that was sent and received. Their
// flag is all that tells them apart.
func TestDraftsOnGmail(t *testing.T) {
	const asked = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM TO CC BCC)])"
	const rest = ` INTERNALDATE "05-Nov-2026 01:00:00 +0000" RFC822.SIZE 14 BODY[HEADER.FIELDS (FROM TO CC BCC)] "From: a@b.example")`
	b := lyingFolder(t, "X-GM-EXT-1", `
		C: m3 UID FETCH 1:9 `+asked+`
		S: * 1 FETCH (UID 1 FLAGS (\Seen \Draft)`+rest+`
		S: * 2 FETCH (FLAGS (\Seen Draft $Draft) UID 2`+rest+`
		S: * 3 FETCH (UID 3 FLAGS ()`+rest+`
		S: * 4 FETCH (UID 4`+rest+`
		S: * 4 FETCH (UID 4 FLAGS (\draft))
		S: * 5 FETCH (UID 5 FLAGS (("\Draft" {6}
		s: \Draft
		S: ))`+rest+`
		S: * 6 FETCH (UID 6 FLAGS NIL`+rest+`
		S: m3 OK done
	`)
	drafts := map[crm.UID]bool{}
	must(t, b.Envelopes(t.Context(), 1, 9, func(e crm.Envelope, err error) {
		must(t, err)
		drafts[e.UID] = e.Draft
	}))
	if want := (map[crm.UID]bool{1: true, 2: false, 3: false, 4: true, 5: false, 6: false}); !maps.Equal(drafts, want) {
		t.Errorf("drafts: %v", drafts)
	}
}
