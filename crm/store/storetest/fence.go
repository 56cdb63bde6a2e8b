package storetest

import (
	"testing"
	"time"

	"mailsyncd.example/crm"
)

// deed is what the owner of a mailbox writes.
type deed struct {
	name string
	do   func(crm.Fence) error
}

// deeds are all that there are, in an order in which each can be done.
func (h *house) deeds(l crm.Link) []deed {
	ctx := h.t.Context()
	inbox := crm.Folder{Name: "INBOX", Role: crm.RoleInbox, UIDValidity: 1}
	sent := crm.Folder{Name: "Sent", Role: crm.RoleSent, UIDValidity: 1}
	return []deed{
		{"Record", func(f crm.Fence) error {
			p := h.page(h.folder(l.Mailbox, "INBOX"), h.letter("c1", nil))
			p.Fence, p.Receipt = f, crm.Receipt{Envelopes: 1}
			return discard(h.Record(ctx, p, h.now))
		}},
		{"SyncFolders", func(f crm.Fence) error {
			listed := []crm.Folder{inbox, sent, {Name: "Deals " + h.now.String(), UIDValidity: 1}}
			return discard(h.SyncFolders(ctx, h.account, l.Mailbox, listed, f, h.now))
		}},
		{"SaveBalance", func(f crm.Fence) error {
			b := crm.Balance{Account: h.account, Folder: h.folder(l.Mailbox, "INBOX").ID, UIDValidity: 1, Fence: f, Unexplained: 1}
			b.Gone = []crm.Run{{Lo: 1, Hi: 1}}
			return h.SaveBalance(ctx, b, h.now)
		}},
		{"Reject", func(f crm.Fence) error {
			return h.Reject(ctx, h.account, l.ID, "refused at "+h.now.String(), f, h.now)
		}},
	}
}

// state is what anybody can see of a mailbox.
type state struct {
	Health  crm.Health
	Folders []crm.Folder
	Links   []crm.Link
	Mail    []crm.Message
	Events  []crm.Event
	Ledger  []crm.Run
}

func (h *house) state(l crm.Link) state {
	h.t.Helper()
	ctx := h.t.Context()
	s := state{
		Health:  value(h.Health(ctx, h.account, l.Mailbox))(h),
		Folders: value(h.Folders(ctx, h.account, l.Mailbox))(h),
		Links:   value(h.ListLinks(ctx, h.account, "", crm.Paging{Limit: 9}))(h).Items,
		Mail:    value(h.ListMessages(ctx, h.account, crm.MessageQuery{Paging: crm.Paging{Limit: 99}}))(h).Items,
		Events:  h.events(),
	}
	h.must(h.Ledger(ctx, h.account, h.folder(l.Mailbox, "INBOX").ID, func(r crm.Run) { s.Ledger = append(s.Ledger, r) }))
	return s
}

// A process that was paused and wakes up late writes nothing where another one
// has taken the mailbox over.
func testFence(t *testing.T, open Opener) {
	h := newHouse(t, open)
	l := h.link("u1", "box1")
	highest := func() crm.Fence { return value(h.HighestFence(t.Context()))(h) }
	same(t, "the highest fence of all", highest(), 0)
	for i, first := range h.deeds(l) {
		// Whatever the new owner does first keeps the late one out.
		fence := crm.Fence(1<<40 + 10*i)
		h.pass(time.Minute)
		h.must(discard(h.ReplaceSecret(t.Context(), h.account, l.ID, "right", h.now)))
		h.must(first.do(fence + 2))
		same(t, first.name+" raises the fence", highest(), fence+2)
		before := h.state(l)
		h.pass(time.Minute)
		for _, late := range h.deeds(l) {
			if late.name == "Reject" && first.name == "Reject" {
				continue // it is marked already
			}
			fails(t, late.do(fence+1), crm.Conflict, "fenced")
			same(t, "state after a late "+late.name, h.state(l), before)
		}
		same(t, "the fence", highest(), fence+2)
		h.must(h.deeds(l)[0].do(fence + 2)) // who is not late goes on
	}
	// Who has the database alone is never compared, and raises nothing.
	top := highest()
	h.pass(time.Minute)
	h.must(discard(h.ReplaceSecret(t.Context(), h.account, l.ID, "right", h.now)))
	for _, d := range h.deeds(l) {
		h.must(d.do(0))
	}
	same(t, "the fence", highest(), top)
	fails(t, h.deeds(l)[0].do(1), crm.Conflict, "fenced")
}

// Of the looks that are written together only those of mailboxes that another
// process has taken over are left out.
func testFencedLooks(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	lost, kept := h.link("u1", "box1"), h.link("u2", "box2")
	look := func(l crm.Link, f crm.Fence, s crm.LinkStatus) crm.Looked {
		return crm.Looked{Account: h.account, Mailbox: l.Mailbox, Fence: f, At: h.now, Status: s, Mode: crm.ModeIdle, Synced: true}
	}
	h.must(h.SaveLooks(ctx, []crm.Looked{look(lost, 7, crm.LinkLive), look(kept, 5, crm.LinkLive)}))
	same(t, "the highest fence", value(h.HighestFence(ctx))(h), 7)
	before := h.state(lost).Health
	h.pass(time.Minute)
	h.must(h.SaveLooks(ctx, []crm.Looked{look(lost, 6, crm.LinkUnreachable), look(kept, 6, crm.LinkUnreachable)}))
	same(t, "the mailbox that was taken over", h.state(lost).Health, before)
	same(t, "the other one", h.state(kept).Health.LastSyncedAt, h.now)
	same(t, "links that fail", len(h.events(crm.LinkFailing)), 1)
	h.must(h.SaveLooks(ctx, []crm.Looked{look(lost, 0, crm.LinkUnreachable)}))
	same(t, "links that fail", len(h.events(crm.LinkFailing)), 2)
	same(t, "the highest fence", value(h.HighestFence(ctx))(h), 7)
}
