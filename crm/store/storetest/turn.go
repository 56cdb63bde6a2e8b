package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

func testReject(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	one, two := h.link("u1", "info"), h.link("u2", "info")
	h.pass(time.Minute)
	h.must(h.Reject(ctx, h.account, one.ID, "Invalid credentials", 0, h.now))
	h.must(h.Reject(ctx, h.account, one.ID, "Invalid credentials", 0, h.now)) // again: nothing new
	l := value(h.Link(ctx, h.account, one.ID))(h)
	same(t, "status", l.Status, crm.LinkAuthFailed)
	same(t, "detail", l.Detail, "Invalid credentials")
	st := value(h.Standing(ctx, h.account, one.Mailbox))(h)
	same(t, "logins that are left", names(st.Logins, func(l crm.Login) crm.LinkID { return l.Link }), []crm.LinkID{two.ID})
	same(t, "health", value(h.Health(ctx, h.account, one.Mailbox))(h).Status, crm.LinkSyncing)

	h.must(h.Reject(ctx, h.account, two.ID, "Invalid credentials", 0, h.now))
	same(t, "logins", len(value(h.Standing(ctx, h.account, one.Mailbox))(h).Logins), 0)
	same(t, "active still", len(h.active()), 1)
	same(t, "health", value(h.Health(ctx, h.account, one.Mailbox))(h).Status, crm.LinkAuthFailed)
	same(t, "events", len(h.events(crm.LinkFailing)), 2)

	value(h.ReplaceSecret(ctx, h.account, one.ID, "right", h.now))(h)
	same(t, "logins", len(value(h.Standing(ctx, h.account, one.Mailbox))(h).Logins), 1)
	h.must(h.EndLink(ctx, h.account, two.ID, crm.EndedUnlinked, h.now))
	h.must(h.Reject(ctx, h.account, two.ID, "too late", 0, h.now))
	same(t, "status of an ended link", value(h.Link(ctx, h.account, two.ID))(h).Status, crm.LinkUnlinked)
	h.must(h.Reject(ctx, h.account, "lnk_none", "x", 0, h.now))
}

func testLooks(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l, other := h.link("u1", "box1"), h.link("u2", "box2")
	look := func(change func(*crm.Looked)) crm.Health {
		t.Helper()
		h.pass(time.Minute)
		looked := crm.Looked{Account: h.account, Mailbox: l.Mailbox, At: h.now, Status: crm.LinkLive, Mode: crm.ModeIdle, Synced: true}
		change(&looked)
		h.must(h.SaveLooks(ctx, []crm.Looked{
			looked,
			{Account: h.account, Mailbox: "mbx_gone", At: h.now, Status: crm.LinkLive},
			{Account: "acc_gone", Mailbox: l.Mailbox, At: h.now, Status: crm.LinkUnreachable},
		}))
		return value(h.Health(ctx, h.account, l.Mailbox))(h)
	}
	fail := func(err string) func(*crm.Looked) {
		return func(l *crm.Looked) { l.Status, l.Mode, l.Err, l.Synced = crm.LinkUnreachable, "", err, false }
	}

	health := look(func(l *crm.Looked) { l.Missed = 2 })
	synced := h.now
	same(t, "mode", health.Mode, crm.ModeIdle)
	same(t, "synced", health.LastSyncedAt, synced)
	same(t, "missed", look(func(l *crm.Looked) { l.Missed, l.Synced = 3, false }).Missed, 5)
	link := value(h.Link(ctx, h.account, l.ID))(h)
	same(t, "status", link.Status, crm.LinkLive)
	same(t, "progress", link.Progress, crm.Progress{LastSyncedAt: synced, Mode: crm.ModeIdle})

	look(fail("connection refused"))
	look(fail("connection refused"))
	health = look(fail("connection refused"))
	same(t, "errors in a row", health.ErrorCount, 3)
	same(t, "mode", health.Mode, crm.ModeIdle) // a look that failed tells nothing of it
	same(t, "last error", health.LastError, "connection refused")
	same(t, "last error at", health.LastErrorAt, h.now)
	same(t, "status", health.Status, crm.LinkUnreachable)
	same(t, "synced", health.LastSyncedAt, synced)
	same(t, "detail", value(h.Link(ctx, h.account, l.ID))(h).Detail, "connection refused")
	same(t, "another error", look(fail("no route")).ErrorCount, 1)
	health = look(func(*crm.Looked) {})
	same(t, "errors in a row after it went well", health.ErrorCount, 0)
	same(t, "detail", value(h.Link(ctx, h.account, l.ID))(h).Detail, "")

	// A look says nothing about a link whose credential was refused, nor
	// about another mailbox's.
	h.must(h.Reject(ctx, h.account, l.ID, "refused", 0, h.now))
	look(func(*crm.Looked) {})
	same(t, "rejected link", value(h.Link(ctx, h.account, l.ID))(h).Status, crm.LinkAuthFailed)
	same(t, "link of another mailbox", value(h.Link(ctx, h.account, other.ID))(h).Status, crm.LinkSyncing)
	h.must(h.SaveLooks(ctx, nil))
}

// The user is told when trouble begins or becomes another, and when it is over.
func testLinkEvents(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	looks := func(to ...crm.LinkStatus) {
		for _, s := range to {
			h.must(h.SaveLooks(ctx, []crm.Looked{{Account: h.account, Mailbox: l.Mailbox, At: h.now, Status: s, Err: map[bool]string{true: "gone"}[s == crm.LinkUnreachable]}}))
		}
	}
	looks(crm.LinkLive, crm.LinkSyncing, crm.LinkLive)                    // all is well
	looks(crm.LinkUnreachable, crm.LinkUnreachable)                       // told once
	looks(crm.LinkSyncing, crm.LinkUnreachable, crm.LinkSyncing)          // still the same trouble
	h.must(h.Reject(ctx, h.account, l.ID, "refused", 0, h.now))           // another trouble
	value(h.ReplaceSecret(ctx, h.account, l.ID, "x", h.now))(h)           // not over yet
	looks(crm.LinkSyncing, crm.LinkLive)                                  // over
	looks(crm.LinkUnreachable, crm.LinkLive)                              // and again, in the same instant
	h.must(h.EndLink(ctx, h.account, l.ID, crm.EndedUnlinked, h.now))     // ended
	h.must(h.EndLink(ctx, h.account, l.ID, crm.EndedUserDisabled, h.now)) // nothing more
	looks(crm.LinkUnreachable)

	type said struct {
		Type   crm.EventType
		Status crm.LinkStatus
		Detail string
		Reason crm.EndReason
	}
	var got []said
	for _, e := range h.events() {
		var data struct {
			LinkID    crm.LinkID     `json:"link_id"`
			UserID    crm.UserID     `json:"user_id"`
			MailboxID crm.MailboxID  `json:"mailbox_id"`
			Address   crm.Address    `json:"address"`
			Status    crm.LinkStatus `json:"status"`
			Detail    string         `json:"detail"`
			Reason    crm.EndReason  `json:"reason"`
		}
		h.must(json.Unmarshal(e.Data, &data))
		if data.LinkID != l.ID || data.UserID != "u1" || data.MailboxID != l.Mailbox || data.Address != l.Address {
			t.Errorf("event %s is about %s", e.Type, e.Data)
		}
		got = append(got, said{e.Type, data.Status, data.Detail, data.Reason})
	}
	same(t, "events", got, []said{
		{crm.LinkCreated, crm.LinkSyncing, "", ""},
		{crm.LinkFailing, crm.LinkUnreachable, "gone", ""},
		{crm.LinkFailing, crm.LinkAuthFailed, "refused", ""},
		{crm.LinkRecovered, crm.LinkLive, "", ""},
		{crm.LinkFailing, crm.LinkUnreachable, "gone", ""},
		{crm.LinkRecovered, crm.LinkLive, "", ""},
		{crm.LinkEnded, crm.LinkUnlinked, "", crm.EndedUnlinked},
	})
}
