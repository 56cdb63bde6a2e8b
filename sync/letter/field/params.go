package field

import (
	"slices"
	"strconv"
	"strings"

	"mailsyncd.example/sync/letter/charset"
)

// Bounds for the parameters of one field. Nobody needs more.
const (
	maxParams   = 100
	maxSegments = 200
)

// Params are the parameters of a Content-Type or Content-Disposition field.
type Params []param

// param has its name in lower case, and the asterisks of RFC 2231 still at the
// end of it.
type param struct{ name, value string }

// Parse takes apart "value; name=value; …" and forgives what there is to
// forgive: missing semicolons and quotes, blanks, comments, repetitions. The
// value comes in lower case.
func Parse(s string) (value string, params Params) {
	value, s = cutAny(s, "; \t\r\n(")
	value = strings.ToLower(strings.Trim(value, `"'`))
	for s != "" && len(params) < maxParams {
		s = strings.TrimLeft(s, "; \t\r\n,")
		if strings.HasPrefix(s, "(") {
			s = afterComment(s)
			continue
		}
		name, rest := cutAny(s, "=;")
		if !strings.HasPrefix(rest, "=") {
			s = rest
			continue
		}
		rest = strings.TrimLeft(rest[1:], " \t\r\n")
		var v string
		if strings.HasPrefix(rest, `"`) {
			v, s = quotedValue(rest)
		} else {
			v, s = bareValue(rest)
		}
		params = append(params, param{strings.ToLower(strings.Trim(name, " \t\r\n\"")), v})
	}
	return value, params
}

// cutAny cuts s before the first of these characters.
func cutAny(s, chars string) (before, from string) {
	if at := strings.IndexAny(s, chars); at >= 0 {
		return s[:at], s[at:]
	}
	return s, ""
}

// afterComment returns what follows the comment that s begins with.
func afterComment(s string) string {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return s[i+1:]
			}
		}
	}
	return ""
}

// quotedValue reads a quoted string. A backslash protects quotes and itself
// only: Windows puts whole paths in here.
func quotedValue(s string) (value, rest string) {
	var b []byte
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return string(b), s[i+1:]
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		b = append(b, s[i])
	}
	return string(b), ""
}

// bareValue reads a value without quotes. It may hold blanks, as names of
// files do, unless another parameter follows.
func bareValue(s string) (value, rest string) {
	value, rest = cutAny(s, ";")
	for at := 0; ; {
		blank := strings.IndexAny(value[at:], " \t\r\n")
		if blank < 0 {
			return value, rest
		}
		at += blank
		next := strings.TrimLeft(value[at:], " \t\r\n")
		if next == "" || startsParam(next) || isComment(next) {
			return value[:at], s[at:]
		}
		at = len(value) - len(next)
	}
}

// isComment tells whether s is a comment, with nothing or something else behind
// it, and not a part of a name like "offer (final).pdf".
func isComment(s string) bool {
	if !strings.HasPrefix(s, "(") {
		return false
	}
	rest := afterComment(s)
	return rest == "" || rest[0] == ' ' || rest[0] == '\t'
}

// startsParam tells whether s begins like "charset=".
func startsParam(s string) bool {
	for i := range min(len(s), 40) {
		switch c := s[i] | 0x20; {
		case s[i] == '=':
			return i > 0
		case ('a' > c || c > 'z') && !strings.ContainsRune("-*0123456789", rune(s[i])):
			return false
		}
	}
	return false
}

// Get returns a parameter, "" where there is none, decoded by whatever its sender used: RFC 2231
// with its charsets and continuations, or encoded words, which are wrong here
// and the most common of all.
func (params Params) Get(name string) string {
	var plain string
	var segments []segment
	for _, p := range params {
		switch rest, ok := strings.CutPrefix(p.name, name); {
		case !ok:
		case rest == "" && plain == "":
			plain = p.value
		case rest == "*" && len(segments) == 0:
			return extended([]segment{{coded: true, text: p.value}})
		case strings.HasPrefix(rest, "*") && len(segments) < maxSegments:
			rest, coded := strings.CutSuffix(rest[1:], "*")
			if n, err := strconv.Atoi(rest); err == nil && n >= 0 {
				segments = append(segments, segment{n, coded, p.value})
			}
		}
	}
	if len(segments) > 0 {
		slices.SortStableFunc(segments, func(a, b segment) int { return a.number - b.number })
		return extended(segments)
	}
	text, _ := Words(plain)
	return unescapeName(text)
}

// segment is one part of a value that RFC 2231 split.
type segment struct {
	number int
	coded  bool // bytes are written as %XX, and the first one names a charset
	text   string
}

// extended joins the parts of a value as RFC 2231 sections 3 and 4 say. Encoded words
// have no business in there, and are met all the same.
func extended(segments []segment) string {
	var label string
	var b []byte
	for i, s := range segments {
		text := s.text
		if s.coded && i == 0 {
			if parts := strings.SplitN(text, "'", 3); len(parts) == 3 {
				label, text = parts[0], parts[2]
			}
		}
		if s.coded {
			b = Unescape(b, text, '%')
		} else {
			b = append(b, text...)
		}
	}
	out, _ := charset.Decode(label, b)
	text, _ := Words(string(out))
	return text
}

// unescapeName undoes the escapes of URLs in a value, as some webmail writes
// names of files, where they hide characters beyond ASCII.
func unescapeName(s string) string {
	if strings.Count(s, "%") < 3 {
		return s
	}
	b := Unescape(nil, s, '%')
	if text, ok := charset.Decode("", b); ok && len(b) < len(s) && !isASCII(b) {
		return string(text)
	}
	return s
}

// isASCII tells text that needs no other charset.
func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 || c < ' ' {
			return false
		}
	}
	return true
}
