package charset

import (
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
)

func TestDecode(t *testing.T) {
	cases := []struct {
		name, label, bytes string
		want               string
		lossy              bool
	}{
		{"nothing at all", "", "", "", false},
		{"ASCII under any label", "shift_jis", "Hello ~ \\", "Hello ~ \\", false},
		{"UTF-8", "utf-8", "お見積り", "お見積り", false},
		{"UTF-8 with a byte order mark", "utf-8", "\xEF\xBB\xBFお", "お", false},
		{"UTF-8 under a nickname", "UTF8", "お", "お", false},
		{"a label in quotes", `"utf-8"`, "お", "お", false},
		{"a label with a language", "utf-8*ja", "お", "お", false},

		{"ISO-2022-JP", "iso-2022-jp", "\x1b$B$*8+@Q$j\x1b(B", "お見積り", false},
		{"ISO-2022-JP of 1978", "ISO-2022-JP", "\x1b$@$*8+@Q$j\x1b(J", "お見積り", false},
		{"ISO-2022-JP without a label", "", "\x1b$B$*8+@Q$j\x1b(B", "お見積り", false},
		{"ISO-2022-JP labelled as UTF-8", "utf-8", "\x1b$B$*8+@Q$j\x1b(B", "お見積り", false},
		{"ISO-2022-JP labelled as ASCII", "us-ascii", "\x1b$B$*8+@Q$j\x1b(B", "お見積り", false},
		{"ISO-2022-JP labelled as Shift_JIS", "shift_jis", "\x1b$B$*8+@Q$j\x1b(B", "お見積り", false},
		{"ISO-2022-JP labelled as Latin-1", "iso-8859-1", "\x1b$B$*8+@Q$j\x1b(B", "お見積り", false},
		{"a backslash in JIS Roman stays one", "iso-2022-jp", "\x1b(J\\~\x1b(B", "\\~", false},
		{"half-width katakana by escape", "iso-2022-jp", "\x1b(I6@6E\x1b(B", "ｶﾀｶﾅ", false},
		{"half-width katakana by shift-out", "cp50222", "\x0e6@6E\x0f!", "ｶﾀｶﾅ!", false},
		{"half-width katakana in eight bits", "cp50221", "\xB6\xC0\xB6\xC5 \x1b$B$*\x1b(B", "ｶﾀｶﾅ お", false},
		{"NEC's circled digits", "iso-2022-jp-ms", "\x1b$B-!-j\x1b(B", "①㈱", false},
		{"IBM's tall Taka", "cp50220", "\x1b$B|b\x1b(B", "髙", false},
		{"a line end ends a forgotten escape", "iso-2022-jp", "\x1b$B$*\r\nabc", "お\r\nabc", false},
		{"JIS X 0212", "iso-2022-jp-1", "\x1b$(D\x30\x21\x1b(B", "丂", false},
		{"half a character", "iso-2022-jp", "\x1b$B$*8\x1b(B", "お?", true},

		{"Shift_JIS", "shift_jis", "\x82\xA8\x8C\xA9\x90\xCF\x82\xE8", "お見積り", false},
		{"x-sjis", "x-sjis", "\x82\xA8", "お", false},
		{"cp932 with extensions", "cp932", "\x87\x40\x87\x8A\xFB\xFC\xEE\xE0", "①㈱髙髙", false},
		{"ms_kanji", "MS_Kanji", "\x82\xA8", "お", false},
		{"windows-31j", "windows-31J", "\x82\xA8", "お", false},
		{"Shift_JIS without a label", "", "\x82\xA8\x8C\xA9\x90\xCF\x82\xE8", "お見積り", false},
		{"Shift_JIS labelled as ISO-2022-JP", "iso-2022-jp", "\x82\xA8\x8C\xA9\x90\xCF\x82\xE8", "お見積り", false},
		{"Shift_JIS labelled as UTF-8", "utf-8", "\x82\xA8\x8C\xA9\x90\xCF\x82\xE8", "お見積り", false},
		{"Shift_JIS labelled as Latin-1", "iso-8859-1", "\x83e\x83X\x83g\x82\xC5\x82\xB7", "テストです", false},
		{"Shift_JIS labelled as EUC-JP", "euc-jp", "\x83e\x83X\x83g\x82\xC5\x82\xB7", "テストです", false},
		{"half-width katakana alone", "", "\xB6\xC0\xB6\xC5\xDE", "ｶﾀｶﾅﾞ", false},
		{"half-width katakana among others", "shift_jis", "\xB6\xC0\xB6\xC5\x82\xC5\x82\xB7", "ｶﾀｶﾅです", false},
		{"a carrier's emoji", "shift_jis", "\xF8\x9F\x82\xA8\xF0\x40", "\uE63Eお\uE000", false},

		{"EUC-JP", "euc-jp", "\xA4\xAA\xB8\xAB\xC0\xD1\xA4\xEA", "お見積り", false},
		{"eucjp-ms with extensions", "eucjp-ms", "\xAD\xA1\xAD\xEA\xFC\xE2", "①㈱髙", false},
		{"EUC-JP without a label", "", "\xA4\xAA\xB8\xAB\xC0\xD1\xA4\xEA", "お見積り", false},
		{"EUC-JP of kanji alone", "", "\xB8\xE6\xB8\xAB\xC0\xD1\xBD\xF1", "御見積書", false},
		{"EUC-JP labelled as Shift_JIS", "shift_jis", "\xA4\xAA\xB8\xAB\xC0\xD1\xA4\xEA\xA4\xC7\xA4\xB9", "お見積りです", false},
		{"half-width katakana in EUC-JP", "euc-jp", "\x8E\xB6\x8E\xC0", "ｶﾀ", false},

		{"UTF-8 labelled as ISO-2022-JP", "iso-2022-jp", "お見積り", "お見積り", false},
		{"UTF-8 labelled as Shift_JIS", "shift_jis", "お見積り", "お見積り", false},
		{"UTF-8 labelled as EUC-JP", "euc-jp", "お見積り", "お見積り", false},
		{"UTF-8 labelled as Latin-1", "iso-8859-1", "お見積り é", "お見積り é", false},
		{"UTF-8 without a label", "", "お見積り", "お見積り", false},
		{"UTF-8 with an unknown label", "x-nobody-knows", "お見積り", "お見積り", false},
		{"UTF-8 with a broken byte", "utf-8", "お見積り\xE3\x81 です。よろしくお願いいたします", "お見積り\uFFFD です。よろしくお願いいたします", true},

		{"Latin-1", "iso-8859-1", "caf\xE9s", "cafés", false},
		{"capitals of Latin-1 in pairs", "iso-8859-1", "\xC0\xC9", "ÀÉ", false},
		{"Latin-1 without a label", "", "Die Hasen und die Fr\xF6sche", "Die Hasen und die Frösche", false},
		{"Latin-1 labelled as UTF-8", "utf-8", "Die Fr\xF6sche", "Die Frösche", false},
		{"typographer's quotes without a label", "", "don\x92t and it\x92s", "don’t and it’s", false},
		{"KOI8-R", "koi8-r", "\xF0\xD2\xC9\xD7\xC5\xD4", "Привет", false},
		{"windows-1251", "windows-1251", "\xCF\xF0\xE8\xE2\xE5\xF2", "Привет", false},
		{"GB2312 means GB18030", "gb2312", "\xC4\xFA\xBA\xC3", "您好", false},
		{"HZ", "hz-gb-2312", "~{DzCG~}", "您们", false},
		{"Big5", "big5", "\xB1z\xA6n", "您好", false},
		{"Korean", "ks_c_5601-1987", "\xBE\xC8\xB3\xE7", "안녕", false},
		{"an IBM code page", "ibm850", "\x81", "ü", false},

		{"UTF-7", "utf-7", "+MEqJi3pNMIo-!", "お見積り!", false},
		{"UTF-7's plus sign", "unicode-1-1-utf-7", "1+-1", "1+1", false},
		{"UTF-7 that breaks off", "utf-7", "+MEqJ", "お", true},
		{"UTF-16 with a byte order mark", "utf-16", "\xFF\xFEj0", "\u306a", false},
		{"UTF-16 without one", "utf-16", "H\x00i\x00", "Hi", false},
		{"UTF-16 without a label", "", "\xFE\xFF\x30\x4A", "お", false},
		{"noise", "", "\x81\xFF\xFE\x90\x00\x8D\xFF", "\uFFFDÿþ\uFFFD\x00\uFFFDÿ", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ok := Decode(c.label, []byte(c.bytes))
			if string(got) != c.want || ok == c.lossy {
				t.Errorf("Decode(%q, %q) = %q, %v", c.label, c.bytes, got, ok)
			}
		})
	}
}

// TestShortTexts sniffs names and subjects, which leave little to judge by, in
// every charset and under labels that are wrong.
func TestShortTexts(t *testing.T) {
	japaneseTexts := []string{"見積", "請求書", "佐藤", "渡邊", "髙橋", "齋藤", "薔薇", "会議", "様", "十", "①", "㈱", "…", "100円", "3月2日", "お知らせ", "テスト", "ソフト",
		"Re: 御礼", "株式会社", "（株）山田商事", "山田 太郎", "鈴木 一郎 (営業部)", "添付.pdf", "見積書_20260302.xlsx", "Fwd: 【重要】契約更新", "〒100-0001", "№5",
		"Tシャツ", "CD購入", "A案とB案", "test送信", "web会議のご案内", "株式会社ABC", "ﾃｽﾄ", "ﾔﾏﾀﾞ ﾀﾛｳ 様", "ｶﾌﾞｼｷｶﾞｲｼﾔ"}
	for _, want := range japaneseTexts {
		for name, e := range map[string]encoding.Encoding{"Shift_JIS": japanese.ShiftJIS, "EUC-JP": japanese.EUCJP, "ISO-2022-JP": japanese.ISO2022JP, "UTF-8": encoding.Nop} {
			b, err := e.NewEncoder().Bytes([]byte(want))
			if err != nil {
				continue // half-width katakana in ISO-2022-JP
			}
			for _, label := range []string{"", "utf-8", "us-ascii", "iso-2022-jp", name} {
				if got, ok := Decode(label, b); string(got) != want || !ok {
					t.Errorf("%q in %s, labelled %q: %q, %v", want, name, label, got, ok)
				}
			}
		}
	}
	for _, want := range []string{"Größe", "À demain", "café", "Müller", "naïve", "ça va", "£100", "25°C", "½ litre", "Señor Muñoz", "«oui»", "ÉTÉ", "don’t", "it’s – we’ll",
		"“Hello”", "“Don’t”", "Ångström", "São Paulo", "Straße 5", "français créée à l’été", "Öl", "• item", "50 € – 60 €", "déjà vu", "île", "où là"} {
		b, err := charmap.Windows1252.NewEncoder().Bytes([]byte(want))
		if err != nil {
			t.Fatal(err)
		}
		for _, label := range []string{"", "utf-8", "us-ascii", "iso-8859-1"} {
			if got, ok := Decode(label, b); string(got) != want || !ok {
				t.Errorf("%q in windows-1252, labelled %q: %q, %v", want, label, got, ok)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, label := range []string{"", "utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "utf-7", "utf-16", "iso-8859-1", "hz-gb-2312", "koi8-r", "big5"} {
		f.Add(label, []byte("a\x1b$B$*\x1b(B \x82\xA8 \xA4\xAA お +MEo- \xF8\x9F"))
	}
	f.Fuzz(func(t *testing.T, label string, b []byte) {
		text, _ := Decode(label, b)
		if !utf8.Valid(text) {
			t.Errorf("Decode(%q, %q) = %q, which is no UTF-8", label, b, text)
		}
		if len(text) > 4*len(b)+4 {
			t.Errorf("%d bytes became %d", len(b), len(text))
		}
	})
}
