package letter

import (
	"bytes"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
	"mailsyncd.example/sync/letter/field"
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
		text, ok := field.Words(raw)
		if !ok {
			d |= badCharset
		}
		return field.Tidy(text)
	}
	people := func(name string) []crm.Person {
		return h.people(name, decode)
	}
	var head crm.Head
	for _, v := range h.all("message-id") {
		if ids := field.IDs(string(v)); len(ids) > 0 {
			head.HeaderID = ids[0]
			break
		}
	}
	head.InReplyTo = h.ids("in-reply-to")
	head.References = h.ids("references")
	head.From, head.To, head.Cc, head.Bcc = people("from"), people("to"), people("cc"), people("bcc")
	if raw, ok := h.get("subject"); ok {
		subject, sound := field.UTF8(raw)
		if !sound {
			d |= badCharset
		}
		head.Subject = decode(subject)
	}
	if date := h.text("date"); date != "" {
		var sound bool
		if head.Date, sound = field.Date(date); !sound {
			d |= badDate
		}
	}
	return head, d
}

// ids reads all fields of this name as one.
func (h *header) ids(name string) (ids []crm.HeaderID) {
	for _, v := range h.all(name) {
		ids = append(ids, field.IDs(string(v))...)
	}
	return ids[max(0, len(ids)-field.MaxIDs):]
}

// people reads all fields of this name as one. Their bytes become UTF-8 first:
// in other charsets, half a character can be a quote.
func (h *header) people(name string, decode func(string) string) []crm.Person {
	values := h.all(name)
	if len(values) == 0 {
		return nil
	}
	raw, _ := field.UTF8(bytes.Join(values, []byte(", ")))
	return address.People(raw, decode)
}
