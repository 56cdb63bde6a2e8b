package bounce

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
)

// Notice is a message that says that mail was returned, or is late.
type Notice struct {
	Header  func(name string) []string // decoded values of all fields of this name
	People  []crm.Address              // who wrote the notice, and to whom: they did not fail
	Text    string                     // as a person reads it
	Reports [][]byte                   // content of the delivery reports in it
	// ReturnedHead is the header of the message that is returned with it, where
	// it is a part of its own.
	ReturnedHead []byte
}

// Of finds the addresses that a notice is about: in a delivery report, else in
// X-Failed-Recipients, as Exim and Gmail write, else in the text. There it is read
// as a person would: the lines that name a recipient, and what stands below each.
// None is an answer as well.
//
// At is left zero where no report tells the time.
func Of(n Notice) []crm.Bounce {
	t := n.read()
	var found list
	for _, content := range append(n.Reports, n.inText()...) {
		for _, b := range Report(content, time.Time{}) {
			found.add(t.amend(b), true)
		}
	}
	if len(found.all) == 0 {
		failed := t.failed(n.named())
		for _, to := range failed[:min(len(failed), MaxAddresses)] {
			about := t.about(to)
			if coded := codedParts(about); coded != "" {
				about = coded // what is around it explains to people what might be
			}
			w := verdict("", about)
			found.add(t.amend(crm.Bounce{Address: to, Status: w.status, Severity: w.severity()}), true)
		}
	}
	if len(found.all) == 1 && !n.namesOriginal() {
		t.trace(&found.all[0])
	}
	return found.all
}

// inText finds a report that stands in the text.
func (n Notice) inText() [][]byte {
	at := strings.Index(lower(n.Text), "final-recipient:")
	if len(n.Reports) > 0 || at < 0 {
		return nil
	}
	begin := strings.LastIndex(n.Text[:at], "\n\n") + 1
	return [][]byte{[]byte(n.Text[begin:])}
}

// namesOriginal reports whether a report says itself to whom the message was.
func (n Notice) namesOriginal() bool {
	return slices.ContainsFunc(n.Reports, func(b []byte) bool { return bytes.Contains(bytes.ToLower(b), []byte("original-recipient:")) })
}

// named are the addresses that the header says have failed.
func (n Notice) named() []crm.Address {
	return address.List(strings.Join(n.Header("X-Failed-Recipients"), ","))
}

// text is what a notice says, line by line, without the message that it returns.
type text struct {
	lines    []line
	returned []crm.Address // to whom the returned message was
	through  crm.Address   // the one of them that had taken it, and sent it on
	late     bool          // the server goes on trying
}

// line is a line with the addresses in it.
type line struct {
	text      string
	addresses []crm.Address
	first     bool // it begins with an address, or is nothing else
}

const (
	maxLines  = 400
	maxNotice = 32 << 10
)

// read divides a notice. It ends where the message begins that it returns.
func (n Notice) read() text {
	var t text
	rest := n.Text[:min(len(n.Text), maxNotice)]
	for len(t.lines) < maxLines && rest != "" {
		var s string
		s, rest, _ = strings.Cut(rest, "\n")
		s = strings.TrimSpace(s)
		if beginsCopy(s) {
			t.returned, t.through = recipients([]byte(s + "\n" + rest))
			break
		}
		t.lines = append(t.lines, n.line(s))
		t.late = t.late || contains(strings.ToLower(s), retried)
	}
	if len(n.ReturnedHead) > 0 {
		t.returned, t.through = recipients(n.ReturnedHead)
	}
	return t
}

// retried is how servers say that they go on trying.
var retried = []string{
	"warning message only", "warning only", "not need to resend", "not need to re-send", "will be retried", "will keep trying", "will continue to try", "not yet been delivered",
	"has been delayed", "is delayed", "delivery delayed", "still trying",
}

// line finds the addresses in a line that may have failed: those who are told
// did not, nor did postmasters, nor what stands behind "from".
func (n Notice) line(s string) line {
	l := line{text: s}
	if !strings.Contains(s, "@") {
		return l
	}
	low := lower(s)
	if contains(low, []string{"message-id", "messageid", "mailto:"}) {
		return l
	}
	for begin, end := range addressesIn(s) {
		before := strings.TrimRight(low[:begin], ` <"'(:`)
		a, ok := address.Parse(s[begin:end])
		if !ok || slices.Contains(n.People, a) || slices.Contains(offices, local(a)) || strings.HasSuffix(before, "from") && !strings.HasSuffix(before, "ed from") ||
			strings.HasSuffix(before, "sender") || strings.HasSuffix(before, "contact") {
			continue
		}
		l.first = l.first || strings.Trim(before, " -*>'.0123456789") == ""
		l.addresses = append(l.addresses, a)
	}
	return l
}

// lower is s with its ASCII letters in lower case. Unlike with strings.ToLower,
// which makes three bytes of two here and there, places stay what they are.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c - 'A' + 'a'
		}
	}
	return string(b)
}

// offices are the local parts to which servers tell people to turn.
var offices = []string{"postmaster", "mailer-daemon", "abuse", "hostmaster"}

// copies are how servers announce the message that they return.
var copies = []string{"copy of", "original message", "original mail", "message header", "message text", "headers follow", "unsent message", "returned message", "rejected message", "message body", "header of"}

// beginsCopy reports whether a line announces the returned message, between
// dashes or alone, or is the first of its header.
func beginsCopy(s string) bool {
	low := strings.ToLower(s)
	for _, name := range [...]string{"received:", "return-path:", "dkim-signature:", "message-id:", "mime-version:", "x-ymail-osg:"} {
		if strings.HasPrefix(low, name) {
			return true
		}
	}
	inner := strings.Trim(low, "-=_*# .:")
	ruled := strings.HasPrefix(low, "--") || strings.HasPrefix(low, "==") || strings.HasPrefix(low, "__")
	return ruled && contains(inner, copies) || slices.Contains([]string{"message headers follow", "original message headers", "original message follows", "message header follows"}, inner)
}

// recipients reads to whom a message was, from its header or what is left of it,
// and the one recipient to whom it was on its way by the word of a server: Received
// names a recipient where there is one only (RFC 5321 section 4.4).
func recipients(head []byte) (to []crm.Address, through crm.Address) {
	var taken []crm.Address
	for name, value := range fields(head[:min(len(head), MaxReport)]) {
		switch name {
		case "to", "cc":
			to = append(to, address.List(value)...)
		case "from":
			if strings.Contains(strings.ToLower(value), "mailer-daemon") {
				return nil, "" // a bounce was returned, and we did not write that
			}
		case "delivered-to", "x-original-to":
			taken = append(taken, address.List(value)...)
		case "received":
			if _, after, found := strings.Cut(value, " for "); found {
				after, _, _ = strings.Cut(after, ";")
				taken = append(taken, address.List(after)...)
			}
		}
		if name == "" && len(to) > 0 {
			break
		}
	}
	if to = unique(to); len(to) == 1 && slices.Contains(taken, to[0]) {
		through = to[0]
	}
	return to, through
}

// trace finds the address that was written to, where it took the message and sent
// it on to the one that failed. Who did may have kept it as well.
func (t text) trace(b *crm.Bounce) {
	if t.through == "" || b.Address == t.through || slices.Contains(t.returned, b.Address) {
		return
	}
	if !sameMailbox(b.Address, t.through) {
		b.Severity = crm.Soft
	}
	b.Address = t.through
}

// failed chooses the addresses that a notice is about. What the header names
// counts before what the lines say, and in a line an address that the returned
// message was to before one with which the line begins; where nothing is named,
// the one recipient of the returned message.
func (t text) failed(named []crm.Address) []crm.Address {
	if len(named) > 0 {
		return named
	}
	var first, any []crm.Address
	for _, l := range t.lines {
		to := l.addresses
		if len(to) == 0 {
			continue
		}
		if contains(strings.ToLower(l.text), aliased) {
			// <taro@inner.customer.example> (expanded from <info@customer.example>)
			first = first[:max(0, len(first)-1)]
			to, l.first = to[len(to)-1:], true
		}
		known := slices.IndexFunc(to, func(a crm.Address) bool { return slices.Contains(t.returned, a) })
		switch {
		case known >= 0:
			first = append(first, to[known])
		case l.first:
			first = append(first, to[0])
		}
		any = append(any, to...)
	}
	for _, found := range [][]crm.Address{first, any} {
		if len(found) > 0 {
			return unique(found)
		}
	}
	if len(t.returned) == 1 {
		return t.returned
	}
	return nil
}

// aliased is how servers name the address behind which the one stood that failed:
// one of several perhaps.
var aliased = []string{"expanded from", "generated from"}

func unique(all []crm.Address) []crm.Address {
	var kept []crm.Address
	for _, a := range all {
		if !slices.Contains(kept, a) {
			kept = append(kept, a)
		}
	}
	return kept
}

// about is what a notice says of an address: the lines that name it, and those
// below each up to one that names another. Where the lines name nobody else, it is
// all of them.
func (t text) about(to crm.Address) string {
	var b, all strings.Builder
	mine, others := false, false
	for _, l := range t.lines {
		if len(l.addresses) > 0 {
			mine = slices.Contains(l.addresses, to)
			others = others || !mine
		}
		if mine {
			b.WriteString(l.text + "\n")
		}
		all.WriteString(l.text + "\n")
	}
	if !others || b.Len() == 0 {
		return all.String()
	}
	return b.String()
}

// codedParts are the paragraphs with a status or a reply code: the words of the
// server at the other end.
func codedParts(about string) string {
	var kept []string
	for _, p := range strings.Split(about, "\n\n") {
		if w := verdict("", p); w.status != "" || w.reply != 0 {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "\n")
}

// amend weighs the words that people read, beside what a report says: some
// reports give 5.0.0 and nothing else.
func (t text) amend(b crm.Bounce) crm.Bounce {
	if b.Severity == crm.Soft && b.Status != "" && specific(b.Status) == 2 {
		return b
	}
	about := t.about(b.Address)
	w := verdict(b.Status, about)
	if b.Status == "" || specific(b.Status) == 0 {
		b.Status = w.status
	}
	switch {
	case t.late, b.Severity == crm.Hard && (afterData(about) || contains(strings.ToLower(about), aliased)):
		b.Severity = crm.Soft
	case b.Severity == crm.Soft && specific(b.Status) < 2:
		b.Severity = w.severity()
	}
	return b
}

// afterData reports whether a server that calls the user unknown had taken the
// address before, and refused when it saw the mail. Carriers in Japan answer so to
// whom their customer does not want to hear from.
func afterData(about string) bool {
	low := strings.ToLower(about)
	if strings.Contains(low, "5.1.1") || !contains(low, []string{"unknown user", "user unknown", "no such user"}) {
		return false
	}
	// The last one is Sendmail's. It pipelines, so that an answer to RCPT may stand
	// there too; then it puts 5.1.1 beneath.
	return contains(low, []string{"in reply to end of data", "in reply to data", "after end of data", "command\ndata\n", ">>> data\n<<< 55"})
}
