package letter

import (
	"strconv"
	"strings"

	"mailsyncd.example/sync/letter/field"
)

// part is what the header of a message or of one of its parts says about it.
type part struct {
	id       string // as IMAP numbers parts: "1", "2.1" (RFC 3501 section 6.4.5); "" for the root
	parent   string // media type of the multipart that it stands in; "" for the root
	place    int    // among its siblings, from 0
	media    string // lower case: "text/plain"
	params   field.Params
	encoding string

	disposition string // "attachment", "inline" or ""
	filename    string // as the disposition has it, decoded and sanitized
	name        string // as the content type has it
	contentID   string
}

// describe reads the fields of a header that tell what a part is. What they
// leave open is plain text, within a digest a message (RFC 2046).
func describe(h *header, parent string) part {
	p := part{parent: parent}
	for _, raw := range h.all("content-type") {
		text, _ := field.UTF8(raw)
		p.media, p.params = field.Parse(text)
		if isMedia(p.media) {
			break
		}
	}
	if !isMedia(p.media) {
		p.media = "text/plain"
		if parent == "multipart/digest" {
			p.media = "message/rfc822"
		}
	}
	p.encoding, _ = field.Parse(h.text("content-transfer-encoding"))
	if text := h.text("content-disposition"); text != "" {
		var params field.Params
		p.disposition, params = field.Parse(text)
		p.filename = sanitize(params.Get("filename"))
	}
	p.name = sanitize(p.params.Get("name"))
	p.contentID = contentID(h.text("content-id"))
	return p
}

// child numbers the part that stands at this place in the multipart p.
func (p *part) child(place int) string {
	n := strconv.Itoa(place + 1)
	if p.id == "" {
		return n
	}
	return p.id + "." + n
}

// isMultipart holds for unknown kinds, too: they are to be read like mixed ones
// (RFC 2046 section 5.1.3).
func (p *part) isMultipart() bool { return strings.HasPrefix(p.media, "multipart/") }

// isBody tells whether a part is what the message says, rather than a file that
// comes with it.
func (p *part) isBody() bool {
	if p.disposition == "attachment" {
		return false
	}
	switch p.media {
	case "text/plain", "text/html":
		// Telephones and old mailers name their text, too; but a second
		// named text is a file.
		return p.parent == "" || p.parent == "multipart/alternative" || p.filename == "" && p.name == "" ||
			p.filename == "" && p.place == 0
	case "text/enriched", "text/richtext", "text/markdown", "text/*":
		return p.filename == "" && p.name == ""
	case "text/calendar", "text/vcard", "text/x-vcard", "text/directory", "text/csv", "text/rfc822-headers":
		return false
	}
	return p.parent == "" && strings.HasPrefix(p.media, "text/")
}

// isVariant tells a part that only shows the text in another way, for programs
// that are not ours. It is neither body nor file.
func (p *part) isVariant() bool {
	return p.parent == "multipart/alternative" && p.disposition != "attachment" &&
		(p.media == "text/x-amp-html" || p.media == "text/watch-html")
}

// isMedia tells whether s is a media type: two tokens with a slash between.
func isMedia(s string) bool {
	kind, sub, ok := strings.Cut(s, "/")
	return ok && kind != "" && sub != "" && !strings.Contains(sub, "/") && len(s) <= 127 && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7F || strings.ContainsRune(`"(),:;<=>?@[\]`, r)
	})
}

// contentID takes the brackets off.
func contentID(s string) string {
	s = strings.Trim(strings.TrimSpace(field.Tidy(s)), "<>")
	if len(s) > field.MaxID {
		return ""
	}
	return s
}
