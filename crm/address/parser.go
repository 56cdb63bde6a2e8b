package address

import (
	"strings"

	"mailsyncd.example/crm"
)

// parser finds the addresses among the tokens of a field.
type parser struct {
	lexer
	local token // what would be the local part if an @ came next
	angle bool  // inside < and >

	found   []crm.Address
	settled int // so many of found stand for good; a < drops those above

	named bool
	names []string // of found, one each, as they stand in the text
	entry int      // where the current entry begins
	open  int      // where its < stands: the name is between the two
	bare  int      // where the name of a bare address may begin
	// listed is the number of addresses in the entries before this one.
	listed int
}

func (p *parser) run() {
	for {
		switch t := p.next(); t.kind {
		case end:
			p.settle()
			return
		case atom, quoted:
			if p.local.empty() || !p.dotted(t) {
				p.local = t
			} else {
				p.local.end = t.end
			}
		case foreign:
			p.local = token{}
		case special:
			p.special(t)
		}
	}
}

// dotted reports whether t continues the local part: a dot joins them, and
// only in angle brackets, where no name can be, may white space stand there.
func (p *parser) dotted(t token) bool {
	if p.local.end != t.start && !p.angle {
		return false
	}
	return p.s[t.start] == '.' || p.s[p.local.end-1] == '.'
}

func (p *parser) special(t token) {
	switch p.s[t.start] {
	case '@':
		p.at()
	case '<':
		p.drop()
		p.angle, p.open = true, t.start
	case ':': // ends the name of a group, a route, or the word mailto
		p.drop()
		if !p.angle {
			p.entry, p.bare = t.end, t.end
		}
	case ',':
		// Tanaka, Taro <taro@…> is one name, its quotes forgotten.
		if len(p.found) > p.listed {
			p.entry, p.listed = t.end, len(p.found)
		}
		p.settle()
	case '>', ';':
		p.settle()
		p.entry = t.end
	}
}

// drop forgets what turned out to be a name.
func (p *parser) drop() {
	p.found = p.found[:p.settled]
	p.names = p.names[:min(len(p.names), p.settled)]
	p.local = token{}
}

// settle ends an entry: what was found in it stands.
func (p *parser) settle() {
	p.settled = len(p.found)
	p.local, p.angle = token{}, false
	p.bare = p.pos
}

// at reads what follows an @, and notes the address if there is one.
func (p *parser) at() {
	local := p.local
	p.local = token{}
	if local.empty() {
		return
	}
	domain := p.literal()
	if domain.empty() {
		domain = p.labels()
	}
	if domain.empty() || p.pos < len(p.s) && p.s[p.pos] == '@' {
		return // a@b@c: nobody can tell whose it is
	}
	a, ok := normal(trimPair(p.s[local.start:local.end], p.s[domain.start:domain.end]))
	if !ok {
		return
	}
	p.found = append(p.found, a)
	if p.named {
		p.names = append(p.names, p.nameOf(local))
	}
}

// trimPair takes off an address what only seems to belong to it.
func trimPair(local, domain string) (string, string) {
	if i := strings.IndexByte(domain, '?'); i >= 0 {
		domain = domain[:i] // mailto:ken@customer.example?subject=…
	}
	if bare, found := strings.CutSuffix(domain, "'"); found { // 'ken@customer.example', as Outlook has it
		return strings.TrimPrefix(local, "'"), bare
	}
	return local, domain
}

// labels reads a domain, with white space and comments in front of it and
// around its dots.
func (p *parser) labels() token {
	p.inDomain = true
	d := p.atomAhead()
	for !d.empty() {
		more := p.atomAhead()
		if more.empty() || !p.goesOn(d, more) {
			p.pos = d.end
			break
		}
		d.end = more.end
	}
	p.inDomain = false
	return d
}

// goesOn reports whether a domain goes on with more. Outside angle brackets a
// dot before white space may end a sentence.
func (p *parser) goesOn(domain, more token) bool {
	text := p.s[more.start:more.end]
	if p.angle {
		return text[0] == '.' || p.s[domain.end-1] == '.'
	}
	return text[0] == '.' && strings.Trim(text, ".") != ""
}

// atomAhead returns the atom that follows gaps and comments; where something
// else does, it reads nothing.
func (p *parser) atomAhead() token {
	back := p.pos
	for {
		switch t := p.next(); t.kind {
		case gap, comment:
		case atom:
			return t
		default:
			p.pos = back
			return token{}
		}
	}
}

// literal reads an address literal like [192.0.2.1], if one comes next.
func (p *parser) literal() token {
	const longest = len("[IPv6:ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]")
	start := p.pos
	if start >= len(p.s) || p.s[start] != '[' {
		return token{}
	}
	n := strings.IndexByte(p.s[start:min(len(p.s), start+longest)], ']')
	if n < 0 {
		return token{}
	}
	p.pos = start + n + 1
	return token{kind: atom, start: start, end: p.pos}
}

// nameOf returns the text that holds the name of the address that was just
// read: before the angle bracket, or before a bare address, or in the comment
// behind it.
func (p *parser) nameOf(local token) string {
	if p.angle {
		return p.s[p.entry:p.open]
	}
	name := p.s[p.bare:local.start]
	back := p.pos
	t := p.next()
	for t.kind == gap {
		t = p.next()
	}
	if t.kind == comment && strings.TrimSpace(name) == "" {
		name = p.s[t.start:t.end]
	} else {
		p.pos = back
	}
	p.bare = p.pos
	return name
}
