package storetest

import (
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
)

// office makes a preset.
func (h *house) office(imap string) crm.Preset {
	h.t.Helper()
	p := crm.Preset{
		Account: h.account, ID: "pre_1", Name: "Office", IMAP: crm.Server{Host: imap, Port: 993, Security: crm.SecurityTLS},
		Auth: crm.AuthPassword, Username: crm.UsernameLocalPart, CreatedAt: h.now, UpdatedAt: h.now,
	}
	h.must(h.CreatePreset(h.t.Context(), p))
	return p
}

func (h *house) linkByPreset(user crm.UserID, p crm.Preset, username string) crm.Link {
	h.t.Helper()
	h.user(user)
	l := h.linkOf(user, string(user))
	l.Preset, l.Server, l.Username = p.ID, p.IMAP, username
	return value(h.CreateLink(h.t.Context(), l, crm.Secret("secret of "+user), []crm.Folder{
		{Name: "INBOX", Role: crm.RoleInbox, UIDValidity: 1, Anchor: 9, Anchored: true, Position: 9},
	}))(h)
}

func testPresetsAreFollowed(t *testing.T, open Opener) {
	ears := &listener{}
	h := newHouseIn(t, open(t, store.Options{Sealer: &box{key: 1}, Signals: ears}), "acc_1")
	ctx := t.Context()
	p := h.office("old.sample.example")
	a := h.linkByPreset("a", p, "a")
	h.pass(time.Second) // what is younger has a later id
	b := h.linkByPreset("b", p, "bob")
	ended := h.linkByPreset("c", p, "c")
	h.must(h.EndLink(ctx, h.account, ended.ID, crm.EndedUnlinked, h.now))
	other := h.link("d", "d")

	p.IMAP.Host, p.Username = "new.sample.example", crm.UsernameAddress
	ears.heard = nil
	same(t, "links that follow", value(h.UpdatePreset(ctx, p))(h), 2)
	same(t, "heard of it", ears.heard, []string{"links of acc_1 " + string(a.Mailbox), "links of acc_1 " + string(b.Mailbox)})
	wantA := &crm.Transfer{Server: p.IMAP, Username: "a@sample.example"}
	same(t, "where a is to be", value(h.Link(ctx, h.account, a.ID))(h).Transfer, wantA)
	same(t, "where b is to be", value(h.Link(ctx, h.account, b.ID))(h).Transfer, &crm.Transfer{Server: p.IMAP, Username: "bob"})
	for _, id := range []crm.LinkID{ended.ID, other.ID} {
		if to := value(h.Link(ctx, h.account, id))(h).Transfer; to != nil {
			t.Errorf("%s is to be at %+v", id, to)
		}
	}
	same(t, "the login to try", value(h.Standing(ctx, h.account, a.Mailbox))(h).Transfers, []crm.Login{
		{Account: h.account, Link: a.ID, Server: p.IMAP, Username: "a@sample.example", Auth: crm.AuthPassword, Secret: "secret of a"},
	})

	kept := *wantA
	kept.Detail, kept.Refused = "Wrong password.", true
	h.must(h.KeepLink(ctx, h.account, a.ID, kept))
	same(t, "why it stays", value(h.Link(ctx, h.account, a.ID))(h).Transfer, &kept)
	same(t, "logins to try", len(value(h.Standing(ctx, h.account, a.Mailbox))(h).Transfers), 0)
	elsewhere := kept
	elsewhere.Server.Host, elsewhere.Detail = "other.sample.example", "late"
	h.must(h.KeepLink(ctx, h.account, a.ID, elsewhere))
	same(t, "a late word", value(h.Link(ctx, h.account, a.ID))(h).Transfer, &kept)

	p.IMAP.Host, p.Username = "old.sample.example", crm.UsernameLocalPart
	same(t, "links that follow back", value(h.UpdatePreset(ctx, p))(h), 0)
	if to := value(h.Link(ctx, h.account, a.ID))(h).Transfer; to != nil {
		t.Errorf("back where it was, it is to be at %+v", to)
	}
	p.IMAP.Host = "new.sample.example"
	value(h.UpdatePreset(ctx, p))(h)
	h.must(h.DeletePreset(ctx, h.account, p.ID))
	same(t, "without its preset", value(h.Link(ctx, h.account, a.ID))(h).Transfer, nil)
}

func testTransfer(t *testing.T, open Opener) {
	ears := &listener{}
	h := newHouseIn(t, open(t, store.Options{Sealer: &box{key: 1}, Signals: ears}), "acc_1")
	ctx := t.Context()
	p := h.office("old.sample.example")
	l := h.linkByPreset("a", p, "a")
	h.pass(time.Hour)
	p.IMAP.Host, p.Username = "NEW.sample.example", crm.UsernameAddress
	value(h.UpdatePreset(ctx, p))(h)
	to := *value(h.Link(ctx, h.account, l.ID))(h).Transfer
	late := to
	late.Server.Port = 143
	same(t, "a late transfer", value(h.TransferLink(ctx, h.account, l.ID, late, "", 0, h.now))(h).Mailbox, l.Mailbox)

	ears.heard = nil
	moved := value(h.TransferLink(ctx, h.account, l.ID, to, "", 0, h.now))(h)
	want := l
	want.Mailbox, want.Server, want.Username = moved.Mailbox, p.IMAP, "a@sample.example"
	same(t, "link", moved, want)
	same(t, "link as read", value(h.Link(ctx, h.account, l.ID))(h), want)
	same(t, "heard of it", ears.heard, []string{"links of acc_1 " + string(l.Mailbox), "links of acc_1 " + string(moved.Mailbox)})
	st := value(h.Standing(ctx, h.account, moved.Mailbox))(h)
	if st.Mailbox.Host != "new.sample.example" || !st.Mailbox.Since.Equal(l.LinkedAt) || st.Logins[0].Secret != "secret of a" || len(st.Transfers) != 0 {
		t.Errorf("it stands as %+v", st)
	}
	same(t, "folders known there", len(value(h.Folders(ctx, h.account, moved.Mailbox))(h)), 0)
	_, err := h.Standing(ctx, h.account, l.Mailbox)
	fails(t, err, crm.NotFound, "mailbox_not_found")

	p.IMAP.Host = "third.sample.example"
	value(h.UpdatePreset(ctx, p))(h)
	to = *value(h.Link(ctx, h.account, l.ID))(h).Transfer
	value(h.TransferLink(ctx, h.account, l.ID, to, "another", 0, h.now))(h)
	third := value(h.Link(ctx, h.account, l.ID))(h)
	same(t, "its new secret", value(h.Standing(ctx, h.account, third.Mailbox))(h).Logins[0].Secret, "another")
	h.must(h.EndLink(ctx, h.account, l.ID, crm.EndedUnlinked, h.now))
	_, err = h.TransferLink(ctx, h.account, l.ID, to, "", 0, h.now)
	fails(t, err, crm.Conflict, "link_ended")
}

// A link that comes to a mailbox that others have linked later is owed what
// came between: the folders are read again, and what is known stays known.
func testTransferToLinked(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	p := h.office("old.sample.example")
	early := h.linkByPreset("early", p, "info")
	h.pass(time.Hour)
	q := p
	q.IMAP.Host = "new.sample.example"
	late := h.linkByPreset("late", crm.Preset{ID: "pre_2", IMAP: q.IMAP}, "info")
	h.pass(time.Hour)
	value(h.UpdatePreset(ctx, q))(h)
	to := *value(h.Link(ctx, h.account, early.ID))(h).Transfer
	moved := value(h.TransferLink(ctx, h.account, early.ID, to, "", 0, h.now))(h)
	same(t, "the mailbox", moved.Mailbox, late.Mailbox)
	st := value(h.Standing(ctx, h.account, late.Mailbox))(h)
	if !st.Mailbox.Since.Equal(early.LinkedAt) || len(st.Logins) != 2 || st.Logins[0].Link != early.ID {
		t.Errorf("it stands as %+v", st)
	}
	f := value(h.Folders(ctx, h.account, late.Mailbox))(h)[0]
	if f.Position != 0 || f.Anchor != 0 || f.Anchored {
		t.Errorf("the folder is %+v", f)
	}
	// One that comes later than the mailbox's oldest link changes nothing.
	h.pass(time.Hour)
	p.ID, p.IMAP.Host = "pre_3", "third.sample.example"
	h.must(h.CreatePreset(ctx, p))
	third := h.linkByPreset("third", p, "info")
	p.IMAP.Host = "new.sample.example"
	value(h.UpdatePreset(ctx, p))(h)
	value(h.TransferLink(ctx, h.account, third.ID, *value(h.Link(ctx, h.account, third.ID))(h).Transfer, "", 0, h.now))(h)
	if st = value(h.Standing(ctx, h.account, late.Mailbox))(h); !st.Mailbox.Since.Equal(early.LinkedAt) || len(st.Logins) != 3 {
		t.Errorf("with a third link it stands as %+v", st)
	}
}
