package field

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"

	"mailsyncd.example/crm"
)

// in returns the bytes of s in a charset.
func in(t *testing.T, e encoding.Encoding, s string) []byte {
	t.Helper()
	b, err := e.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func TestWords(t *testing.T) {
	cases := []struct{ name, raw, want string }{
		{"plain", "Hello =? world ?=", "Hello =? world ?="},
		{"Q", "=?utf-8?Q?caf=C3=A9_au_lait?=", "café au lait"},
		{"Q with lower-case digits", "=?utf-8?q?caf=c3=a9?=", "café"},
		{"Q with blanks inside", "=?utf-8?Q?caf=C3=A9 au lait?= now", "café au lait now"},
		{"Q with raw question marks", "=?utf-8?Q?Why??= =?utf-8?Q?_not?=20now?=", "Why? not? now"},
		{"Q with a broken escape", "=?utf-8?Q?100=_=zz?=", "100= =zz"},
		{"B", "=?UTF-8?B?44GK6KaL56mN44KK?=", "お見積り"},
		{"B over many lines", "=?UTF-8?B?" + strings.Repeat("44GK6KaL56mN44KK ", 30) + "?=", strings.Repeat("お見積り", 30)},
		{"B without padding", "=?utf-8?b?44GKIQ?=", "お!"},
		{"B with junk inside", "=?utf-8?B?44 GK\t44G+*?=", "おま"},
		{"B in the alphabet of the web", "=?utf-8?B?44G-?=", "ま"},
		{"an empty word", "a =?utf-8?B??= b", "a  b"},
		{"white space between words goes", "=?utf-8?Q?a?= \r\n =?utf-8?Q?b?=", "ab"},
		{"white space beside text stays", "a =?utf-8?Q?b?= c", "a b c"},
		{"words without white space between", "=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"},
		{"words inside of words", "Re:=?utf-8?Q?b?=c", "Re:bc"},
		{"words in quotes", `"=?utf-8?Q?b?="`, `"b"`},
		{"a language", "=?utf-8*ja?B?44GK?=", "お"},
		{"an unknown encoding", "=?utf-8?X?abc?=", "=?utf-8?X?abc?="},
		{"an unknown charset", "=?x-none?Q?abc?=", "abc"},
		{"no end", "=?utf-8?Q?abc", "abc"},
		{"no end, and text behind", "=?utf-8?Q?abc def", "abc def"},
		{"no end, and another word behind", "=?utf-8?Q?abc =?utf-8?Q?def?=", "abcdef"},
		{"two charsets", "=?utf-8?Q?a?= =?iso-8859-1?Q?=E9?=", "aé"},

		{"split inside of a character", "=?UTF-8?B?44E=?= =?UTF-8?B?iuim?= =?UTF-8?B?iw==?=", "お見"},
		{"a character cut off", "=?UTF-8?B?44GK6KY=?=", "お\uFFFD"},
		{"split inside of a character, in Q", "=?UTF-8?Q?=E3=81?= =?UTF-8?Q?=8A!?=", "お!"},
		{"split inside of a base64 quantum", "=?UTF-8?B?44GK6?=\r\n =?UTF-8?B?KaL?=", "お見"},
		{"B and Q in one character", "=?UTF-8?B?44E=?= =?UTF-8?Q?=8A?=", "お"},
		{"ISO-2022-JP", "=?ISO-2022-JP?B?GyRCJCo4K0BRJGobKEI=?=", "お見積り"},
		{"ISO-2022-JP split between escapes", "=?ISO-2022-JP?B?GyRCJCo4Kw==?= =?ISO-2022-JP?B?QFEkahsoQg==?=", "お見積り"},
		{"ISO-2022-JP that never goes back", "=?ISO-2022-JP?B?GyRCJCo=?= =?ISO-2022-JP?B?GyRCOCs=?= =?ISO-2022-JP?Q?abc?=", "お見abc"},
		{"ISO-2022-JP in Q", "=?iso-2022-jp?Q?=1B$B$*8+=1B(B?=", "お見"},
		{"half-width katakana", "=?ISO-2022-JP?B?GyhJNkA2RRsoQg==?=", "ｶﾀｶﾅ"},
		{"Shift_JIS", "=?Shift_JIS?B?gqiMqZDPgug=?=", "お見積り"},
		{"Windows-31J", "=?Windows-31J?B?h0A=?=", "①"},
		{"UTF-8 that says ISO-2022-JP", "=?ISO-2022-JP?B?44GK6KaL?=", "お見"},
		{"Shift_JIS that says UTF-8", "=?UTF-8?B?gqiMqZDPgug=?=", "お見積り"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			raw := strings.NewReplacer("\r\n ", " ").Replace(c.raw)
			if got, _ := Words(raw); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWordsTellWhatWasLost(t *testing.T) {
	if _, ok := Words("=?utf-8?B?44GK6KaL?="); !ok {
		t.Error("a sound word is said to be lossy")
	}
	if text, ok := Words("=?iso-2022-jp?B?GyRCJCo4?="); ok {
		t.Errorf("garbage is said to be sound: %q", text)
	}
}

func TestUTF8(t *testing.T) {
	const s = `"表示 ソフト" <a@b>`
	for _, e := range []encoding.Encoding{japanese.ShiftJIS, japanese.EUCJP, japanese.ISO2022JP, encoding.Nop} {
		if got, ok := UTF8(in(t, e, s)); got != s || !ok {
			t.Errorf("%v: %q, %v", e, got, ok)
		}
	}
}

func TestTidy(t *testing.T) {
	cases := []struct{ raw, want string }{
		{"", ""}, {"a b", "a b"}, {" a \t\r\n b ", "a b"}, {"a\x00\x1bb\x7f", "ab"}, {"お　見", "お　見"}, {"\xff", "\uFFFD"},
	}
	for _, c := range cases {
		if got := Tidy(c.raw); got != c.want {
			t.Errorf("Tidy(%q) = %q, want %q", c.raw, got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	cases := []struct{ name, raw, value, param, want string }{
		{"ordinary", `text/plain; charset=utf-8`, "text/plain", "charset", "utf-8"},
		{"quoted", `Text/HTML; Charset="ISO-2022-JP"`, "text/html", "charset", "ISO-2022-JP"},
		{"no semicolon", `text/plain charset=utf-8`, "text/plain", "charset", "utf-8"},
		{"no semicolon between", `text/plain; charset=utf-8 format=flowed`, "text/plain", "format", "flowed"},
		{"doubled semicolons", `text/plain;; ; charset=utf-8;`, "text/plain", "charset", "utf-8"},
		{"blanks around", `text/plain ; charset = utf-8 ; format = flowed`, "text/plain", "charset", "utf-8"},
		{"comments", `text/plain (so) ; (is) charset=utf-8 (it); format=flowed`, "text/plain", "charset", "utf-8"},
		{"a boundary with an equals sign", `multipart/mixed; boundary=----=_Part_1`, "multipart/mixed", "boundary", "----=_Part_1"},
		{"a boundary with blanks in quotes", `multipart/mixed; boundary="--- a b"`, "multipart/mixed", "boundary", "--- a b"},
		{"a repeated one", `text/plain; charset=a; charset=b`, "text/plain", "charset", "a"},
		{"a missing one", `text/plain; x`, "text/plain", "charset", ""},
		{"quotes that don't close", `text/plain; charset="utf-8`, "text/plain", "charset", "utf-8"},
		{"a quoted value", `"attachment"; filename=a`, "attachment", "filename", "a"},
		{"nothing", ``, "", "filename", ""},

		{"a name with blanks", `attachment; filename=our offer.pdf; size=3`, "attachment", "filename", "our offer.pdf"},
		{"a name with escapes", `attachment; filename="a \"b\" \\ c.pdf"`, "attachment", "filename", `a "b" \ c.pdf`},
		{"a path", `attachment; filename="C:\docs\a.pdf"`, "attachment", "filename", `C:\docs\a.pdf`},
		{"RFC 2231", `attachment; filename*=UTF-8''%E8%A6%8B%E7%A9%8D.pdf`, "attachment", "filename", "見積.pdf"},
		{"RFC 2231 with a language", `attachment; filename*=iso-8859-1'fr'caf%E9.pdf`, "attachment", "filename", "café.pdf"},
		{"RFC 2231 in Shift_JIS", `attachment; filename*=Shift_JIS''%8C%A9%90%CF.pdf`, "attachment", "filename", "見積.pdf"},
		{"RFC 2231 in ISO-2022-JP", `attachment; filename*=ISO-2022-JP''%1B$B8+@Q%1B(B.pdf`, "attachment", "filename", "見積.pdf"},
		{"RFC 2231 without a charset", `attachment; filename*=%E8%A6%8B.pdf`, "attachment", "filename", "見.pdf"},
		{"both forms", `attachment; filename="x.pdf"; filename*=UTF-8''%E8%A6%8B.pdf`, "attachment", "filename", "見.pdf"},
		{"continuations", `attachment; filename*0="long "; filename*1="name.pdf"`, "attachment", "filename", "long name.pdf"},
		{"continuations out of order", `attachment; filename*1="b"; filename*2=c; filename*0="a"`, "attachment", "filename", "abc"},
		{"continuations with a charset", `attachment; filename*0*=UTF-8''%E8%A6; filename*1*=%8B; filename*2=.pdf`, "attachment", "filename", "見.pdf"},
		{"an encoded word", `attachment; filename="=?UTF-8?B?6KaL56mNLnBkZg==?="`, "attachment", "filename", "見積.pdf"},
		{"an encoded word without quotes", `attachment; filename==?UTF-8?B?6KaL56mNLnBkZg==?=`, "attachment", "filename", "見積.pdf"},
		{"two encoded words", `attachment; filename="=?UTF-8?B?6KaL?= =?UTF-8?B?56mN?="`, "attachment", "filename", "見積"},
		{"an encoded word over continuations", `attachment; filename*0="=?UTF-8?B?6KaL"; filename*1="56mN?="`, "attachment", "filename", "見積"},
		{"raw UTF-8", `attachment; filename="見積.pdf"`, "attachment", "filename", "見積.pdf"},
		{"escapes of URLs", `attachment; filename="%E8%A6%8B%E7%A9%8D.pdf"`, "attachment", "filename", "見積.pdf"},
		{"percent signs that are meant", `attachment; filename="50% or 20%25 off.pdf"`, "attachment", "filename", "50% or 20%25 off.pdf"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			value, params := Parse(c.raw)
			if got := params.Get(c.param); value != c.value || got != c.want {
				t.Errorf("got %q and %q", value, got)
			}
		})
	}
}

func TestDate(t *testing.T) {
	const want = "2026-03-02T01:00:00Z"
	same := []string{
		"Mon, 2 Mar 2026 10:00:00 +0900", "Mon,  2 Mar 2026 10:00:00 +0900 (JST)", "2 Mar 2026 10:00 +0900",
		"Mon, 02 MAR 2026 10:00:00 JST", "mon, 2 mar 26 10:00:00 jst", "Mon, 2 Mar 126 10:00:00 JST",
		"Monday, 2 March 2026 10:00:00 +0900", "Mon,2 Mar 2026 10:00:00+0900", "Mon, 2 Mar 2026 10:00:00 +09:00",
		"Mon, 2 Mar 2026 10:00:00 +900", "Mon, 2 Mar 2026 10:00:00 GMT+0900", "Mon, 2 Mar 2026 10:00:00 GMT+09:00 (Japan Standard Time)",
		"Mon (day), 2 (two) Mar 2026 10 (h) : 00 : 00 +0900", "Mon, 2 Mar 2026 10:00:00 (JST)",
		"Mon, 2 Mar 2026 01:00:00 GMT", "Mon, 2 Mar 2026 01:00:00 UT", "Mon, 2 Mar 2026 01:00:00 -0000", "Mon, 2 Mar 2026 01:00:00",
		"Mon, 2 Mar 2026 01:00:00 XYZ", "Mon Mar  2 01:00:00 2026", "Mon Mar  2 10:00:00 JST 2026", "Mon Mar 2 10:00:00 2026 +0900",
		"Sun, 1 Mar 2026 20:00:00 EST", "Sun, 01 Mar 2026 17:00:00 PST", "2-Mar-2026 10:00:00 +0900",
		"2026-03-02T10:00:00+09:00", "2026-03-02T01:00:00Z", "2026-03-02 10:00:00.123 +0900", "2026/03/02 10:00:00 JST", "2026/3/2 10:00 +0900",
		"2026年3月2日(月) 10:00:00 +0900", "Mar 2, 2026 10:00 AM +0900", "Mar 2nd, 2026 10:00AM +0900",
		"Mon, 002 Mar 2026 10:00:00 +0900", "Mon, 2 Mar 2026 10.00.00 +0900", "Mon, 2 Mar 2026 10:00:00 0900",
		" Mon, 2 Mar 2026\t10:00:00 +0900 ",
	}
	for _, s := range same {
		if got, ok := Date(s); !ok || got.Format(time.RFC3339) != want {
			t.Errorf("Date(%q) = %v, %v", s, got.Format(time.RFC3339), ok)
		}
	}
	others := map[string]string{
		"Thu, 13 Feb 1969 23:32:54 -0330":   "1969-02-14T03:02:54Z",
		"Fri, 21 Nov 97 09:55:06 -0600":     "1997-11-21T15:55:06Z",
		"Mon, 2 Mar 2026 12:30 AM +0000":    "2026-03-02T00:30:00Z",
		"Mon, 2 Mar 2026 12:30:00 PM GMT":   "2026-03-02T12:30:00Z",
		"Sat, 28 Feb 2026 24:00:00 +0000":   "2026-03-01T00:00:00Z",
		"Wed, 31 Dec 2025 23:59:60 +0000":   "2026-01-01T00:00:00Z",
		"Mon, 2 Mar 2026 10:00:00 +9900":    "2026-03-02T10:00:00Z",
		"Sun, 29 Feb 2004 10:00:00 +0530":   "2004-02-29T04:30:00Z",
		"Thu, 01 Jan 1970 00:00:00 +0000":   "1970-01-01T00:00:00Z",
		"Mon, 2 Mar 2026 10:00:00 \"CEST\"": "2026-03-02T08:00:00Z",
	}
	for s, want := range others {
		if got, ok := Date(s); !ok || got.Format(time.RFC3339) != want {
			t.Errorf("Date(%q) = %v, %v; want %s", s, got.Format(time.RFC3339), ok, want)
		}
	}
	for _, s := range []string{"", "yesterday", "Mon, 32 Mar 2026 10:00:00", "Mon, 30 Feb 2026 10:00:00", "2 Foo 2026 10:00", "Mon, 2 Mar 2026 25:00:00",
		"Mon, 2 Mar 2026 59:10 -0500", "2 Mar", "99999999999999999999 Mar 2026", ":::", "((((", "2026-13-01T00:00:00Z", "-1 Mar 2026"} {
		if got, ok := Date(s); ok {
			t.Errorf("Date(%q) = %v", s, got)
		}
	}
}

func TestIDs(t *testing.T) {
	cases := []struct {
		raw  string
		want []crm.HeaderID
	}{
		{"<a@b>", []crm.HeaderID{"a@b"}},
		{"<a@b> <c@d>\t<e@f>", []crm.HeaderID{"a@b", "c@d", "e@f"}},
		{"<a@b>,<c@d>", []crm.HeaderID{"a@b", "c@d"}},
		{"<a@b@c>", []crm.HeaderID{"a@b@c"}},
		{"<no at sign>", []crm.HeaderID{"noatsign"}},
		{"<a\r\n @b>", []crm.HeaderID{"a@b"}},
		{"a@b", []crm.HeaderID{"a@b"}},
		{"a@b c@d", []crm.HeaderID{"a@b", "c@d"}},
		{"123456", []crm.HeaderID{"123456"}},
		{"Your message of today <a@b>", []crm.HeaderID{"a@b"}},
		{"Your message of today", nil},
		{"mail from a@b of today", nil},
		{"=?utf-8?Q?=3Ca=40b=3E?=", []crm.HeaderID{"a@b"}},
		{"<a@b", []crm.HeaderID{"a@b"}},
		{"<a", nil},
		{"<a@b <c@d>", []crm.HeaderID{"a@b", "c@d"}},
		{"<> <a@b>", []crm.HeaderID{"a@b"}},
		{"<>", nil},
		{"", nil},
		{"<a\x00@b>", []crm.HeaderID{"a@b"}},
		{"<" + strings.Repeat("x", 1000) + "@b> <c@d>", []crm.HeaderID{"c@d"}},
	}
	for _, c := range cases {
		if got := IDs(c.raw); !slices.Equal(got, c.want) {
			t.Errorf("IDs(%.60q) = %q, want %q", c.raw, got, c.want)
		}
	}
	many := IDs(strings.Repeat("<old@x> ", 1000) + "<parent@x>")
	if len(many) != MaxIDs || many[MaxIDs-1] != "parent@x" {
		t.Errorf("%d ids, the last one %q", len(many), many[len(many)-1])
	}
}

func FuzzField(f *testing.F) {
	for _, s := range []string{"=?utf-8?Q?a=20?= =?utf-8?B?44G?=", `a; b*0*=utf-8''%E3; b*1="x" (c); b=d`, "Mon, 2 Mar 2026 10:00:00 +0900 (JST)", "<a@b> <c",
		"=?iso-2022-jp?B?GyRC?=", "\x1b$B$*\x1b(B", "2026-03-02T10:00:00Z"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, _ := UTF8(raw)
		text, _ := Words(s)
		for _, got := range []string{s, text, Tidy(text)} {
			if !utf8.ValidString(got) {
				t.Fatalf("%q became %q, which is no UTF-8", raw, got)
			}
		}
		_, params := Parse(s)
		for _, p := range params {
			if v := params.Get(p.name); !utf8.ValidString(v) {
				t.Fatalf("parameter %q of %q is %q", p.name, raw, v)
			}
		}
		if date, ok := Date(s); ok && (date.Location() != time.UTC || date.Year() < 1899 || date.Year() > 10000) {
			t.Fatalf("Date(%q) = %v", s, date)
		}
		for _, id := range IDs(s) {
			if id == "" || len(id) > MaxID || strings.ContainsAny(string(id), "<> \t\r\n\x00") && strings.Contains(s, "<") {
				t.Fatalf("IDs(%q) has %q", s, id)
			}
		}
	})
}

// TestWordsJoinAcrossAnySplit cuts the bytes of a sentence at every place, as
// careless programs do, and puts it into encoded words.
func TestWordsJoinAcrossAnySplit(t *testing.T) {
	const s = "お見積り①の件 ABC 髙橋"
	for label, e := range map[string]encoding.Encoding{"UTF-8": encoding.Nop, "Shift_JIS": japanese.ShiftJIS, "EUC-JP": japanese.EUCJP, "ISO-2022-JP": japanese.ISO2022JP} {
		b := in(t, e, s)
		for cut := 1; cut < len(b); cut++ {
			raw := "=?" + label + "?B?" + b64(b[:cut]) + "?=\r\n\t=?" + label + "?B?" + b64(b[cut:]) + "?="
			if got, ok := Words(raw); got != s || !ok {
				t.Fatalf("%s cut at %d: %q, %v", label, cut, got, ok)
			}
		}
		whole := b64(b)
		for cut := 1; cut < len(whole); cut++ {
			raw := "=?" + label + "?B?" + whole[:cut] + "?= =?" + label + "?B?" + whole[cut:] + "?="
			if got, _ := Words(raw); got != s {
				t.Errorf("%s, base64 cut at %d of %d: %q", label, cut, len(whole), got)
			}
		}
	}
}
