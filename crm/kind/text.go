package kind

import "strings"

// Bytes of subject and text that are looked at. Who writes more than this
// before saying that nobody wrote it is not a program.
const (
	farSubject = 1 << 10
	farText    = 8 << 10
)

// tags are the brackets in which gateways and programs put a word in front of
// a subject, full-width ones made narrow.
var tags = [...][2]string{{"[", "]"}, {"【", "】"}, {"(", ")"}, {"*", "*"}, {"<", ">"}, {"《", "》"}}

// ownSubject folds a subject and takes the brackets off the tags that it begins
// with: [EXTERNAL], which is dropped, or [Automatic reply], which is not.
func ownSubject(s string) string {
	s = fold(s[:min(len(s), farSubject)])
	for range 5 {
		tag, rest, found := cutTag(s)
		if !found {
			break
		}
		if phrase(tag, autoSubjects) {
			return tag
		}
		s = rest
	}
	return s
}

// cutTag divides a subject into the words of the tag at its beginning, and
// what comes behind.
func cutTag(s string) (tag, rest string, found bool) {
	for _, t := range tags {
		inner := strings.TrimLeft(s, t[0])
		if len(inner) == len(s) {
			continue
		}
		if tag, rest, found = strings.Cut(inner, t[1]); found {
			return strings.TrimSpace(tag), strings.TrimLeft(rest, t[1]+" :"), true
		}
	}
	return "", s, false
}

// phrase reports whether s is one of the phrases, or begins with one as with a
// title: "Out of office: …", and not "Out of office hours at your shop".
func phrase(s string, phrases []string) bool {
	for _, p := range phrases {
		rest, found := strings.CutPrefix(s, p)
		if !found {
			continue
		}
		for _, word := range [...]string{"メール", "メッセージ", "です", "mail", "message"} {
			rest = strings.TrimPrefix(strings.TrimPrefix(rest, " "), word)
		}
		rest = strings.TrimLeft(rest, " ")
		if rest == "" || strings.ContainsAny(rest[:1], ":-([|/.") || strings.HasPrefix(rest, "】") || strings.HasPrefix(rest, "re:") {
			return true
		}
	}
	return false
}

// begins reports whether s begins with one of these.
func begins(s string, with []string) bool {
	for _, w := range with {
		if strings.HasPrefix(s, w) {
			return true
		}
	}
	return false
}

// said returns the lines at the beginning of a text that its author wrote, up
// to the first that may quote somebody, folded and without ornament. To stop too
// early costs a sign that others may give; to go on would let a quoted notice
// speak for the person who quotes it.
func said(text string) []string {
	const most = 40
	var lines []string
	for line := range strings.Lines(text[:min(len(text), farText)]) {
		line = fold(line)
		if mayQuote(line) || len(lines) == most {
			break
		}
		if line = strings.Trim(line, " *-=~#※■□◆◇●○★☆▼▽【】[]()「」。."); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// mayQuote reports whether a folded line begins a quotation, or announces one.
func mayQuote(line string) bool {
	switch {
	case begins(line, []string{">", "|", "from:", "差出人:", "送信者:", "送信元:", "begin forwarded", "____"}):
		return true
	case strings.HasSuffix(line, "wrote:"), strings.HasSuffix(line, "writes:"), strings.Contains(line, "書きました"), strings.Contains(line, "のメール:"):
		return true
	}
	inner := strings.Trim(line, "-=* ")
	for _, word := range [...]string{"original", "forward", "元のメッセージ", "オリジナル", "転送", "quoted"} {
		if len(line)-len(inner) >= 4 && strings.Contains(inner, word) {
			return true
		}
	}
	// 2026年3月2日(月) 10:00 Ken <ken@customer.example>:
	return strings.HasSuffix(line, ":") && strings.Contains(line, "@")
}
