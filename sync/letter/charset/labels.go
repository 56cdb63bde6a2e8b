package charset

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// coding is a charset and what must be known of it to judge a label.
type coding struct {
	decode func([]byte) ([]byte, bool) // nil for no charset at all

	plain     bool // bytes below 0x80 are ASCII
	utf8      bool
	jis       bool // ISO-2022-JP
	sjis      bool
	multibyte bool // Shift_JIS, EUC-JP, GBK and their like
	western   bool // Latin-1 and its like, in which all bytes mean something
}

// find looks up a label. Hyphens, underscores and case say nothing: the same
// charset is written in too many ways.
func find(label string) coding {
	if label == "" {
		return coding{plain: true}
	}
	switch key := squeeze(label); key {
	case "utf8", "utf8mb4", "unicode11utf8", "xutf8", "cp65001":
		return coding{decode: decodeUTF8, plain: true, utf8: true}
	// A label that promises seven bits or nothing at all says nothing of the
	// eight-bit bytes that come all the same.
	case "usascii", "ascii", "ansix341968", "646", "iso646us", "unknown", "unknown8bit", "xunknown", "default",
		"defaultcharset", "xuserdefined", "none", "binary", "8bit", "7bit":
		return coding{plain: true}
	case "iso2022jp", "iso2022jpms", "iso2022jp1", "iso2022jp2", "iso2022jp3", "iso2022jp2004", "csiso2022jp",
		"cp50220", "cp50221", "cp50222", "50220", "50221", "50222", "windows50220", "windows50221",
		"xwindowsiso2022jp", "xiso2022jp", "jis", "jis7", "junet", "iso2022":
		return coding{decode: decodeJIS, plain: true, jis: true}
	case "shiftjis", "sjis", "xsjis", "cp932", "ms932", "windows932", "windows31j", "cswindows31j", "mskanji",
		"csshiftjis", "sjiswin", "shiftjisx0213", "shiftjis2004", "sjis2004", "xmacjapanese", "xmsdossjis", "xxsjis", "cp943", "ibm943":
		return coding{decode: decodeShiftJIS, plain: true, sjis: true, multibyte: true}
	case "eucjp", "xeucjp", "eucjpms", "eucjpwin", "eucjpopen", "ujis", "cp51932", "51932", "cseucpkdfmtjapanese",
		"eucjis2004", "eucjisx0213", "xeuc", "euc":
		return coding{decode: decodeEUCJP, plain: true, multibyte: true}
	case "utf7", "unicode11utf7", "csunicode11utf7", "xunicode20utf7", "cp65000":
		return coding{decode: decodeUTF7}
	// GB 18030 has all of GBK, and that all of GB 2312; what says the least
	// often holds more.
	case "gb2312", "gb231280", "csgb2312", "gbk", "xgbk", "cp936", "ms936", "windows936", "gb18030", "euccn", "xeuccn", "chinese", "csiso58gb231280":
		return multibyte(simplifiedchinese.GB18030)
	case "hzgb2312", "hz":
		return table(simplifiedchinese.HZGB2312)
	// x/text's EUC-KR is what Windows calls code page 949.
	case "ksc56011987", "ksc5601", "ksx1001", "euckr", "xeuckr", "cp949", "ms949", "windows949", "uhc", "korean":
		return multibyte(korean.EUCKR)
	case "big5", "big5hkscs", "cp950", "ms950", "windows950", "xxbig5", "cnbig5", "csbig5":
		return multibyte(traditionalchinese.Big5)
	case "utf16", "unicode", "ucs2", "iso10646ucs2", "csunicode":
		return coding{decode: decodeUTF16}
	case "utf32", "ucs4":
		return table(utf32.UTF32(utf32.BigEndian, utf32.UseBOM))
	case "utf16be":
		return table(unicode.UTF16(unicode.BigEndian, unicode.UseBOM))
	case "utf16le":
		return table(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM))
	// Read as windows-1252, like in every browser and mail program.
	case "iso88591", "latin1", "windows1252", "cp1252", "iso885915", "latin9", "l1", "xansi", "ansi":
		return coding{decode: western, plain: true, western: true}
	default:
		return registered(label)
	}
}

// registered asks the registries of WHATWG and IANA.
func registered(label string) coding {
	name := strings.ToLower(strings.Trim(label, " \t\"'"))
	e, err := htmlindex.Get(name)
	if err != nil || e == encoding.Replacement {
		if e, err = ianaindex.MIME.Encoding(name); err != nil || e == nil {
			return coding{plain: true}
		}
	}
	c := table(e)
	// EBCDIC and a few more don't keep ASCII in its place.
	ascii, err := e.NewDecoder().String("Az09=<")
	c.plain = err == nil && ascii == "Az09=<"
	return c
}

// squeeze keeps the letters and digits of a label, in lower case. A language
// tag (RFC 2231 section 5) is cut off.
func squeeze(label string) string {
	var key [48]byte
	n := 0
	for i := 0; i < len(label) && n < len(key); i++ {
		switch c := label[i]; {
		case c == '*':
			return string(key[:n])
		case 'A' <= c && c <= 'Z':
			key[n] = c | 0x20
			n++
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			key[n] = c
			n++
		}
	}
	return string(key[:n])
}

// multibyte makes a coding in which bytes below 0x80 are ASCII and others come in
// rows.
func multibyte(e encoding.Encoding) coding {
	c := table(e)
	c.plain, c.multibyte = true, true
	return c
}
