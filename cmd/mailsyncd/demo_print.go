package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"mailsyncd.example/cmd/mailsyncd/demo"
	"mailsyncd.example/cmd/mailsyncd/terminal"
	"mailsyncd.example/crm"
	"mailsyncd.example/sync/intake"
)

// columns is how wide the demo's lines may be.
const columns = 80

// printer writes what happens in the demo, one line for each mail.
type printer struct{ w io.Writer }

// welcome prints who is there, and how to look.
func (p printer) welcome(s *setup) {
	fmt.Fprintf(p.w, "\nThe office of Acme. Its mail is synced into the CRM at %s\n\n", s.api.url)
	for _, c := range s.people {
		fmt.Fprintf(p.w, "  %s%s links %s\n", terminal.Pad(c.who.Name, 14), terminal.Pad(string(c.role), 10), c.links.Address)
	}
	fmt.Fprintf(p.w, "  customers:    %s, %s, %s\n\n", demo.Mori.Name, demo.Rossi.Name, demo.Baker.Name)
	chie, dan := s.people[2], s.people[3]
	fmt.Fprintf(p.w, `To look, as Dan, and as Chie who may see the mailboxes' health:

  URL=%s
  DAN='Authorization: Bearer %s'
  CHIE='Authorization: Bearer %s'
  curl -sH "$DAN" $URL/v1/threads
  curl -sH "$DAN" $URL/v1/messages
  curl -sH "$CHIE" $URL/v1/mailboxes
  curl -sNH "$CHIE" $URL/v1/events/stream

What happens now (Ctrl-C ends it):

`, s.api.url, dan.token, chie.token)
}

// seen prints what became of one copy of a mail. Of a mail that the rules
// refuse the CRM knows nothing; who sent it is known here only because the
// demo did.
func (p printer) seen(mailbox string, o *demo.Office, s intake.Seen) {
	l, ok := o.Letter(demo.Copy{Mailbox: mailbox, Folder: s.Folder, UID: s.Envelope.UID})
	if !ok && len(s.Envelope.From) > 0 {
		l.From.Name = string(s.Envelope.From[0])
	}
	local, _, _ := strings.Cut(mailbox, "@")
	where := local + " " + s.Folder
	if s.Folder == demo.Inbox {
		where = local
	}
	correspondent := l.From.Name
	if l.From.Address == mailbox {
		correspondent = "to " + l.To.Name
	}
	mark, why := whyShort(s.Outcome)
	if why == "" {
		why = l.Subject
	}
	line := time.Now().Format(time.TimeOnly) + "  " + terminal.Pad(mark, 9) + terminal.Pad(where, 14) + correspondent + ": " + why
	fmt.Fprintln(p.w, terminal.Fit(line, columns))
}

// whyShort says in a few words what became of a copy, and why; no reason where
// the subject says more.
func whyShort(outcome crm.Outcome) (mark, why string) {
	switch outcome {
	case crm.Imported:
		return "imported", ""
	case crm.Copied:
		return "copy", "here already; it stays one message"
	case crm.NoContact:
		return "refused", "no contact in From or To"
	case crm.ContactOnlyInCc:
		return "refused", "the contact stands only in Cc"
	case crm.InternalOnly:
		return "refused", "colleagues among themselves"
	case crm.BeforeLink:
		return "refused", "older than the link"
	case crm.BeforeContact:
		return "refused", "older than the contact's address"
	case crm.Draft:
		return "refused", "a draft"
	default:
		return string(outcome), ""
	}
}
