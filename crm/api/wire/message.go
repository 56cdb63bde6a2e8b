package wire

import (
	"slices"
	"strings"
	"time"

	"mailsyncd.example/crm"
)

// Message is one mail, once per account, however many copies there are.
type Message struct {
	ID        crm.MessageID `json:"id"`
	ThreadID  crm.ThreadID  `json:"thread_id"`
	HeaderID  crm.HeaderID  `json:"message_id" doc:"The Message-ID field without angle brackets; empty where there is none."`
	Direction crm.Direction `json:"direction" enum:"inbound,outbound"`
	Envelope
	Snippet       string           `json:"snippet" doc:"The beginning of what is new in the text, quotations left out."`
	Text          string           `json:"text"`
	HTML          *string          `json:"html" doc:"Made harmless; null where there is none, and where not one message alone is asked for."`
	RemoteBlocked int              `json:"remote_blocked,omitempty" doc:"Images from elsewhere that html leaves out; ?remote=true lets them in."`
	HasHTML       bool             `json:"has_html"`
	Attachments   []crm.Attachment `json:"attachments" nullable:"false"`
	Contacts      []crm.ContactID  `json:"contacts" nullable:"false" doc:"Whose addresses made the message be imported."`
	Kind          crm.MessageKind  `json:"kind" enum:"personal,auto_reply,bounce,bulk"`
	Condition
	Sightings []Sighting `json:"sightings" nullable:"false"`
}

// Envelope is what stands on the outside of a message.
type Envelope struct {
	From       []crm.Person `json:"from" nullable:"false"`
	To         []crm.Person `json:"to" nullable:"false"`
	Cc         []crm.Person `json:"cc" nullable:"false"`
	Subject    string       `json:"subject"`
	Date       *time.Time   `json:"date" doc:"What the sender's clock said; null where it said nothing."`
	ReceivedAt time.Time    `json:"received_at" doc:"When the mail server received it."`
	ImportedAt time.Time    `json:"imported_at"`
	Size       int64        `json:"size" doc:"Bytes of the raw message."`
}

// Condition tells how sure we are of what we read.
type Condition struct {
	Evidence        []string `json:"evidence" nullable:"false" doc:"Why kind is what it is."`
	Suspect         string   `json:"suspect,omitempty" doc:"Why the sender may be somebody else, in the words of the mailbox's own server (DMARC). Such a message halts nothing."`
	ReturnsOn       crm.Date `json:"returns_on,omitempty" format:"date" doc:"When the writer of an automatic reply is back, as it says."`
	Bounces         []Bounce `json:"bounces,omitempty" doc:"The addresses that a bounce is about, as far as they are found."`
	Degraded        bool     `json:"degraded" doc:"Something in it could not be read; the raw bytes are all there, or what of them is kept."`
	DegradedReasons []string `json:"degraded_reasons" nullable:"false"`
}

// Bounce is what a mail server says of an address that it could not reach.
type Bounce struct {
	Address  crm.Address  `json:"address" doc:"The one that was written to, as far as the server tells."`
	Status   string       `json:"status,omitempty" doc:"RFC 3463, such as 5.1.1; left out where the server gives none."`
	Severity crm.Severity `json:"severity" enum:"hard,soft" doc:"Only hard says that nobody will ever be reached there."`
	At       time.Time    `json:"at" doc:"When the server tried last, else when the bounce came."`
}

// Sighting is one copy of a message.
type Sighting struct {
	MailboxID crm.MailboxID `json:"mailbox_id"`
	Folder    string        `json:"folder"`
	UID       crm.UID       `json:"uid"`
}

// HeaderID reads a Message-ID as people paste it.
func HeaderID(raw string) crm.HeaderID {
	id := strings.TrimSpace(raw)
	id = strings.TrimSuffix(strings.TrimPrefix(id, "<"), ">")
	return crm.HeaderID(id)
}

// MessageOf shows a message as it was read, without its HTML. Who was copied in secret
// (Bcc) is nobody's business but the sender's, and left out.
func MessageOf(m crm.Message) Message {
	l := m.Letter
	return Message{
		ID: m.ID, ThreadID: m.Thread, HeaderID: l.HeaderID, Direction: m.Direction,
		Envelope: Envelope{
			From: OrEmpty(l.From), To: OrEmpty(l.To), Cc: OrEmpty(l.Cc), Subject: l.Subject, Date: orNull(UTC(l.Date)),
			ReceivedAt: UTC(m.ReceivedAt), ImportedAt: UTC(m.ImportedAt), Size: m.Size,
		},
		Snippet: l.Snippet, Text: l.Text, HasHTML: l.HasHTML, Attachments: OrEmpty(l.Attachments), Contacts: contactsOf(m.Matches), Kind: l.Kind,
		Condition: Condition{Evidence: OrEmpty(l.Evidence), Suspect: l.Suspect, ReturnsOn: l.Absence.ReturnsOn, Bounces: Each(l.Bounces, bounceOf), Degraded: len(l.Degraded) > 0, DegradedReasons: OrEmpty(l.Degraded)},
		Sightings: Each(m.Sightings, sightingOf),
	}
}

// contactsOf lists each contact once, however many addresses matched.
func contactsOf(matches []crm.Match) []crm.ContactID {
	ids := Each(matches, func(m crm.Match) crm.ContactID { return m.Contact })
	slices.Sort(ids)
	return slices.Compact(ids)
}

func bounceOf(b crm.Bounce) Bounce {
	return Bounce{Address: b.Address, Status: b.Status, Severity: b.Severity, At: UTC(b.At)}
}

func sightingOf(s crm.Sighting) Sighting {
	return Sighting{MailboxID: s.Mailbox, Folder: s.FolderName, UID: s.UID}
}
