// Package address reads e-mail addresses the way they stand in real mail, and
// gives each of them in the one form in which addresses are compared.
//
// Strict readers lose customers: Japanese carriers issued addresses like
// a..b@docomo.ne.jp for twenty years, old mailers write names in raw
// ISO-2022-JP whose bytes look like quotes and commas, and one broken entry
// makes most readers drop the whole field. So this one follows RFC 5322 with
// its obsolete forms (section 4.4) as far as the text does, and skips what it
// can't read.
//
// Two principles decide what the RFC leaves open. Text in front of an address
// in angle brackets is its name, and a name never counts as an address,
// whatever it looks like: else anybody could pose as a customer. Text that no
// angle bracket follows is read as bare addresses.
package address

import (
	"slices"
	"strings"

	"mailsyncd.example/crm"
)

// Parse reads one bare address, as a user or another program hands it in:
// nothing around it but white space, no name, no comment.
func Parse(raw string) (crm.Address, bool) {
	s := strings.TrimSpace(raw)
	p := parser{lexer: newLexer(s)}
	for {
		switch t := p.next(); t.kind {
		case atom, quoted:
			if !p.local.empty() && !p.dotted(t) {
				return "", false
			}
			p.local.end = t.end
			continue
		case special:
			at := t.start
			if s[at] != '@' || p.local.empty() {
				return "", false
			}
			p.inDomain = true
			domain := p.literal()
			if domain.empty() {
				domain = p.next()
			}
			if domain.end != len(s) || domain.kind != atom {
				return "", false
			}
			return normal(s[:at], s[at+1:])
		}
		return "", false
	}
}

// OfLink are the addresses that a link makes internal: its own, and its user
// name where that is an address, for it is the mailbox's whatever its user gave.
func OfLink(l crm.Link) []crm.Address {
	if a, ok := Parse(l.Username); ok && a != l.Address {
		return []crm.Address{l.Address, a}
	}
	return []crm.Address{l.Address}
}

// List reads the value of a From, To, Cc or similar field, unfolded but not
// decoded, and returns the addresses in it in order, without repetitions.
// Several fields of one name may be joined with commas.
func List(raw string) []crm.Address {
	p := parser{lexer: newLexer(raw)}
	p.run()
	return p.unique()
}

// few is the number of addresses up to which comparing each with each is
// faster than a map.
const few = 16

// unique returns the found addresses without repetitions.
func (p *parser) unique() []crm.Address {
	out := p.found[:0]
	if len(p.found) <= few {
		for _, a := range p.found {
			if !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
		return out
	}
	seen := make(map[crm.Address]bool, len(p.found))
	for _, a := range p.found {
		if !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	return out
}

// People is List with the display names. Names go through decode, which turns
// encoded words and raw bytes of any charset into UTF-8 text.
func People(raw string, decode func(string) string) []crm.Person {
	p := parser{lexer: newLexer(raw), named: true}
	p.run()
	people := make([]crm.Person, 0, len(p.found))
	place := make(map[crm.Address]int, len(p.found))
	var name string
	for i, a := range p.found {
		// All addresses between one pair of brackets share a name, which
		// may be long.
		if i == 0 || p.names[i] != p.names[i-1] {
			name = decode(displayName(p.names[i]))
		}
		at, again := place[a]
		switch {
		case !again:
			place[a] = len(people)
			people = append(people, crm.Person{Name: name, Address: a})
		case people[at].Name == "":
			people[at].Name = name
		}
	}
	return people
}

// displayName takes the quotes off a name, and the parentheses where a comment
// is all there is (the form of RFC 822: ken@customer.example (Ken)).
func displayName(s string) string {
	l := newLexer(s)
	b := make([]byte, 0, len(s))
	for {
		switch t := l.next(); t.kind {
		case end:
			return strings.Trim(string(b), " \t\r\n,")
		case quoted:
			b = append(b, unquote(s[t.start+1:t.end-1])...)
		case comment:
			if len(s) == t.end-t.start {
				return strings.TrimSpace(unquote(s[1 : len(s)-1]))
			}
			b = append(b, s[t.start:t.end]...)
		default:
			b = append(b, s[t.start:t.end]...)
		}
	}
}

// Domain brings a domain into the one form in which domains are compared: lower
// case, in ASCII (RFC 5890), without its last dot. What may stand around a domain
// in a header field (space, comments) has no place here, and neither has an
// address literal.
func Domain(raw string) (string, bool) {
	raw = strings.TrimSpace(raw)
	if strings.ContainsAny(raw, "[(\" \t\r\n") {
		return "", false
	}
	return normalDomain(raw)
}
