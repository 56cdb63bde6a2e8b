package safehtml

import "strings"

// More than any program writes: bytes in one attribute, functions in one value.
const (
	maxStyle     = 8 << 10
	maxFunctions = 20
)

// style filters the declarations of a style attribute: properties on a list,
// with values of plain words, numbers and harmless functions. Addresses are
// judged like those of pictures; one that has to go leaves the rest of its
// value, which may be the colour that makes the text readable.
func (c *cleaner) style(raw string) string {
	if len(raw) > maxStyle {
		return ""
	}
	var kept []string
	for _, declaration := range declarations(raw) {
		name, value, ok := strings.Cut(declaration, ":")
		if !ok {
			continue
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if !isAllowed(name) {
			continue
		}
		if value, ok = c.value(strings.TrimSpace(value)); ok && value != "" {
			kept = append(kept, name+": "+value)
		}
	}
	return strings.Join(kept, "; ")
}

// declarations splits at semicolons outside of quotes and parentheses.
func declarations(s string) (parts []string) {
	var quote byte
	depth, start := 0, 0
	for i := range len(s) {
		switch b := s[i]; {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '"' || b == '\'':
			quote = b
		case b == '(':
			depth++
		case b == ')':
			depth--
		case b == ';' && depth <= 0:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// value judges the value of a declaration and takes the addresses out of it
// that may not stay.
func (c *cleaner) value(v string) (string, bool) {
	if strings.Count(v, "(") > maxFunctions {
		return "", false
	}
	var out strings.Builder
	for v != "" {
		at := strings.IndexByte(v, '(')
		if at < 0 {
			out.WriteString(v)
			break
		}
		before, name := v[:at], functionName(v[:at])
		end := closing(v, at)
		if end < 0 {
			return "", false
		}
		switch {
		case name == "url":
			out.WriteString(before[:at-len(name)])
			if address, ok := c.picture(strings.Trim(v[at+1:end], " \t\r\n\"'")); ok && isPlainURL(address) {
				out.WriteString("url('" + address + "')")
			}
		case isFunction(name):
			inner, ok := c.value(v[at+1 : end])
			if !ok {
				return "", false
			}
			out.WriteString(before + "(" + inner + ")")
		default:
			return "", false
		}
		v = v[end+1:]
	}
	s := strings.Join(strings.Fields(out.String()), " ")
	return s, isPlain(s)
}

// functionName is the word that s ends with, in lower case.
func functionName(s string) string {
	start := len(s)
	for start > 0 && (s[start-1] == '-' || s[start-1]|0x20 >= 'a' && s[start-1]|0x20 <= 'z') {
		start--
	}
	return strings.ToLower(s[start:])
}

// closing finds the parenthesis that closes the one at open, -1 where there is
// none.
func closing(s string, open int) int {
	var quote byte
	depth := 0
	for i := open; i < len(s); i++ {
		switch b := s[i]; {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '"' || b == '\'':
			quote = b
		case b == '(':
			depth++
		case b == ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// isFunction tells functions that compute a value and load nothing.
func isFunction(name string) bool {
	switch name {
	case "rgb", "rgba", "hsl", "hsla", "calc", "min", "max", "clamp", "linear-gradient", "radial-gradient":
		return true
	}
	return false
}

// isPlain tells whether a value has nothing in it by which CSS could be made
// to read something else than we did: escapes, comments, braces, brackets of
// tags, and quotes or parentheses that don't close.
func isPlain(v string) bool {
	if strings.ContainsAny(v, "\\<>{}@;`\x00") || strings.Contains(v, "/*") {
		return false
	}
	for _, r := range v {
		if r < ' ' || r == 0x7F {
			return false
		}
	}
	return strings.Count(v, `"`)%2 == 0 && strings.Count(v, "'")%2 == 0 && strings.Count(v, "(") == strings.Count(v, ")")
}

// isPlainURL tells whether an address can stand between quotes in CSS.
func isPlainURL(s string) bool { return !strings.ContainsAny(s, "\"'()\\<>{};@ \t\r\n") }

// isAllowed tells properties that change how text looks where it stands. None
// that take it elsewhere (position, z-index) or load something of their own
// kind (behavior, -moz-binding, content, cursor).
func isAllowed(property string) bool {
	for _, family := range []string{"margin", "padding", "border", "font", "list-style", "text"} {
		if rest, ok := strings.CutPrefix(property, family); ok && (rest == "" || rest[0] == '-') {
			return true
		}
	}
	switch property {
	case "color", "background", "background-color", "background-image", "background-repeat", "background-position", "background-size",
		"line-height", "letter-spacing", "word-spacing", "vertical-align", "white-space", "word-break", "word-wrap", "overflow-wrap",
		"direction", "unicode-bidi", "width", "height", "min-width", "max-width", "min-height", "max-height", "display", "float", "clear",
		"table-layout", "caption-side", "empty-cells", "box-sizing", "opacity", "overflow", "visibility", "line-break", "writing-mode":
		return true
	}
	return false
}
