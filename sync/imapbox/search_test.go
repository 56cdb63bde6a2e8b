package imapbox_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox"
)

var zero time.Time

func TestFirstUID(t *testing.T) {
	day := time.Date(2026, 11, 5, 13, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		capabilities string
		lo           crm.UID
		day          time.Time
		script       string
		want         crm.UID
	}{
		"lowest":         {"ESEARCH", 5, zero, "C: T1 UID SEARCH RETURN (MIN) UID 5:*\nS: * ESEARCH (TAG \"T1\") UID MIN 8\nS: T1 OK", 8},
		"since a day":    {"ESEARCH", 5, day, "C: T1 UID SEARCH RETURN (MIN) UID 5:* SINCE \"5-Nov-2026\"\nS: * ESEARCH (TAG \"T1\") UID MIN 8\nS: T1 OK", 8},
		"none":           {"ESEARCH", 5, zero, "C: T1 UID SEARCH RETURN (MIN) UID 5:*\nS: * ESEARCH (TAG \"T1\") UID\nS: T1 OK", 0},
		"below":          {"ESEARCH", 5, zero, "C: T1 UID SEARCH RETURN (MIN) UID 5:*\nS: * ESEARCH (TAG \"T1\") UID MIN 4\nS: T1 OK", 0},
		"plain answer":   {"ESEARCH", 5, zero, "C: T1 UID SEARCH RETURN (MIN) UID 5:*\nS: * SEARCH 9 7\nS: T1 OK", 7},
		"plain":          {"", 5, zero, "C: T1 UID SEARCH UID 5:*\nS: * SEARCH 9 4 7\nS: T1 OK", 7},
		"plain, none":    {"", 5, zero, "C: T1 UID SEARCH UID 5:*\nS: * SEARCH\nS: T1 OK", 0},
		"plain, silence": {"", 5, zero, "C: T1 UID SEARCH UID 5:*\nS: T1 OK", 0},
		"several lines":  {"", 5, zero, "C: T1 UID SEARCH UID 5:*\nS: * SEARCH 9\nS: * 3 EXISTS\nS: * SEARCH 6\nS: T1 OK", 6},
	} {
		t.Run(name, func(t *testing.T) {
			b := lyingFolder(t, c.capabilities, c.script)
			if got, err := b.FirstUID(t.Context(), c.lo, c.day); err != nil || got != c.want {
				t.Errorf("got %d, %v, want %d", got, err, c.want)
			}
		})
	}
}

// A server that lists every UID is asked for a stretch of them at a time.
func TestFirstUIDWithoutESearchInALargeFolder(t *testing.T) {
	b := lyingBox(t, "", strings.Replace(opened, "UIDNEXT 100", "UIDNEXT 100000", 1)+`
		C: T1 UID SEARCH UID 2:65537
		S: * SEARCH
		S: T1 OK done
		C: T2 UID SEARCH UID 65538:*
		S: * SEARCH 99999 70000
		S: T2 OK done
	`)
	_, err := b.Examine(t.Context(), "INBOX")
	must(t, err)
	if got, err := b.FirstUID(t.Context(), 2, zero); err != nil || got != 70000 {
		t.Errorf("got %d, %v", got, err)
	}
}

func runsOf(t *testing.T, b *imapbox.Box, lo, hi crm.UID) (lines []string, err error) {
	err = b.UIDs(t.Context(), lo, hi, func(lo, hi crm.UID) { lines = append(lines, fmt.Sprintf("%d-%d", lo, hi)) })
	return lines, err
}

func TestUIDs(t *testing.T) {
	for name, c := range map[string]struct {
		capabilities, script string
		want                 []string
	}{
		"runs":        {"ESEARCH", "C: T1 UID SEARCH RETURN (ALL) UID 5:9000\nS: * ESEARCH (TAG \"T1\") UID ALL 7:9,5\nS: T1 OK", []string{"5-5", "7-9"}},
		"none":        {"ESEARCH", "C: T1 UID SEARCH RETURN (ALL) UID 5:9000\nS: * ESEARCH (TAG \"T1\") UID\nS: T1 OK", nil},
		"more":        {"ESEARCH", "C: T1 UID SEARCH RETURN (ALL) UID 5:9000\nS: * ESEARCH (TAG \"T1\") UID ALL 1:4294967295\nS: T1 OK", []string{"5-9000"}},
		"plain":       {"", "C: T1 UID SEARCH UID 5:9000\nS: * SEARCH 6 5 7 9001 9 3\nS: T1 OK", []string{"5-7", "9-9"}},
		"plain modsq": {"", "C: T1 UID SEARCH UID 5:9000\nS: * search 6 (modseq 917162500)\nS: T1 OK", []string{"6-6"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := runsOf(t, lyingFolder(t, c.capabilities, c.script), 5, 9000)
			wantLines(t, got, err, c.want...)
		})
	}
}

func TestUIDsLeapOverVoids(t *testing.T) {
	b := lyingFolder(t, "ESEARCH", `
		C: T1 UID SEARCH RETURN (ALL) UID 5:65540
		S: * ESEARCH (TAG "T1") UID
		S: T1 OK done
		C: T2 UID SEARCH RETURN (MIN) UID 65541:*
		S: * ESEARCH (TAG "T2") UID MIN 4000000000
		S: T2 OK done
		C: T3 UID SEARCH RETURN (ALL) UID 4000000000:4000262143
		S: * ESEARCH (TAG "T3") UID ALL 4000000000
		S: T3 OK done
		C: T4 UID SEARCH RETURN (ALL) UID 4000262144:4000300000
		S: * ESEARCH (TAG "T4") UID
		S: T4 OK done
	`)
	got, err := runsOf(t, b, 5, 4_000_300_000)
	wantLines(t, got, err, "4000000000-4000000000")
}

// An answer that does not come, or can't be understood, must not look like an
// empty folder: that would end every sighting in it.
func TestUIDsNothingIsNotNone(t *testing.T) {
	for name, answer := range map[string]string{
		"no answer":      "S: T1 OK done",
		"another's":      "S: * ESEARCH (TAG \"T9\") UID ALL 1:5\nS: T1 OK done",
		"garbled":        "S: * ESEARCH (TAG \"T1\") UID ALL x-y\nS: T1 OK done",
		"a literal":      "S: * ESEARCH (TAG {2}\ns: T1\nS: ) UID ALL 1\nS: T1 OK done",
		"star":           "S: * ESEARCH (TAG \"T1\") UID ALL 1:*\nS: T1 OK done",
		"not a number":   "S: * SEARCH 1 2 x\nS: T1 OK done",
		"too many bytes": "s: * SEARCH " + strings.Repeat("1 ", 3<<20),
		"without end":    strings.Repeat("S: * SEARCH "+strings.Repeat("1 ", 1<<16)+"\n", 9),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := runsOf(t, lyingFolder(t, "ESEARCH", "C: T1 UID SEARCH RETURN (ALL) UID 5:9000\n"+answer), 5, 9000)
			wantError(t, err, crm.Unreachable, "protocol_error")
			if got != nil {
				t.Errorf("got %v", got)
			}
		})
	}
}

// A server that lists from the end to the beginning costs no more than one that
// does not. Sorted in one by one these would take half a minute each.
func TestUIDsListedBackwards(t *testing.T) {
	const last = 400_000
	numbers := make([]string, 0, last/2)
	for n := last; n > 0; n -= 2 {
		numbers = append(numbers, strconv.Itoa(n))
	}
	half := len(numbers) / 2
	for name, c := range map[string]struct{ capabilities, asks, answers string }{
		"plain": {"", "UID SEARCH UID", "S: * SEARCH " + strings.Join(numbers[:half], " ") + "\nS: * SEARCH " + strings.Join(numbers[half:], " ")},
		"runs":  {"ESEARCH", "UID SEARCH RETURN (ALL) UID", "S: * ESEARCH (TAG \"T1\") UID ALL " + strings.Join(numbers, ",")},
	} {
		t.Run(name, func(t *testing.T) {
			b := lyingFolder(t, c.capabilities, "C: T1 "+c.asks+" 1:60000\n"+c.answers+"\nS: T1 OK done")
			got, err := runsOf(t, b, 1, 60_000)
			if must(t, err); len(got) != 30_000 || got[0] != "2-2" || got[len(got)-1] != "60000-60000" {
				t.Errorf("%d runs: %.40q …", len(got), got)
			}
		})
	}
}

func TestSearchIsRefused(t *testing.T) {
	b := lyingFolder(t, "", `
		C: T1 UID SEARCH UID 1:5
		S: T1 NO [SERVERBUG] index is broken
		C: T2 UID SEARCH UID 1:5
		S: T2 NO [INUSE] try later
		C: T3 UID SEARCH UID 1:5
		S: T3 BAD what?
	`)
	_, err := runsOf(t, b, 1, 5)
	wantError(t, err, crm.Unavailable, "server_refused", "index is broken")
	_, err = runsOf(t, b, 1, 5)
	wantError(t, err, crm.Throttled, "server_busy", "try later")
	_, err = runsOf(t, b, 1, 5)
	wantError(t, err, crm.Unreachable, "protocol_error", "what?")
}

func TestSearchByMessageID(t *testing.T) {
	b := lyingFolder(t, "", `
		C: T1 UID SEARCH HEADER "Message-ID" "a\"\\b@c"
		S: * SEARCH 9 4
		S: T1 OK done
		C: T2 UID SEARCH CHARSET UTF-8 HEADER "Message-ID" {7}
		S: + go on
		C: 件@例
		S: * SEARCH 5
		S: T2 OK done
		C: T3 UID SEARCH CHARSET UTF-8 HEADER "Message-ID" {7}
		S: T3 NO [BADCHARSET] no
	`)
	for _, c := range []struct {
		id   crm.HeaderID
		want []crm.UID
	}{{`a"\b@c`, []crm.UID{4, 9}}, {"件@例", []crm.UID{5}}, {"a\r\nm9 LOGOUT", nil}} {
		if got, err := b.Search(t.Context(), c.id); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: got %v, %v, want %v", c.id, got, err, c.want)
		}
	}
	_, err := b.Search(t.Context(), "件@例")
	wantError(t, err, crm.Unavailable, "server_refused")
}
