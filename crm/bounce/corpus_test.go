package bounce_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/vectortest"
	"mailsyncd.example/sync/letter"
)

// expected reads testdata/expected.tsv: what the bounces of the corpus say, by the
// name of the file (maildir__NAME.eml), one line for each address. The statuses and
// which are hard are what sisimai's own tests expect of its set of e-mails, but for
// 38 that were read again: those that it leaves out, those that were sent on by an
// address that is well, and those where the words are plain ("user unknown", "the
// domain couldn't be found") and its engine takes them for a filter's. Addresses are
// those of the messages that were returned, as a person reads them.
func expected(t *testing.T) map[string][]crm.Bounce {
	t.Helper()
	table, err := os.ReadFile(filepath.Join("testdata", "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]crm.Bounce{}
	for line := range strings.Lines(string(table)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		all[f[0]] = append(all[f[0]], crm.Bounce{Address: crm.Address(f[1]), Status: f[2], Severity: crm.Severity(f[3])})
	}
	return all
}

// score counts what was found, and what of it is right.
type score struct {
	messages, addresses int // that there are
	found, wrong        int // addresses
	status, severity    int // right, of the addresses that were found
	falseHard, hard     int // said to be hard: wrongly, and all
	missedHard          int
}

// table is the score as the documentation shows it.
func (s score) table() string {
	var b strings.Builder
	b.WriteString("| asked | of | right |\n|---|---|---|\n")
	fmt.Fprintf(&b, "| which address could not be reached | %d addresses in %d messages | %d (%.1f %%); %d others named |\n", s.addresses, s.messages, s.found, percent(s.found, s.addresses), s.wrong)
	fmt.Fprintf(&b, "| with which status | the %d that were found | %d (%.1f %%) |\n", s.found, s.status, percent(s.status, s.found))
	fmt.Fprintf(&b, "| `hard` or `soft` | the same | %d (%.1f %%) |\n", s.severity, percent(s.severity, s.found))
	fmt.Fprintf(&b, "| `hard` | %d that were called so | %d; %d that are hard were called `soft` |\n", s.hard, s.hard-s.falseHard, s.missedHard)
	return b.String()
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(of) }

// TestCorpus reads bounces that were collected from the mail servers of the world,
// as they are imported. docs/automation.md shows the table.
func TestCorpus(t *testing.T) {
	folder := filepath.Join(vectortest.Corpus(t), "sisimai+set-of-emails", "rfc822")
	var s score
	for name, want := range expected(t) {
		f, err := os.Open(filepath.Join(folder, "maildir__"+name+".eml"))
		if err != nil {
			t.Fatal(err)
		}
		l, err := letter.Open(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		s.messages++
		s.add(t, name, want, l.Bounces)
	}
	t.Log("\n" + s.table())
	if s.falseHard > 0 {
		t.Errorf("%d addresses would be given up that are not dead", s.falseHard)
	}
	if percent(s.found, s.addresses) < 97 || percent(s.severity, s.found) < 97 {
		t.Error("fewer than 97 in a hundred")
	}
	manual, err := os.ReadFile(filepath.Join(vectortest.Root(t), "docs", "automation.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(manual), s.table()) {
		t.Error("docs/automation.md shows another table")
	}
}

// add counts one message.
func (s *score) add(t *testing.T, name string, want, got []crm.Bounce) {
	s.addresses += len(want)
	rest := map[crm.Address]crm.Bounce{}
	for _, b := range got {
		rest[b.Address] = b
	}
	for _, w := range want {
		g, ok := rest[w.Address]
		if !ok {
			t.Logf("%s: %s is not found", name, w.Address)
			continue
		}
		delete(rest, w.Address)
		s.found++
		if g.Status == w.Status {
			s.status++
		} else {
			t.Logf("%s: status %q, and is %q", name, g.Status, w.Status)
		}
		if g.Severity == crm.Hard {
			s.hard++
		}
		switch {
		case g.Severity == w.Severity:
			s.severity++
		case g.Severity == crm.Hard:
			s.falseHard++
			t.Logf("%s: %s is called hard, and is not", name, g.Address)
		default:
			s.missedHard++
			t.Logf("%s: %s is called soft, and is hard", name, g.Address)
		}
	}
	for a := range rest {
		s.wrong++
		t.Logf("%s: %s is named, and did not fail", name, a)
	}
}

// The same bounces in the line ends of CRLF and CR say the same.
func TestLineEnds(t *testing.T) {
	folder := filepath.Join(vectortest.Corpus(t), "sisimai+set-of-emails", "rfc822")
	names, _ := filepath.Glob(filepath.Join(folder, "maildir__bsd__lhost-*-0[1-9].eml"))
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.ReplaceAll(string(raw), "\r\n", "\n")
		want := read(t, lines)
		for _, end := range []string{"\r\n", "\r"} {
			if got := read(t, strings.ReplaceAll(lines, "\n", end)); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s with %q: %v, want %v", filepath.Base(name), end, got, want)
			}
		}
	}
	if len(names) == 0 {
		t.Error("no files")
	}
}

func read(t *testing.T, raw string) []crm.Bounce {
	t.Helper()
	l, err := letter.Open(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return l.Bounces
}
