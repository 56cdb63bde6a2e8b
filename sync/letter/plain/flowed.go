package plain

import "strings"

// Unflow undoes format=flowed (RFC 3676): a line that ends with a space goes
// on in the next one of the same quote depth. With delsp that space was added
// for this purpose alone, as Japanese wants it, and goes. Lines end with LF.
func Unflow(text string, delsp bool) string {
	var out strings.Builder
	out.Grow(len(text))
	open, depth := false, 0 // the line before goes on; and its quote depth
	for len(text) > 0 {
		line, rest, ended := strings.Cut(text, "\n")
		text = rest
		level := 0
		for level < len(line) && line[level] == '>' {
			level++
		}
		// A space in front protects lines that begin like something else.
		content := strings.TrimPrefix(line[level:], " ")
		if open && (level != depth || content == "-- ") {
			out.WriteByte('\n')
			open = false
		}
		if !open && level > 0 {
			out.WriteString(line[:level])
			out.WriteByte(' ')
		}
		open, depth = ended && strings.HasSuffix(content, " ") && content != "-- ", level
		if open && delsp {
			content = content[:len(content)-1]
		}
		out.WriteString(content)
		if ended && !open {
			out.WriteByte('\n')
		}
	}
	return out.String()
}
