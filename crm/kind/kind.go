// Package kind decides what wrote a message: a person, an automatic reply, a
// mail server returning something, or a sender to many. Only a person's message
// is an answer that halts a sequence.
//
// The two faults are not equal. An absence notice taken for a person's answer
// stops a sequence that somebody starts again; a person's answer taken for a
// machine's is never seen. So everything here needs either what no person's mail
// has (RFC 3834, RFC 3464) or two weaker signs together. What people write in
// a text proves nothing: "I will be on vacation" is written by people. What they
// quote proves nothing at all, and neither does X-Auto-Response-Suppress, which
// asks others for silence and which some servers put on every message.
package kind

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"mailsyncd.example/crm"
)

// Clues is what a message shows of its origin.
type Clues struct {
	Header      func(name string) []string // decoded values of all fields of this name
	From        []crm.Address
	Subject     string
	Text        string   // with quoted history
	ContentType string   // of the message, with its parameters
	Parts       []string // content types of the parts, without parameters
}

// Of returns the kind of a message and the evidence for it, one reason each.
// A personal message has none: that is what the others are told apart from.
func Of(c Clues) (crm.MessageKind, []string) {
	m := look(c)
	for _, k := range [...]struct {
		kind crm.MessageKind
		find func(*message) []string
	}{
		{crm.KindBounce, bounce},
		{crm.KindAutoReply, autoReply},
		{crm.KindBulk, bulk},
	} {
		if reasons := k.find(m); len(reasons) > 0 {
			return k.kind, reasons
		}
	}
	return crm.KindPersonal, nil
}

// message is the clues, looked at once.
type message struct {
	Clues
	contentType string // lower case
	subject     string // plain and lower case, tags of gateways gone
	returned    bool   // the envelope had an empty sender (RFC 5321 section 4.5.5)
	reply       bool   // it answers another message, or looks so
}

func look(c Clues) *message {
	m := &message{Clues: c, contentType: strings.ToLower(c.ContentType), subject: ownSubject(c.Subject)}
	for _, v := range c.Header("Return-Path") {
		m.returned = m.returned || strings.TrimSpace(v) == "<>"
	}
	m.reply = m.has("In-Reply-To") || m.has("References") || answers(m.subject)
	return m
}

func (m *message) has(name string) bool {
	return slices.ContainsFunc(m.Header(name), func(v string) bool { return strings.TrimSpace(v) != "" })
}

// value returns the first value of a field, in lower case.
func (m *message) value(name string) string {
	for _, v := range m.Header(name) {
		if v = strings.ToLower(strings.TrimSpace(v)); v != "" {
			return v
		}
	}
	return ""
}

// report returns the kind of report that a multipart/report is (RFC 6522), ""
// if it is none. Some are sent without the parameter.
func (m *message) report() string {
	if !strings.HasPrefix(m.contentType, "multipart/report") {
		return ""
	}
	for _, kind := range [...]string{"delivery-status", "disposition-notification", "feedback-report"} {
		if strings.Contains(m.contentType, kind) || m.part("message/"+kind) {
			return kind
		}
	}
	return "unknown"
}

func (m *message) part(contentType string) bool {
	return slices.ContainsFunc(m.Parts, func(p string) bool { return strings.HasPrefix(strings.ToLower(p), contentType) })
}

// fold gives text the one form in which phrases are compared.
func fold(s string) string {
	return strings.Join(strings.Fields(strings.ToLower(norm.NFKC.String(s))), " ")
}

// reason names a header field and what it says, cut short.
func reason(field, value string) string {
	const longest = 80
	if r := []rune(value); len(r) > longest {
		value = string(r[:longest]) + "…"
	}
	return field + ": " + value
}
