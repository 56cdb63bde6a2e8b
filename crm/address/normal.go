package address

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"mailsyncd.example/crm"
)

const (
	maxAddress = 320 // 64 + "@" + 255; RFC 5321 section 4.5.3.1, its local part not enforced
	maxDomain  = 253
	maxLabel   = 63
)

// normal makes the one form of an address out of its two halves as they were
// written.
func normal(local, domain string) (crm.Address, bool) {
	l, ok := normalLocal(local)
	if !ok {
		return "", false
	}
	d, ok := normalDomain(domain)
	if !ok || len(l)+1+len(d) > maxAddress {
		return "", false
	}
	return crm.Address(l + "@" + d), true
}

// tidy reports whether s consists of ASCII that needs no quotes, so that in
// lower case it is its own normal form.
func tidy(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || kindOf[c] != atom {
			return false
		}
	}
	return len(s) > 0
}

// normalLocal drops comments, the white space that RFC 5322 section 4.4 lets
// stand around dots, and quotes wherever they can be left out. Letter case
// goes too: no mail system in use tells addresses apart by it.
func normalLocal(s string) (string, bool) {
	if low := strings.ToLower(s); tidy(low) {
		return low, low[0] != '.' || strings.Trim(low, ".") != ""
	}
	text, ok := words(newLexer(s))
	if !ok || strings.Trim(text, ".") == "" {
		return "", false
	}
	text = norm.NFC.String(strings.ToLower(norm.NFC.String(text)))
	if l := newLexer(text); l.next() == (token{atom, 0, len(text)}) {
		return text, true
	}
	return `"` + quoter.Replace(text) + `"`, true
}

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// words joins the atoms and the contents of the quoted strings in l.
func words(l lexer) (string, bool) {
	if !l.utf8 {
		return "", false
	}
	var b strings.Builder
	for {
		switch t := l.next(); t.kind {
		case end:
			return b.String(), true
		case atom:
			b.WriteString(l.s[t.start:t.end])
		case quoted:
			text := unquote(l.s[t.start+1 : t.end-1])
			if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				return "", false
			}
			b.WriteString(text)
		case gap, comment:
		default:
			return "", false
		}
	}
}

// unquote resolves the escapes inside a quoted string or comment.
func unquote(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	l := newLexer(s)
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		next := l.skipOver(i)
		if s[i] == '\\' && next > i+1 {
			i++
		}
		b = append(b, s[i:next]...)
		i = next
	}
	return string(b)
}

// domains maps case, width and compatibility forms as people type them, and
// checks no more than that the result can be written in ASCII: an address that
// reached somebody is an address, whatever a registry would say of it.
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

// normalDomain returns the domain in ASCII without its last dot, or an address
// literal (RFC 5321 section 4.1.3) in lower case.
func normalDomain(s string) (string, bool) {
	if strings.HasPrefix(s, "[") {
		return normalLiteral(s)
	}
	if s = strings.ToLower(s); !tidy(s) {
		l := newLexer(s)
		l.inDomain = true
		text, ok := words(l)
		if !ok {
			return "", false
		}
		if s = text; !ascii(s) {
			if s, ok = toASCII(s); !ok {
				return "", false
			}
		}
	}
	s = strings.TrimSuffix(s, ".")
	return s, plausible(s)
}

// toASCII encodes a domain by IDNA (RFC 5890).
func toASCII(s string) (string, bool) {
	if len(s) > 4*maxDomain {
		return "", false // no domain, and punycode takes quadratic time
	}
	s, err := domains.ToASCII(s)
	return strings.ToLower(s), err == nil && ascii(s)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// plausible reports whether an ASCII domain could be one: labels of letters,
// digits, hyphens and the underscores that some hosts have.
func plausible(s string) bool {
	label := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if label == 0 {
				return false
			}
			label = 0
			continue
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
			label++
		default:
			return false
		}
		if label > maxLabel {
			return false
		}
	}
	return label > 0 && len(s) <= maxDomain
}

func normalLiteral(s string) (string, bool) {
	s = strings.ToLower(s)
	inner := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	ip, err := netip.ParseAddr(strings.TrimPrefix(inner, "ipv6:"))
	return s, err == nil && ip.Zone() == "" && ip.Is6() == strings.HasPrefix(inner, "ipv6:")
}
