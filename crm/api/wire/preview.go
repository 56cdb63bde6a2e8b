package wire

import (
	"time"

	"mailsyncd.example/crm"
)

// PreviewInput names the mailbox to look into: one that is linked, or one that
// is to be, as for links/test.
type PreviewInput struct {
	LinkID   *ID          `json:"link_id,omitempty" doc:"One of the user's own links that stands; then nothing else is given."`
	PresetID *ID          `json:"preset_id,omitempty" doc:"Either this or imap."`
	IMAP     *ServerInput `json:"imap,omitempty"`
	Address  string       `json:"address,omitempty" maxLength:"320"`
	Username *Name        `json:"username,omitempty" minLength:"1" doc:"The login name; left out, what the preset makes of the address, else the address."`
	Password *Password    `json:"password,omitempty"`
}

// Settings are what is given for a mailbox that is not linked.
func (in PreviewInput) Settings() (LinkInput, error) {
	l := LinkInput{PresetID: in.PresetID, IMAP: in.IMAP, Address: in.Address, Username: in.Username}
	if in.Password == nil {
		return l, crm.E(crm.Invalid, "field_missing", "The password is missing; add it, or name a link by link_id.")
	}
	l.Password = *in.Password
	return l, nil
}

// HasSettings reports whether anything but a link is given.
func (in PreviewInput) HasSettings() bool {
	return in.PresetID != nil || in.IMAP != nil || in.Address != "" || in.Username != nil || in.Password != nil
}

// Preview is what a mailbox would have brought in.
type Preview struct {
	Since      time.Time           `json:"since"`
	Until      time.Time           `json:"until"`
	Complete   bool                `json:"complete" doc:"false: there was more mail than could be looked at in the time."`
	Looked     int                 `json:"looked" doc:"Messages whose envelope was read: From, To, Cc, Bcc, date and size, no subject and no content."`
	Imported   int                 `json:"imported" doc:"Of these, how many today's rules would import; a copy in another folder counts here, and becomes one message."`
	Refused    map[crm.Outcome]int `json:"refused" doc:"The others, by the reason to refuse them."`
	Unreadable int                 `json:"unreadable" doc:"Messages that the server did not show."`
	Items      []Glimpse           `json:"items" nullable:"false" doc:"Those that would be imported, newest first, 200 at most."`
}

// Glimpse is a message that would be imported.
type Glimpse struct {
	Folder     string          `json:"folder"`
	ReceivedAt time.Time       `json:"received_at"`
	Direction  crm.Direction   `json:"direction" enum:"inbound,outbound"`
	From       []crm.Address   `json:"from" nullable:"false"`
	To         []crm.Address   `json:"to" nullable:"false"`
	Contacts   []crm.ContactID `json:"contacts" nullable:"false"`
}

// PreviewOf shows a preview; every reason has its count.
func PreviewOf(p crm.Preview) Preview {
	out := Preview{
		Since: UTC(p.Since), Until: UTC(p.Until), Complete: p.Complete, Looked: p.Looked, Imported: p.Imported,
		Unreadable: p.Unreadable, Refused: map[crm.Outcome]int{},
		Items: Each(p.Items, func(g crm.Glimpse) Glimpse {
			return Glimpse{
				Folder: g.FolderName, ReceivedAt: UTC(g.ReceivedAt), Direction: g.Direction,
				From: OrEmpty(g.From), To: OrEmpty(g.To), Contacts: OrEmpty(g.Contacts),
			}
		}),
	}
	for _, reason := range crm.Refusals {
		if reason != crm.BeforeLink && reason != crm.BeforeContact { // a preview looks at what came since
			out.Refused[reason] = p.Refused[reason]
		}
	}
	return out
}
