package letter

import (
	"slices"
	"strings"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/bounce"
	"mailsyncd.example/crm/kind"
	"mailsyncd.example/sync/letter/field"
)

// classify fills in what wrote the message, and what automation goes by besides;
// media are the types of its parts.
func classify(h *header, l *crm.Letter, media []string) {
	from := make([]crm.Address, len(l.From))
	for i, p := range l.From {
		from[i] = p.Address
	}
	clues := kind.Clues{
		Header:      h.decoded,
		From:        from,
		Subject:     l.Subject,
		Text:        l.Text,
		ContentType: h.text("content-type"),
		Parts:       media,
	}
	l.Kind, l.Evidence = kind.Of(clues)
	if l.Kind == crm.KindAutoReply {
		// Days begin and end where the writer is.
		if written, ok := field.LocalDate(h.text("date")); ok {
			l.Absence = kind.Absence(clues, written)
		}
	}
	l.Suspect = kind.Suspect(clues.Header)
}

// judge fills in which addresses a bounce is about.
func (r *returned) judge(h *header, l *crm.Letter) {
	if l.Kind != crm.KindBounce {
		return
	}
	var people []crm.Address
	for _, p := range slices.Concat(l.From, l.To, l.Cc) {
		people = append(people, p.Address)
	}
	l.Bounces = bounce.Of(bounce.Notice{Header: h.decoded, People: people, Text: l.Text, Reports: r.reports, ReturnedHead: r.head})
}

// decoded returns the values of all fields of this name as a person reads them.
func (h *header) decoded(name string) (values []string) {
	for _, raw := range h.all(strings.ToLower(name)) {
		s, _ := field.UTF8(raw)
		s, _ = field.Words(s)
		values = append(values, field.Tidy(s))
	}
	return values
}
