package imapbox

import (
	"context"
	"strings"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox/talk"
)

const (
	statusItems = "(MESSAGES UIDNEXT UIDVALIDITY)"
	// statusBatch is how many STATUS commands are written before the answers
	// are read: so few that neither side can block the other.
	statusBatch = 100
)

// Folders lists all folders and their state: in one round trip where the
// server can, else in two. A folder that can't be opened, or of which the
// server does not tell the state, is listed with zeros. So is the open folder
// where it has changed since the server looked at it.
func (b *Box) Folders(ctx context.Context) ([]crm.Listing, error) {
	var found []talk.Folder
	changes := b.changes
	err := b.do(ctx, func() error {
		l := &talk.Lister{Scanner: talk.Scanner{Source: b.wire}}
		if err := b.list(l); err != nil {
			return err
		}
		if !b.caps.Has("LIST-STATUS") {
			changes = b.changes
			if err := b.statuses(l); err != nil {
				return err
			}
		}
		found = l.Found
		b.doubt(found, b.changes != changes)
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := make([]crm.Listing, len(found))
	for i, f := range found {
		all[i] = f.Listing
	}
	return all, nil
}

// list asks for the names of all folders, and for as much of their state as
// the server tells along with them.
func (b *Box) list(l *talk.Lister) error {
	list := b.newCommand("LIST", `""`, `"*"`)
	var returned []string
	if b.caps.Has("SPECIAL-USE") && (b.caps.Has("LIST-EXTENDED") || b.caps.Has("LIST-STATUS")) {
		returned = append(returned, "SPECIAL-USE")
	}
	if b.caps.Has("LIST-STATUS") {
		returned = append(returned, "STATUS "+statusItems)
	}
	if len(returned) > 0 {
		list.words("RETURN", "("+strings.Join(returned, " ")+")")
	}
	commands := []*command{list}
	if b.open != "" {
		// Dovecot tells the state of the open folder as it was when it last
		// had a reason to look. NOOP is one; it is put off until the commands
		// that are written together are done, but then it tells.
		commands = append(commands, b.newCommand("NOOP"))
	}
	answers, err := b.exchange(b.reading(l.Take), commands...)
	if err != nil {
		return err
	}
	if s := answers[0]; s.Cond != "OK" {
		return talk.Refused(s)
	}
	return nil
}

// doubt takes back what the server said of the open folder where it has
// announced changes after that, or another number of messages before.
func (b *Box) doubt(found []talk.Folder, changed bool) {
	for i := range found {
		if f := &found[i]; b.open != "" && f.Wire == b.open && (changed || f.Messages != b.exists) {
			f.UIDNext, f.Messages = 0, b.exists
		}
	}
}

// statuses asks for the state of each folder that can be opened. Where the
// server says NO the state stays unknown.
func (b *Box) statuses(l *talk.Lister) error {
	var asked []*command
	for _, f := range l.Found {
		if !f.Selectable() {
			continue
		}
		c := b.newCommand("STATUS").str(f.Wire).words(statusItems)
		if len(c.stops) > 0 {
			if _, err := b.one(b.reading(l.Take), c); err != nil {
				return err
			}
			continue
		}
		if asked = append(asked, c); len(asked) == statusBatch {
			if _, err := b.exchange(b.reading(l.Take), asked...); err != nil {
				return err
			}
			asked = asked[:0]
		}
	}
	if len(asked) == 0 {
		return nil
	}
	_, err := b.exchange(b.reading(l.Take), asked...)
	return err
}
