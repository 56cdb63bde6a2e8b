// Package bounce decides what a mail server says when it returns mail: which
// address could not be reached, with which status, and whether that is for good.
package bounce

import (
	"bytes"
	"iter"
	"regexp"
	"strconv"
	"strings"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
	"mailsyncd.example/sync/letter/field"
)

const (
	// MaxReport is how many bytes of a report are looked at.
	MaxReport = 256 << 10
	// MaxAddresses is how many addresses are told of one message.
	MaxAddresses = 100
)

// Report reads the content of a message/delivery-status part (RFC 3464 section
// 2), or of message/global-delivery-status (RFC 6533 section 4), whose transfer
// encoding is undone, and returns the addresses that failed or are delayed, each
// once. Those that were delivered, relayed or expanded are left out, and so is
// what can't be read: a report is never refused as a whole.
//
// The address is the one that was written to (Original-Recipient), where the
// report names it: what an alias or a forwarding made of it, nobody here knows.
// The time is that of the server's last attempt, and received, when the report
// came, where there is none or a later one; zero where received is.
func Report(content []byte, received time.Time) []crm.Bounce {
	var found list
	var r recipient
	for name, value := range fields(content[:min(len(content), MaxReport)]) {
		// Some servers leave out the empty line between two recipients, and
		// some put one into the middle of one.
		if name == "" && r.complete() || r.has(name) {
			found.add(r.bounce(received))
			r = recipient{}
		}
		r.take(name, value)
	}
	found.add(r.bounce(received))
	return found.all
}

// recipient is what a report says of one recipient.
type recipient struct {
	original, final string
	actual          string // what an alias or a forwarding made of it, as Sendmail tells
	action          string
	status          string
	diagnostic      string
	attempt         string
}

// field is where the value of a field goes, nil for one that says nothing here.
func (r *recipient) field(name string) *string {
	switch name {
	case "original-recipient":
		return &r.original
	case "final-recipient":
		return &r.final
	case "x-actual-recipient":
		return &r.actual
	case "action":
		return &r.action
	case "status":
		return &r.status
	case "diagnostic-code":
		return &r.diagnostic
	case "last-attempt-date":
		return &r.attempt
	}
	return nil
}

// has reports whether a field that names a recipient was there already, so that
// another one begins.
func (r *recipient) has(name string) bool {
	return name == "original-recipient" && r.original != "" || name == "final-recipient" && r.final != ""
}

// take keeps a value; of several the first.
func (r *recipient) take(name, value string) {
	if to := r.field(name); to != nil && *to == "" {
		*to = value
	}
}

func (r *recipient) complete() bool {
	return (r.original != "" || r.final != "") && r.action != "" && r.status != ""
}

// bounce judges one recipient; it is false where nothing failed, or nobody can
// be named.
func (r *recipient) bounce(received time.Time) (crm.Bounce, bool) {
	final, ok := mailAddress(r.final)
	to, named := mailAddress(r.original)
	if !named {
		to = final
	}
	ok = ok || named
	said := verdict(r.status, r.diagnostic)
	if !ok || !r.failed(said) {
		return crm.Bounce{}, false
	}
	b := crm.Bounce{Address: to, Status: said.status, Severity: said.severity()}
	actual, told := mailAddress(r.actual)
	if r.delayed() || final != "" && !sameMailbox(to, final) || told && !sameMailbox(to, actual) {
		b.Severity = crm.Soft
	}
	b.At, _ = field.Date(r.attempt)
	return b.By(received), true
}

// sameMailbox reports whether an address is another's, in a domain with another
// name perhaps. Otherwise it is behind an alias, or somebody has their mail sent on:
// it may be dead without the first being so.
func sameMailbox(a, b crm.Address) bool { return local(a) == local(b) }

func local(a crm.Address) string { return string(a[:strings.LastIndexByte(string(a), '@')]) }

func (r *recipient) delayed() bool { return strings.HasPrefix(strings.ToLower(r.action), "delay") }

// failed reports whether the recipient got nothing so far. Where the action is
// missing, or a word of the server's own, the status tells.
func (r *recipient) failed(said words) bool {
	action := strings.ToLower(r.action)
	for _, good := range [...]string{"delivered", "relayed", "expanded"} {
		if strings.HasPrefix(action, good) {
			return false
		}
	}
	return strings.HasPrefix(action, "fail") || r.delayed() || said.class() >= '4' || said.status != "" && said.class() == 0
}

// mailAddress reads the value of a recipient field: rfc822; ken@customer.example,
// or the address alone.
func mailAddress(value string) (crm.Address, bool) {
	if kind, rest, found := strings.Cut(value, ";"); found && !strings.Contains(kind, "@") {
		value = rest
		if strings.EqualFold(strings.TrimSpace(kind), "utf-8") {
			value = escaped.ReplaceAllStringFunc(value, unescape)
		}
	}
	if a, ok := address.Parse(strings.Trim(value, "<> \t")); ok {
		return a, true
	}
	if all := address.List(value); len(all) > 0 {
		return all[0], true
	}
	return "", false
}

// escaped is how a character beyond ASCII is written in a report that is ASCII
// (RFC 6533 section 3): \x{5C71}.
var escaped = regexp.MustCompile(`\\x\{[0-9A-Fa-f]{2,6}\}`)

func unescape(s string) string {
	n, _ := strconv.ParseUint(s[len(`\x{`):len(s)-1], 16, 32) // the pattern has seen to it
	return string(rune(n))
}

// fields are a report's fields in order, names in lower case, values unfolded;
// an empty line comes as a field without a name.
func fields(content []byte) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		var name string
		var value []byte
		flush := func() bool {
			last := name
			name = ""
			if last == "" {
				return true
			}
			text, _ := field.UTF8(value)
			return yield(last, field.Tidy(text))
		}
		for line := range lines(content) {
			folded := len(line) > 0 && (line[0] == ' ' || line[0] == '\t')
			switch text := bytes.TrimSpace(line); {
			case len(text) == 0:
				if !flush() || !yield("", "") {
					return
				}
			case folded && name != "":
				value = append(append(value, ' '), text...)
			default:
				if !flush() {
					return
				}
				before, after, _ := bytes.Cut(text, []byte(":"))
				name, value = strings.ToLower(string(bytes.TrimSpace(before))), bytes.Clone(after)
			}
		}
		flush()
	}
}

// lines are the lines of a text that may end in CRLF, in LF, or in CR.
func lines(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			end := bytes.IndexAny(b, "\r\n")
			if end < 0 {
				yield(b)
				return
			}
			line, rest := b[:end], b[end+1:]
			if b[end] == '\r' {
				rest = bytes.TrimPrefix(rest, []byte("\n"))
			}
			if b = rest; !yield(line) {
				return
			}
		}
	}
}

// list collects addresses, each once.
type list struct{ all []crm.Bounce }

// add takes one more. Of two words on the same address the harder one counts: a
// mail that is delayed may fail later.
func (l *list) add(b crm.Bounce, ok bool) {
	if !ok {
		return
	}
	for i, known := range l.all {
		if known.Address == b.Address {
			if known.Severity != crm.Hard && b.Severity == crm.Hard {
				l.all[i] = b
			}
			return
		}
	}
	if len(l.all) < MaxAddresses {
		l.all = append(l.all, b)
	}
}
