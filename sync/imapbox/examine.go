package imapbox

import (
	"context"
	"strconv"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox/talk"
)

// Examine opens a folder read-only. It returns crm.NotFound ("folder_gone")
// where there is none of this name; then no folder is open.
func (b *Box) Examine(ctx context.Context, name string) (crm.Selected, error) {
	var sel crm.Selected
	wire := talk.EncodeName(name)
	err := b.do(ctx, func() error {
		b.open, b.exists, b.next = "", 0, 0
		s, err := b.one(func(line []byte) error {
			if s, ok := talk.ParseStatus(line); ok {
				n, err := strconv.ParseUint(s.Args, 10, 32)
				switch {
				case err != nil:
				case s.Code == "UIDVALIDITY":
					sel.UIDValidity = uint32(n)
				case s.Code == "UIDNEXT":
					sel.UIDNext = crm.UID(n)
				}
			}
			return b.passOver(line)
		}, b.newCommand("EXAMINE").str(wire))
		if err != nil {
			return err
		}
		if s.Cond != "OK" {
			return talk.Unopened(s)
		}
		b.open, b.heard = wire, b.changes
		sel.Messages = b.exists
		return nil
	})
	if err != nil {
		return crm.Selected{}, err
	}
	if sel.UIDValidity == 0 {
		return crm.Selected{}, crm.E(crm.Unavailable, "folder_refused", "The mail server does not number this folder's messages for good (UIDVALIDITY).")
	}
	if sel.UIDNext == 0 {
		last, err := b.lastUID(ctx, sel.Messages)
		if err != nil {
			return crm.Selected{}, err
		}
		sel.UIDNext = last + 1
	}
	b.next = sel.UIDNext
	return sel, nil
}

// lastUID finds the highest UID of the open folder, for a server that does
// not tell UIDNEXT.
func (b *Box) lastUID(ctx context.Context, messages uint32) (crm.UID, error) {
	if messages == 0 {
		return 0, nil
	}
	var last crm.UID
	r := &talk.Fetch{
		Content: func(*talk.Fetched, *talk.Part) error { return nil },
		Done:    func(m *talk.Fetched) { last = max(last, m.UID) },
	}
	_, err := b.fetch(ctx, r, "*", "(UID)")
	return last, err
}
