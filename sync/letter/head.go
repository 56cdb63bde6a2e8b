package letter

import (
	"bytes"
	"strings"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
)

// ReadHead decodes a raw block of header fields. It may be a part of a header
// only, as IMAP's BODY[HEADER.FIELDS (…)] gives it, and end with an empty
// line or not. What a field says does not depend on which others are there.
func ReadHead(block []byte) crm.Head {
	var h header
	h.read(newLines(bytes.NewReader(block), min(len(block), bufferSize)), maxHeader, nil)
	head, _ := h.head()
	return head
}

// head decodes the fields that make a crm.Head, and tells what was damaged.
func (h *header) head() (crm.Head, damage) {
	var d damage
	decode := func(raw string) string {
		text, ok := words(raw)
		if !ok {
			d |= badCharset
		}
		return tidy(text)
	}
	people := func(name string) []crm.Person {
		return h.people(name, decode)
	}
	var head crm.Head
	for _, v := range h.all("message-id") {
		if ids := headerIDs(string(v)); len(ids) > 0 {
			head.HeaderID = ids[0]
			break
		}
	}
	head.InReplyTo = h.ids("in-reply-to")
	head.References = h.ids("references")
	head.From, head.To, head.Cc, head.Bcc = people("from"), people("to"), people("cc"), people("bcc")
	if raw, ok := h.get("subject"); ok {
		subject, sound := toUTF8(raw)
		if !sound {
			d |= badCharset
		}
		head.Subject = decode(subject)
	}
	if date := h.text("date"); date != "" {
		var sound bool
		if head.Date, sound = parseDate(date); !sound {
			d |= badDate
		}
	}
	return head, d
}

// ids reads all fields of this name as one.
func (h *header) ids(name string) (ids []crm.HeaderID) {
	for _, v := range h.all(name) {
		ids = append(ids, headerIDs(string(v))...)
	}
	return ids[max(0, len(ids)-maxIDs):]
}

// people reads all fields of this name as one. Their bytes become UTF-8 first:
// in other charsets, half a character can be a quote.
func (h *header) people(name string, decode func(string) string) []crm.Person {
	values := h.all(name)
	if len(values) == 0 {
		return nil
	}
	raw, _ := toUTF8(bytes.Join(values, []byte(", ")))
	return address.People(raw, decode)
}

// tidy makes a decoded value one line of valid UTF-8 without control
// characters: white space, which folding may have changed, is collapsed.
func tidy(s string) string {
	if isTidy(s) {
		return s
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	var out strings.Builder
	out.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case r == ' ' || r == '\t' || r == '\r' || r == '\n':
			space = true
		case r < ' ' || 0x7F <= r && r < 0xA0:
		default:
			if space && out.Len() > 0 {
				out.WriteByte(' ')
			}
			space = false
			out.WriteRune(r)
		}
	}
	return out.String()
}

// isTidy spares ordinary ASCII the rewriting.
func isTidy(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > 126 || s[i] == ' ' && (i == 0 || i+1 == len(s) || s[i+1] == ' ') {
			return false
		}
	}
	return true
}
