package archive

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// headerKey is what a Message-ID is looked up by: 16 bytes of its SHA-256, as
// a header may hold one of any length and an index may not.
func headerKey(id crm.HeaderID) []byte {
	if id == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(id))
	return sum[:16]
}

// details are what no query asks for of a message.
type details struct {
	HeaderID       crm.HeaderID     `json:"header_id,omitempty"`
	InReplyTo      []crm.HeaderID   `json:"in_reply_to,omitempty"`
	References     []crm.HeaderID   `json:"references,omitempty"`
	From           []crm.Person     `json:"from,omitempty"`
	To             []crm.Person     `json:"to,omitempty"`
	Cc             []crm.Person     `json:"cc,omitempty"`
	Bcc            []crm.Person     `json:"bcc,omitempty"`
	Date           time.Time        `json:"date,omitzero"`
	HasHTML        bool             `json:"has_html,omitempty"`
	Attachments    []crm.Attachment `json:"attachments,omitempty"`
	Degraded       []string         `json:"degraded,omitempty"`
	Digest         []byte           `json:"digest"`
	Matches        []match          `json:"matches,omitempty"`
	Correspondents []crm.Address    `json:"correspondents,omitempty"`
	judgement
}

// judgement is what automation goes by besides the kind of a message.
type judgement struct {
	Evidence  []string     `json:"evidence,omitempty"`
	Suspect   string       `json:"suspect,omitempty"`
	ReturnsOn crm.Date     `json:"returns_on,omitempty"`
	Until     time.Time    `json:"until,omitzero"`
	Bounces   []crm.Bounce `json:"bounces,omitempty"`
}

type match struct {
	Contact crm.ContactID `json:"contact"`
	Address crm.Address   `json:"address"`
	Sender  bool          `json:"sender,omitempty"`
}

func detailsOf(m *crm.Message) details {
	l := &m.Letter
	d := details{
		HeaderID: l.HeaderID, InReplyTo: l.InReplyTo, References: l.References,
		From: l.From, To: l.To, Cc: l.Cc, Bcc: l.Bcc, Date: l.Date,
		HasHTML: l.HasHTML, Attachments: l.Attachments, Degraded: l.Degraded,
		Digest: l.Digest[:], Correspondents: m.Correspondents,
		judgement: judgement{Evidence: l.Evidence, Suspect: l.Suspect, ReturnsOn: l.Absence.ReturnsOn, Until: l.Absence.Until, Bounces: l.Bounces},
	}
	for _, ma := range m.Matches {
		d.Matches = append(d.Matches, match(ma))
	}
	return d
}

func (d *details) fill(m *crm.Message) {
	l := &m.Letter
	l.HeaderID, l.InReplyTo, l.References = d.HeaderID, d.InReplyTo, d.References
	l.From, l.To, l.Cc, l.Bcc, l.Date = d.From, d.To, d.Cc, d.Bcc, d.Date
	l.HasHTML, l.Attachments, l.Evidence, l.Degraded = d.HasHTML, d.Attachments, d.Evidence, d.Degraded
	copy(l.Digest[:], d.Digest)
	l.Suspect, l.Absence, l.Bounces = d.Suspect, crm.Absence{ReturnsOn: d.ReturnsOn, Until: d.Until}, d.Bounces
	m.Correspondents = d.Correspondents
	for _, ma := range d.Matches {
		m.Matches = append(m.Matches, crm.Match(ma))
	}
}

// searchable lists the people of a message for the search in threads.
func searchable(l *crm.Letter) string {
	var b strings.Builder
	for _, people := range [][]crm.Person{l.From, l.To, l.Cc, l.Bcc} {
		for _, p := range people {
			b.WriteString(p.Name)
			b.WriteByte(' ')
			b.WriteString(string(p.Address))
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// contactsOf lists the contacts of a message, each once.
func contactsOf(m *crm.Message) []crm.ContactID {
	return contactsWhere(m, func(crm.Match) bool { return true })
}

// sendersOf lists the contacts that a message is from, each once. Those whom
// it is only to have not said anything.
func sendersOf(m *crm.Message) []crm.ContactID {
	return contactsWhere(m, func(ma crm.Match) bool { return ma.Sender })
}

func contactsWhere(m *crm.Message, wanted func(crm.Match) bool) []crm.ContactID {
	ids := make([]crm.ContactID, 0, len(m.Matches))
	for _, ma := range m.Matches {
		if wanted(ma) && !slices.Contains(ids, ma.Contact) {
			ids = append(ids, ma.Contact)
		}
	}
	return ids
}

// isReply reports whether a message is a contact's answer: a person wrote it,
// a contact, to us.
func isReply(m *crm.Message) bool {
	return m.Direction == crm.Inbound && m.Letter.Kind == crm.KindPersonal && len(sendersOf(m)) > 0
}

// halts reports whether a reply is to halt what its sender is enrolled in: not
// where the sender may be somebody else.
func halts(m *crm.Message) bool { return isReply(m) && m.Letter.Suspect == "" }

func (t tx) insertMessages(fresh []*crm.Message) error {
	rows := make([]any, 0, 16*len(fresh))
	contacts := make([]any, 0, 6*len(fresh))
	for _, m := range fresh {
		d, err := txn.ToJSON(detailsOf(m))
		if err != nil {
			return err
		}
		rows = append(rows, string(t.Account), string(m.ID), m.Identity[:], string(m.Thread),
			string(m.Direction), string(m.Letter.Kind), headerKey(m.Letter.HeaderID), txn.MS(m.ReceivedAt), txn.MS(m.ImportedAt),
			string(m.Raw), m.Size, m.Letter.Subject, m.Letter.Snippet, searchable(&m.Letter), d, m.Letter.Text)
		senders := sendersOf(m)
		for _, c := range contactsOf(m) {
			contacts = append(contacts, string(t.Account), string(c), txn.MS(m.ReceivedAt), string(m.ID), slices.Contains(senders, c), m.Letter.Suspect != "")
		}
	}
	err := t.Insert(`
		INSERT INTO messages (account, id, identity, thread, direction, kind, header_key, received_at, imported_at,
			raw, size, subject, snippet, people, details, text) VALUES`, 16, rows, "")
	if err != nil {
		return err
	}
	return t.Insert(`INSERT INTO message_contacts (account, contact, received_at, message, sender, suspect) VALUES`, 6, contacts, "")
}

// messageData is what an event about a message says: ids and addresses, no
// content.
type messageData struct {
	Message    crm.MessageID   `json:"message_id"`
	Thread     crm.ThreadID    `json:"thread_id"`
	Contacts   []crm.ContactID `json:"contact_ids"`
	Direction  crm.Direction   `json:"direction"`
	Kind       crm.MessageKind `json:"kind"`
	From       []crm.Address   `json:"from"`
	To         []crm.Address   `json:"to"`
	ReceivedAt time.Time       `json:"received_at"`
	Mailbox    crm.MailboxID   `json:"mailbox_id"`
	Suspect    bool            `json:"suspect,omitempty"`    // the sender may be somebody else
	ReturnsOn  crm.Date        `json:"returns_on,omitempty"` // as the notice of an absence says
	HeldUntil  time.Time       `json:"held_until,omitzero"`
}

// tellMessage tells that a message was imported, and what it means where it
// means more. Who has replied is who wrote: other contacts whom the message is
// to are named by the import alone. having are the contacts of bounced addresses.
func (t tx) tellMessage(m *crm.Message, having holders, mailbox crm.MailboxID, at time.Time) {
	data := messageData{
		Message: m.ID, Thread: m.Thread, Contacts: contactsOf(m), Direction: m.Direction, Kind: m.Letter.Kind,
		From: addresses(m.Letter.From), To: addresses(m.Letter.To), ReceivedAt: m.ReceivedAt.UTC(), Mailbox: mailbox,
		Suspect: m.Letter.Suspect != "",
	}
	e := txn.Event{Kind: crm.MessageImported, About: string(m.Identity[:]), Happened: m.ReceivedAt, At: at, Data: data}
	t.Tell(e)
	switch {
	case m.Letter.Kind == crm.KindBounce:
		e.Kind = crm.MessageBounced
		if len(m.Letter.Bounces) > 0 {
			t.tellBounces(m, having, e, data)
			return
		}
	case m.Letter.Kind == crm.KindAutoReply && m.Direction == crm.Inbound:
		e.Kind, data.Contacts = crm.MessageAutoReplied, sendersOf(m)
		data.ReturnsOn, data.HeldUntil = m.Letter.Absence.ReturnsOn, m.Letter.Absence.Until.UTC()
	case isReply(m):
		e.Kind, data.Contacts = crm.ContactReplied, sendersOf(m)
	default:
		return
	}
	e.Data = data
	t.Tell(e)
}

// toldAddresses is how many addresses of a field an event names: whoever needs
// all of a mail to thousands reads the message.
const toldAddresses = 100

func addresses(people []crm.Person) []crm.Address {
	list := make([]crm.Address, min(len(people), toldAddresses))
	for i := range list {
		list[i] = people[i].Address
	}
	return list
}
