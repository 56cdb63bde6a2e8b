package bounce

import (
	"iter"
	"strings"

	"mailsyncd.example/crm"
)

// words is what a server says of a failure: a status, a reply code of SMTP, a
// sentence.
type words struct {
	status string // RFC 3463, the most specific one; "" where there is none
	reply  byte   // '4' or '5', 0 where there is none
	text   string // folded, without addresses and links
}

// verdict finds the codes in the fields Status and Diagnostic-Code, or in any
// other text. Servers often write 5.0.0 into the first and the truth into the
// second, so the most specific status counts, and of equals the first.
func verdict(status, text string) words {
	w := words{text: guess.Replace(fold(text))}
	best := -1
	for _, s := range [...]string{status, w.text} {
		for number := range numbers(s[:min(len(s), farText)]) {
			switch {
			case isStatus(number):
				if n := specific(number); n > best {
					w.status, best = number, n
				}
			case isReply(number) && w.reply == 0:
				w.reply = number[0]
			}
		}
	}
	return w
}

// numbers are what in a text is written in digits and dots, and is not part of a
// word: a status, a reply code, an address like 192.0.2.5.
func numbers(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 0; i < len(s); {
			if s[i] < '0' || s[i] > '9' {
				i++
				continue
			}
			start := i
			for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
				i++
			}
			inWord := start > 0 && isWordPart(s[start-1]) || i < len(s) && isWordPart(s[i])
			if !inWord && !yield(strings.TrimRight(s[start:i], ".")) {
				return
			}
		}
	}
}

func isWordPart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '.'
}

// isStatus tells a status (RFC 3463 section 2): 5.1.1.
func isStatus(number string) bool {
	class, rest, _ := strings.Cut(number, ".")
	subject, detail, found := strings.Cut(rest, ".")
	return found && (class == "2" || class == "4" || class == "5") && isShort(subject) && isShort(detail)
}

func isShort(digits string) bool {
	return len(digits) >= 1 && len(digits) <= 3 && !strings.Contains(digits, ".")
}

// isReply tells a reply code of a refusal (RFC 5321 section 4.2): 550.
func isReply(number string) bool {
	return len(number) == 3 && (number[0] == '4' || number[0] == '5') && number[1] <= '5' && !strings.Contains(number, ".")
}

// guess takes out what servers only suppose, for people to think about.
var guess = strings.NewReplacer("may not exist", "", "might not exist", "")

// farText is how many bytes of a server's words are looked at: a Diagnostic-Code
// may repeat a whole page.
const farText = 4 << 10

// specific tells how much a status says: 5.0.0 nothing, 5.1.0 little.
func specific(status string) int {
	switch {
	case strings.HasSuffix(status, ".0.0"):
		return 0
	case strings.HasSuffix(status, ".0"):
		return 1
	}
	return 2
}

// class is '5' for what will not get better, '4' for what may, '2' for success,
// 0 where nothing tells: 4.0.0 and 5.0.0 are what servers write who don't know.
func (w words) class() byte {
	switch {
	case w.status != "" && specific(w.status) > 0:
		return w.status[0]
	case w.reply != 0:
		return w.reply
	case strings.HasPrefix(w.status, "2"):
		return '2'
	}
	return 0
}

// severity is Hard only where the server says, for good, that there is no such
// address or domain, or that it takes no mail at all. Everything else is Soft,
// a refusal with 550 as well: most of those judge the mail or its sender.
func (w words) severity() crm.Severity {
	switch {
	case w.class() != '5' && w.class() != 0, w.status == filtered, strings.HasPrefix(w.status, "5.6."), contains(w.text, passing):
		return crm.Soft
	case contains(w.text, gone), dead[w.status]:
		return crm.Hard
	}
	return crm.Soft
}

// filtered is what Sendmail makes of "unknown user" where the address had been
// taken before; see afterData.
const filtered = "5.2.0"

// dead are the status codes that say so of the address or its domain, by RFC
// 3463 sections 3.2 and 3.5, RFC 7505 and what Exchange adds.
var dead = map[string]bool{
	"5.1.1":   true, // no such mailbox
	"5.1.2":   true, // no such domain
	"5.1.3":   true, // not an address
	"5.1.4":   true, // more than one mailbox
	"5.1.6":   true, // moved, nobody knows where
	"5.1.10":  true, // the domain takes no mail
	"5.1.351": true, // no such mailbox, as Exchange Online heard from others
	"5.4.4":   true, // no host for the domain
	"5.4.310": true, // no such domain
}

// passing are words on what may pass, or is about the mail or its sender. They
// win: servers put "user unknown" beside them, and 5.1.1 too.
var passing = []string{
	"box full", "is full", "full mailbox", "folder full", "quota", "storage", "too much mail", "disk space", "enough space", "used up", "exceed", "too large", "too big", "message size", "容量", "いっぱい",
	"sender address", "sender rejected", "sender email", "sender domain", "sender verif", "sender is", "bad sender", "invalid sender", "null sender", "empty sender", "unroutable sender",
	"of sender", "mail from", "mailfrom", "from domain", "reverse dns", "batv", "backscatter", "dsns", "emetteur",
	"spam", "blacklist", "block list", "blocklist", "blocked", "banned", "blackhole", "dnsbl", " rbl", "reputation", "unsolicited", "ptr ", "rdns", "helo", "hostname", "client host",
	"dmarc", "spf", "dkim", "unauthenticated", "authentication required", "authrequired", "policy", "policies", "virus", "content rejected", "malicious", "header error",
	"relay access denied", "relaying denied", "relay not permitted", "relaying not allowed",
	"rate limit", "at a rate", "frequency limited", "too many", "throttl", "greylist", "graylist", "try again later", "found, try again", "temporar", "timed out", "expired",
	"recipient preferences",
}

// gone are words on an address or a domain that is not there.
var gone = []string{
	"user unknown", "unknown user", "unknown recipient", "recipient unknown", "unknown mailbox", "unknown local part", "unknown local-part", "unknown account", "unknown email", "unknown e-mail",
	"unknown virtual user", "address unknown", "addresses were unknown", "user not known", "not a known user", "not known here",
	"no such user", "no such recipient", "no such mailbox", "no such address", "no such account", "no such person", "no such domain", "no such local user", "no such email",
	"not exist", "n't exist", "nonexistent", "non-existent", "not found", "be found", "recipnotfound", "not present in", "mailbox not present", "not listed in", "not in directory",
	"not our user", "not our customer", "not a local", "not local", "not a valid", "not an active address", "user not active",
	"invalid recipient", "invalid-recipient", "invalid mailbox", "invalid address", "invalid user", "invalid domain", "invalid final delivery userid", "address invalid", "mailbox invalid",
	"bad destination", "bad address", "no mailbox here", "no mailbox by that name", "no mailbox found", "no account by that name", "n't have a", "no one at this address",
	"mailbox unavailable", "mailbox is unavailable", "mailbox not available", "address rejected: access denied", "validrcptto",
	"no longer on server", "no longer valid", "no longer active", "no longer in use", "no longer accepts mail", "has been replaced by", "account closed", "account has been closed",
	"host unknown", "unknown host", "unknown domain", "domain unknown", "unknown domain name", "nxdomain", "name or service not known", "unrouteable", "unroutable",
	"null mx", "no mx record", "not accept mail", "does not receive mail", "n't receive email", "not accepting network messages",
	"宛先不明", "宛先が見つかりません", "見つかりませんでした", "存在しません", "存在しない", "存在致しません",
	"utilisateur inconnu", "destinataire invalide", "no existe", "nicht vorhanden", "empfänger unbekannt", "inesistente",
}

func contains(text string, any []string) bool {
	for _, phrase := range any {
		if strings.Contains(text, phrase) {
			return true
		}
	}
	return false
}

// fold gives text the form in which phrases are compared: lower case, one blank
// between two words, and without addresses, whose words mean nothing.
func fold(s string) string {
	s = s[:min(len(s), farText)]
	var kept strings.Builder
	last := 0
	for begin, end := range addressesIn(s) {
		kept.WriteString(s[last:begin])
		last = end
	}
	kept.WriteString(s[last:])
	return strings.Join(strings.Fields(strings.ToLower(kept.String())), " ")
}
