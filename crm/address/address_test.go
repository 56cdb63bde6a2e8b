package address

import (
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/vectortest"
)

func TestVectors(t *testing.T) {
	var vectors struct {
		Cases []struct {
			Raw       string
			Addresses []crm.Address
		}
	}
	vectortest.Read(t, "addresses.json", &vectors)
	for _, c := range vectors.Cases {
		got := List(c.Raw)
		if c.Addresses == nil { // no exact answer is asked for
			standsIn(t, c.Raw, got)
			continue
		}
		if !slices.Equal(got, c.Addresses) {
			t.Errorf("%q\n got %q\nwant %q", c.Raw, got, c.Addresses)
		}
	}
}

// Every case is a value as it was seen in mail, or a way to attack a reader.
var lists = []struct {
	name, raw, want string // want is separated by spaces
}{
	{"nested comments", `ken (a (b) c)@(d)customer.example (e)`, "ken@customer.example"},
	{"comment with an escaped parenthesis", `(\)) ken@customer.example`, "ken@customer.example"},
	{"comment with a quote", `Ken (the "boss) <ken@customer.example>, b@x.example`, "ken@customer.example b@x.example"},
	{"comment with an address", `(eve@x.example) ken@customer.example`, "ken@customer.example"},
	{"comment that nothing closes", `Ken (Sales <ken@customer.example>, b@x.example (B)`, "ken@customer.example b@x.example"},
	{"comment before a dot of the domain", `ken@customer(c).example`, "ken@customer.example"},
	{"quoted local part", `"a b"@x.example`, ""},
	{"quoted local part with escapes", `"a\"b\\"@x.example`, ""},
	{"needless quotes and escapes", `"k\en"@customer.example`, "ken@customer.example"},
	{"quotes in part", `ken."tanaka".x@customer.example`, "ken.tanaka.x@customer.example"},
	{"empty quotes", `""@x.example, b@x.example`, "b@x.example"},
	{"@ in quotes", `"a@b"@x.example`, `"a@b"@x.example`},
	{"name in quotes touching the address", `"Ken"ken@customer.example`, "ken@customer.example"},
	{"address in quotes only", `"ken@customer.example"`, ""},
	{"name in quotes with brackets", `"Ken <eve@x.example>, x" <ken@customer.example>`, "ken@customer.example"},
	{"spaces around @", `ken @ customer.example, <rie @customer.example>`, "ken@customer.example rie@customer.example"},
	{"obsolete dots in brackets", `<ken . tanaka @ customer . example>`, "ken.tanaka@customer.example"},
	{"title before a bare address", `Dr. ken@customer.example`, "ken@customer.example"},
	{"dots after a bare address", `ken@customer.example ...`, "ken@customer.example"},
	{"folding left in", "Ken\r\n <ken@customer.example>,\r\n\trie@customer.example", "ken@customer.example rie@customer.example"},
	{"control characters", "ken@customer.example\x00, \x7frie@customer.example\x01", "ken@customer.example rie@customer.example"},

	{"address literals", `a@[192.0.2.1], b@[IPv6:2001:DB8::1], c@[nonsense], d@[300.1.1.1]`, "a@[192.0.2.1] b@[ipv6:2001:db8::1]"},
	{"address literal that nothing closes", `a@[192.0.2.1, b@x.example`, "b@x.example"},
	{"route of two", `<@a.example,@b.example:ken@customer.example>`, "ken@customer.example"},
	{"route without brackets", `@a.example:ken@customer.example`, "ken@customer.example"},
	{"group in a group", `A: B: a@x.example; , c@x.example;, d@x.example`, "a@x.example c@x.example d@x.example"},
	{"group with a name that is an address", `eve@x.example: ken@customer.example;`, "ken@customer.example"},
	{"group that nothing closes", `Tokyo: ken@customer.example`, "ken@customer.example"},
	{"empty groups", `a:;, b: ;`, ""},
	{"commas left out", `<a@x.example> <b@y.example> C <c@z.example>`, "a@x.example b@y.example c@z.example"},
	{"commas left out, bare", `a@x.example b@y.example`, "a@x.example b@y.example"},
	{"text after the bracket", `Ken <ken@customer.example> via Sales`, "ken@customer.example"},
	{"bracket that nothing closes, then another", `Ken <ken@customer.example, Rie <rie@customer.example>`, "ken@customer.example rie@customer.example"},
	{"bracket that nothing opens", `ken@customer.example>`, "ken@customer.example"},
	{"space in brackets", `Ken < ken@customer.example >`, "ken@customer.example"},
	{"address as a name of nobody", `ken@customer.example <>`, ""},
	{"square brackets", `[ken@customer.example], Rie [mailto:rie@customer.example]`, "ken@customer.example rie@customer.example"},
	{"mailto with a query", `<MAILTO:ken@customer.example?subject=Hi>`, "ken@customer.example"},
	{"apostrophes", `'ken@customer.example', o'brien@x.example, 'n'@x.example`, "ken@customer.example o'brien@x.example 'n'@x.example"},
	{"smart quotes", `“Tanaka, Ken” <ken@customer.example>, ‘rie@customer.example’`, "ken@customer.example rie@customer.example"},
	{"semicolons in a row", `;;a@x.example;;b@y.example;`, "a@x.example b@y.example"},
	{"twice the same", `ken@customer.example, KEN@Customer.example., "ken"@customer.example`, "ken@customer.example"},
	{"two @", `a@b@c.example, ken@customer.example, @@, a@@b, @a.example`, "ken@customer.example"},
	{"no domain", `ken@, ken@., ken@.example, ken@a..b, b@x.example`, "b@x.example"},
	{"domain with what no domain has", `a@x!y.example, a@x/y.example, b@x.example`, "b@x.example"},
	{"single label, underscore, hyphen", `root@localhost, a@my_host.example, a@-x-.example`, "root@localhost a@my_host.example a@-x-.example"},
	{"long domain", "a@" + strings.Repeat("a", 64) + ".example, b@x.example, c@" + strings.Repeat("abc.", 70) + "x", "b@x.example"},
	{"long local part", strings.Repeat("b", 100) + "@x.example, " + strings.Repeat("b", 400) + "@x.example", strings.Repeat("b", 100) + "@x.example"},
	{"dots only", `.@x.example, "."@x.example, ...@x.example, .a@x.example`, ".a@x.example"},
	{"every character that needs no quotes", "!#$%&'*+-/=?^_`{|}~.@x.example", "!#$%&'*+-/=?^_`{|}~.@x.example"},

	{"encoded word with comma and address", `=?UTF-8?Q?Yamada,_eve@x.example,?= <ken@customer.example>`, "ken@customer.example"},
	{"encoded words only", `=?UTF-8?Q?eve@x.example?= =?UTF-8?B?eA==?=`, ""},
	{"encoded word as local part", `=?UTF-8?Q?ken?=@x.example, b@x.example`, "b@x.example"},
	{"encoded word cut off", `=?UTF-8?B?eA <ken@customer.example>, =?x, b@x.example`, "ken@customer.example b@x.example"},
	{"encoded word touching the bracket", `=?UTF-8?B?eA==?=<ken@customer.example>`, "ken@customer.example"},

	{"internationalised", `KEN@例え.JP, ken@ＣＵＳＴＯＭＥＲ.example, ken@例え。jp, 田中@例え.jp`, "ken@xn--r8jz45g.jp ken@customer.example 田中@xn--r8jz45g.jp"},
	{"local part decomposed", "cafe\u0301@x.example, CAFÉ@x.example", "café@x.example"},
	{"German sharp s stays", `a@straße.example`, "a@xn--strae-oqa.example"},
	{"full-width punctuation", `田中、ken@customer.example，rie＜rie@customer.example＞。a@x.example`, "ken@customer.example rie@customer.example a@x.example"},
	{"full-width space", "田中　ken@customer.example", "ken@customer.example"},
	{"full-width @ is none", `ken＠customer.example, b@x.example`, "b@x.example"},
	{"invisible characters", "\u200bken@customer.example\u200b, \ufeffrie@customer.example", "ken@customer.example rie@customer.example"},

	{"Shift_JIS, a backslash before the quote", "\"\x95\\\" <ken@customer.example>, b@x.example", "ken@customer.example b@x.example"},
	{"Shift_JIS, @ in the name", "\x8eR\x93c\x81@\x91\xbe\x98Y <ken@customer.example>, \x83@@x.example", "ken@customer.example"},
	{"Shift_JIS, half-width kana", "\xd4\xcf\xc0\xde <ken@customer.example>", "ken@customer.example"},
	{"Shift_JIS touching a bare address", "\x8eR\x81@ken@customer.example", "ken@customer.example"},
	{"EUC-JP", "\"\xbb\xb3\xc5\xc4\\\"\" <ken@customer.example>, \xa4\xa2 <rie@customer.example>", "ken@customer.example rie@customer.example"},
	{"Latin-1", "\"Ren\xe9\" <rene@x.example>, M\xfcller <m@x.example>, J\xf6@x.example", "rene@x.example m@x.example"},
	{"UTF-8 cut in the middle", "\"\xe5\xb1\xb1\xe7\x94\" <ken@customer.example>", "ken@customer.example"},

	{"ISO-2022-JP with every sign in it", "\x1b$B\"<@,;:(>\x1b(B <ken@customer.example>, b@x.example", "ken@customer.example b@x.example"},
	{"ISO-2022-JP in quotes", "\"\x1b$B$\"\\\"\x1b(B\" <ken@customer.example>, b@x.example", "ken@customer.example b@x.example"},
	{"ISO-2022-JP in a comment", "ken@customer.example (\x1b$B)(\x1b(B), b@x.example", "ken@customer.example b@x.example"},
	{"ISO-2022-JP touching the bracket", "\x1b$B;3ED\x1b(J<ken@customer.example>", "ken@customer.example"},
	{"ISO-2022-JP folded inside the run", "\x1b$B;3 \"<\x1b(B <ken@customer.example>", "ken@customer.example"},
	{"ISO-2022-JP, the way back forgotten", "\x1b$B;3E <ken@customer.example>, \x1b$B\"\"\x1b(B <rie@customer.example>", "ken@customer.example rie@customer.example"},
	{"ISO-2022-JP, forgotten in quotes", "\"\x1b$B;3E\" <ken@customer.example>", "ken@customer.example"},
	{"ISO-2022-JP, half-width kana", "\x1b(I1\"<\x1b(B <ken@customer.example>", "ken@customer.example"},
	{"ISO-2022-JP without its escapes", "$B;3ED(B <ken@customer.example>, $B$\"(B <rie@customer.example>", "ken@customer.example rie@customer.example"},
	{"a stray escape", "\x1b<ken@customer.example>\x1b", "ken@customer.example"},

	{"an odd quote in between", `Ken "the boss <ken@customer.example>, rie@customer.example`, "ken@customer.example rie@customer.example"},
	{"a backslash", `ken\@x.example, Ken\, T <ken@customer.example>`, "ken@x.example ken@customer.example"},
	{"only rubbish", `<<>><@>,@,"",(),:;[]`, ""},
}

func TestList(t *testing.T) {
	want := map[string][]crm.Address{ // those with a space in them
		"quoted local part":              {`"a b"@x.example`},
		"quoted local part with escapes": {`"a\"b\\"@x.example`},
	}
	for _, c := range lists {
		t.Run(c.name, func(t *testing.T) {
			expected := want[c.name]
			for _, a := range strings.Fields(c.want) {
				expected = append(expected, crm.Address(a))
			}
			got := List(c.raw)
			if !slices.Equal(got, expected) {
				t.Errorf("%q\n got %q\nwant %q", c.raw, got, expected)
			}
			standsIn(t, c.raw, got)
		})
	}
}

func TestParse(t *testing.T) {
	for raw, want := range map[string]crm.Address{
		"ken@customer.example":            "ken@customer.example",
		" KEN@Customer.Example.\n":        "ken@customer.example",
		"taro..yamada@docomo.ne.jp":       "taro..yamada@docomo.ne.jp",
		".taro.@ezweb.ne.jp":              ".taro.@ezweb.ne.jp",
		`"taro..yamada"@docomo.ne.jp`:     "taro..yamada@docomo.ne.jp",
		`"a b"@x.example`:                 `"a b"@x.example`,
		`a."b c"@x.example`:               `"a.b c"@x.example`,
		"ken@例え.jp":                       "ken@xn--r8jz45g.jp",
		"ken@[192.0.2.1]":                 "ken@[192.0.2.1]",
		"ken@[IPv6:2001:db8::1]":          "ken@[ipv6:2001:db8::1]",
		"o'brien+crm@mail-1.x_y.example":  "o'brien+crm@mail-1.x_y.example",
		"ken@localhost":                   "ken@localhost",
		"=?x@customer.example":            "=?x@customer.example",
		"":                                "",
		"ken":                             "",
		"@customer.example":               "",
		"ken@":                            "",
		"ken@.":                           "",
		"ken@@customer.example":           "",
		"ken@a@customer.example":          "",
		"Ken <ken@customer.example>":      "",
		"<ken@customer.example>":          "",
		"ken@customer.example (Ken)":      "",
		"ken@customer.example,":           "",
		"ken@customer.example, b@x.y":     "",
		"ken tanaka@customer.example":     "",
		"ken @customer.example":           "",
		"ken@ customer.example":           "",
		"ken@customer. example":           "",
		"mailto:ken@customer.example":     "",
		"'ken@customer.example'":          "",
		"ken@customer.example?subject=hi": "",
		`"ken"tanaka@customer.example`:    "",
		`"ken@customer.example`:           "",
		"\"a\x00b\"@x.example":            "",
		"ken＠customer.example":            "",
		"ken@\x83\x40.example":            "",
		"\x83\x40@customer.example":       "",
		"ken@[192.0.2.1":                  "",
		"ken@[::1]":                       "",
		"ken@[IPv6:fe80::1%eth0]":         "",
	} {
		got, ok := Parse(raw)
		if got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v; want %q", raw, got, ok, want)
		}
	}
}

func TestPeople(t *testing.T) {
	// decode shows what it is given: names are cut out before they are decoded.
	decode := func(s string) string {
		if s == "" {
			return ""
		}
		return "{" + s + "}"
	}
	for raw, want := range map[string][]crm.Person{
		"": {},
		`Ken Tanaka <ken@x.example>, "Yamada, \"T\" Taro" <taro@x.example>`: {
			{Name: "{Ken Tanaka}", Address: "ken@x.example"},
			{Name: `{Yamada, "T" Taro}`, Address: "taro@x.example"}},
		`ken@x.example (Ken (at work)), rie@x.example`: {
			{Name: "{Ken (at work)}", Address: "ken@x.example"},
			{Address: "rie@x.example"}},
		`Tanaka, Taro (Sales) <taro@x.example>, <b@x.example>`: {
			{Name: "{Tanaka, Taro (Sales)}", Address: "taro@x.example"},
			{Address: "b@x.example"}},
		`eve@x.example <ken@x.example>`:                  {{Name: "{eve@x.example}", Address: "ken@x.example"}},
		`Ken <ken@x.example> via Sales, c <c@x.example>`: {{Name: "{Ken}", Address: "ken@x.example"}, {Name: "{c}", Address: "c@x.example"}},
		`Tokyo: Ken <ken@x.example>, rie@x.example;`:     {{Name: "{Ken}", Address: "ken@x.example"}, {Address: "rie@x.example"}},
		`ken@x.example, Ken <KEN@x.example>`:             {{Name: "{Ken}", Address: "ken@x.example"}},
		`a@x.example Rie b@x.example (R)`:                {{Address: "a@x.example"}, {Name: "{Rie}", Address: "b@x.example"}},
		"\"\x95\\\" <ken@x.example>":                     {{Name: "{\x95\\}", Address: "ken@x.example"}},
		"\"\x1b$B\"\\\x1b(B\" <ken@x.example>":           {{Name: "{\x1b$B\"\\\x1b(B}", Address: "ken@x.example"}},
		`=?UTF-8?Q?a,?= =?UTF-8?Q?b?= <ken@x.example>`:   {{Name: "{=?UTF-8?Q?a,?= =?UTF-8?Q?b?=}", Address: "ken@x.example"}},
		`山田（営業） <taro@x.example>`:                        {{Name: "{山田（営業）}", Address: "taro@x.example"}},
	} {
		if got := People(raw, decode); !slices.Equal(got, want) {
			t.Errorf("%q\n got %q\nwant %q", raw, got, want)
		}
	}
}

func TestManyAddressesAreUniqueToo(t *testing.T) {
	raw := strings.Repeat("a@x.example, b@x.example, ", 3*few)
	if got := List(raw); !slices.Equal(got, []crm.Address{"a@x.example", "b@x.example"}) {
		t.Errorf("got %d addresses, want 2", len(got))
	}
}

func TestDomain(t *testing.T) {
	for raw, want := range map[string]string{
		" IMAP.Example.COM. ": "imap.example.com", "例え.jp": "xn--r8jz45g.jp", "mail_1.example": "mail_1.example",
		"": "", ".": "", "a..b": "", "a b.example": "", "a.example(x)": "", "[192.0.2.1]": "", "a.example/x": "", "a.example\nb": "", "http://a.example": "",
	} {
		if got, ok := Domain(raw); got != want && ok || ok != (want != "") {
			t.Errorf("%q: got %q, %v", raw, got, ok)
		}
	}
}
