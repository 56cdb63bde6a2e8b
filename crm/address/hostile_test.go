package address

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"mailsyncd.example/crm"
)

// standsIn fails the test unless every address is in its normal form and, as
// far as that can be told without reading it as a parser would, comes out of
// raw.
func standsIn(t *testing.T, raw string, got []crm.Address) {
	t.Helper()
	text := strings.ToLower(raw)
	for _, a := range got {
		if again, ok := Parse(string(a)); !ok || again != a {
			t.Errorf("%q gave %q, which reads as %q, %v", raw, a, again, ok)
		}
		if !ascii(raw) || strings.ContainsAny(raw, `"(\`) {
			continue // letters may be composed, quotes and comments left out
		}
		for _, piece := range strings.FieldsFunc(string(a), func(r rune) bool { return r == '.' || r == '@' }) {
			if !strings.Contains(text, piece) {
				t.Errorf("%q gave %q, but %q does not stand there", raw, a, piece)
			}
		}
	}
}

// A reader that goes back over its text for each of these would not come to an
// end before the test's time limit.
func TestHostileTextTakesLinearTime(t *testing.T) {
	const size = 1 << 18
	for _, piece := range []string{
		"<", ">", "(", ")", "(()", "((a)", "\"", "\\\"", "\\", ",", ";", ":", "@", "[", "@[", "a@[", "a@", "a@b",
		"a@b ", "a@b (", "a@(", "a@b,", "<a@b>", "<a@b", ".", "a.", "\"a\".", "<a. ", "'", "=?", "=?a?b?", "=?a?b?c ", "=?a?b?c?=",
		"\x1b", "\x1b(", "\x1b$B", "\x1b$B \x1b$B", "\x1b$Ba ", "\x1b(B", "\"\x1b$B ", "(\x1b$B ", "\x83", "\x83@", "\xe3\x81\x82", "あ。",
		"a@あ.", "あ@", "a@b\x00", " ",
	} {
		raw := strings.Repeat(piece, size/len(piece))
		for _, raw := range []string{raw, "a@x.example" + raw, raw + "a@x.example", "\"" + raw, "(" + raw, "<" + raw, "a@" + raw, "\x1b$B" + raw, strings.Repeat("x ", size/2) + "<" + raw} {
			People(raw, func(s string) string { return s })
			Parse(raw)
		}
	}
}

func FuzzList(f *testing.F) {
	for _, c := range lists {
		f.Add(c.raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := List(raw)
		standsIn(t, raw, got)
		var people []crm.Address
		for _, p := range People(raw, func(s string) string { return s }) {
			people = append(people, p.Address)
		}
		if !slices.Equal(got, people) {
			t.Errorf("%q: List gave %q, People %q", raw, got, people)
		}
		for _, a := range got {
			if !utf8.ValidString(string(a)) || strings.ContainsAny(string(a), "\x00\r\n") {
				t.Errorf("%q gave %q", raw, a)
			}
		}
		if a, ok := Parse(raw); ok && !slices.Equal(got, []crm.Address{a}) {
			t.Errorf("%q: Parse gave %q, List %q", raw, a, got)
		}
	})
}

func BenchmarkList(b *testing.B) {
	for _, c := range []struct{ name, raw string }{
		{"plain", "ken@customer.example"},
		{"named", "Ken Tanaka <ken@customer.example>"},
		{"upper", "Ken Tanaka <Ken.Tanaka@Customer.Example>"},
		{"encoded", "=?ISO-2022-JP?B?GyRCOzNFRBsoQiwgGyRCQkBPOhsoQg==?= <taro@customer.example>"},
		{"raw JIS", "\x1b$B;3ED\x1b(B <taro@customer.example>"},
		{"IDN", "ken@例え.jp"},
		{"ten", strings.Repeat("\"Tanaka, Ken\" <ken@customer.example>, Rie <rie@other.example>, ", 5)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				List(c.raw)
			}
		})
	}
}
