package plain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// How mail programs set quoted history apart, in English and in Japanese, and
// in the European languages that are met most. All of it works on lines
// without white space around them, and none of it looks further than a few
// lines ahead.

// isQuoted tells lines that carry a mark of quotation.
func isQuoted(line string) bool {
	return strings.HasPrefix(line, ">") || strings.HasPrefix(line, "＞")
}

// isSignature tells the line that announces one: "-- ", whose space is often lost.
func isSignature(line string) bool { return line == "--" }

// isRuler tells a line of strokes, of which Japanese mail is fond.
func isRuler(line string) bool {
	if len(line) < 3 {
		return false
	}
	for _, r := range line {
		if !strings.ContainsRune("-_=*~#+|─━═＝－ー＊〜～◆◇■□●○★☆※・. ", r) {
			return false
		}
	}
	return true
}

// isSeparator tells lines such as "-----Original Message-----".
func isSeparator(line string) bool {
	if len(line) > 120 {
		return false
	}
	if line == "Begin forwarded message:" || line == "Begin quoted message:" {
		return true
	}
	inner := strings.Trim(line, "-_=* ")
	if inner == "" {
		// A long line of underscores is Outlook's above what it quotes and
		// Mailman's above its footer. Other strokes are ornament.
		return len(line) >= 20 && strings.Trim(line, "_") == ""
	}
	if len(line)-len(inner) < 4 {
		return false
	}
	switch strings.ToLower(inner) {
	case "original message", "original appointment", "forwarded message", "original mail", "reply message",
		"元のメッセージ", "元のメール", "オリジナルメッセージ", "元の予定", "転送メッセージ", "転送されたメッセージ", "転送メール",
		"ursprüngliche nachricht", "message d'origine", "message original", "mensaje original", "messaggio originale",
		"forwarded message follows", "original message follows":
		return true
	}
	return false
}

// isDevice tells the line that a telephone's mail program adds.
func isDevice(line string) bool {
	if rest, ok := strings.CutPrefix(line, "Sent from my "); ok {
		words := strings.Fields(rest)
		for _, w := range words {
			if strings.ContainsAny(w, ",.:;") {
				return false
			}
		}
		return len(words) <= 4
	}
	for _, s := range []string{"から送信", "から送信されました"} {
		if before, ok := strings.CutSuffix(line, s); ok && utf8.RuneCountInString(before) <= 20 {
			return true
		}
	}
	return strings.HasPrefix(line, "Get Outlook for ") || strings.HasPrefix(line, "Outlook for ") && strings.Contains(line, "入手")
}

// isHeaderBlock tells whether a line begins a block of header fields, as
// Outlook puts it above what it quotes: three different ones or more, the
// sender among them.
func isHeaderBlock(line string, l lines) bool {
	if fieldName(line) == "" {
		return false
	}
	seen := map[string]bool{}
	for range 8 {
		if f := fieldName(line); f != "" {
			seen[f] = true
		}
		if len(seen) >= 3 && seen["from"] {
			return true
		}
		var ok bool
		if line, ok = l.next(); !ok {
			break
		}
	}
	return false
}

// fieldName tells which header field a line shows, "" where it shows none.
func fieldName(line string) string {
	line = strings.TrimLeft(line, "* ")
	name, _, ok := strings.Cut(line[:min(len(line), 40)], ":")
	if !ok {
		if name, _, ok = strings.Cut(line[:min(len(line), 40)], "："); !ok {
			return ""
		}
	}
	switch strings.ToLower(strings.Trim(name, "* \u3000")) {
	case "from", "差出人", "送信者", "発信者", "von", "de", "da":
		return "from"
	case "sent", "date", "送信日時", "送信日", "日時", "日付", "受信日時", "gesendet", "envoyé", "enviado", "datum":
		return "date"
	case "to", "宛先", "受信者", "送信先", "an", "à", "para":
		return "to"
	case "cc", "ｃｃ", "写し":
		return "cc"
	case "subject", "件名", "題名", "betreff", "objet", "asunto":
		return "subject"
	}
	return ""
}

// introduction tells whether a line begins the sentence that introduces a
// quotation ("On … wrote:"), and over how many lines it goes; 0 where it does not.
func introduction(line string, l lines) int {
	if line == "" || len(line) > 500 {
		return 0
	}
	dated := beginsWithDate(line)
	opens := dated || hasAnyPrefix(line, "On ", "Le ", "Am ", "El ", "Il ", "Op ", "Em ")
	whole := line
	for n := 1; ; n++ {
		if endsIntroduction(whole, dated) {
			if opens && hasDigit(whole) || isQuoted(l.text()) {
				return n
			}
			return 0
		}
		next, ok := l.next()
		if n == 4 || !ok || next == "" || !opens || hasAnyPrefix(next, "On ", ">") {
			return 0
		}
		whole += " " + next
		if len(whole) > 500 {
			return 0
		}
	}
}

// endsIntroduction tells whether a sentence ends as those do that introduce a
// quotation. One that begins with a date needs an address at least, as Gmail writes
// it in Japanese, for Japanese sentences begin with dates.
func endsIntroduction(s string, dated bool) bool {
	s, ok := strings.CutSuffix(s, ":")
	if !ok {
		if s, ok = strings.CutSuffix(s, "："); !ok {
			return false
		}
	}
	s = strings.TrimRight(s, " \u00A0\u202F")
	for _, end := range []string{" wrote", ">wrote", " writes", " a écrit", " schrieb", " escribió", " ha scritto", " schreef", " escreveu",
		"書きました", "のメール", "のメッセージ", "からのメール"} {
		if strings.HasSuffix(s, end) {
			return true
		}
	}
	if strings.HasPrefix(s, "Am ") && strings.Contains(s, " schrieb ") {
		return true
	}
	return dated && strings.Contains(s, "@")
}

// beginsWithDate tells lines like 2026年3月2日(月), 2026/03/02 and (2026/03/02.
func beginsWithDate(line string) bool {
	line = strings.TrimLeft(line, "(（[ ")
	if len(line) < 8 || !isDigits(line[:4]) || line[0] != '1' && line[0] != '2' {
		return false
	}
	line = line[4:]
	for _, sep := range []string{"年", "/", "-", "."} {
		if rest, ok := strings.CutPrefix(line, sep); ok {
			return hasDigit(rest[:min(len(rest), 2)])
		}
	}
	return false
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func hasDigit(s string) bool { return strings.IndexFunc(s, unicode.IsDigit) >= 0 }

func hasAnyPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
