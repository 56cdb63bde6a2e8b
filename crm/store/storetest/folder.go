package storetest

import (
	"testing"
	"time"

	"mailsyncd.example/crm"
)

func testFolders(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	listed := func(fs ...crm.Folder) []crm.Folder {
		t.Helper()
		return value(h.SyncFolders(ctx, h.account, l.Mailbox, fs, 0, h.now))(h)
	}
	inbox := crm.Folder{Name: "INBOX", Role: crm.RoleInbox, UIDValidity: 1}
	sent := crm.Folder{Name: "Sent", Role: crm.RoleSent, UIDValidity: 1}
	h.arrive(l.Mailbox, "INBOX", h.letter("c1", nil))

	stored := listed(sent, inbox)
	same(t, "folders as listed", names(stored, func(f crm.Folder) string { return f.Name }), []string{"Sent", "INBOX"})
	want := crm.Folder{
		Account: h.account, ID: stored[1].ID, Mailbox: l.Mailbox, Name: "INBOX", Role: crm.RoleInbox,
		UIDValidity: 1, Anchored: true, Position: 1,
	}
	same(t, "INBOX", stored[1], want)

	// A folder appears: the date alone decides in it, from its beginning.
	project := crm.Folder{Name: "案件/ABC", Role: crm.RoleOther, UIDValidity: 9, Anchor: 5, Anchored: true, Position: 5}
	stored = listed(inbox, sent, project)
	same(t, "new folder", stored[2], crm.Folder{
		Account: h.account, ID: stored[2].ID, Mailbox: l.Mailbox, Name: "案件/ABC", Role: crm.RoleOther, UIDValidity: 9,
	})
	if stored[2].ID == "" || stored[2].ID == stored[1].ID {
		t.Errorf("ids %q and %q", stored[2].ID, stored[1].ID)
	}

	// It vanishes, and comes back where it stood.
	p := h.page(stored[2], h.letter("c1", nil))
	m := value(h.Record(ctx, p, h.now))(h).Imported[0]
	listed(inbox, sent)
	same(t, "folders", len(value(h.Folders(ctx, h.account, l.Mailbox))(h)), 2)
	same(t, "sightings in a folder that is gone", len(value(h.Message(ctx, h.account, m))(h).Sightings), 0)
	same(t, "position of a folder that came back", listed(inbox, sent, project)[2].Position, 1)
	same(t, "sightings", len(value(h.Message(ctx, h.account, m))(h).Sightings), 1)

	inbox.Role = crm.RoleAll
	same(t, "another role", listed(inbox, sent, project)[0].Role, crm.RoleAll)
	same(t, "position with another role", h.folder(l.Mailbox, "INBOX").Position, 1)
	inbox.UIDValidity = 0
	same(t, "a server that does not tell its UIDVALIDITY", listed(inbox, sent, project)[0].UIDValidity, 1)

	_, err := h.SyncFolders(ctx, h.account, "mbx_none", nil, 0, h.now)
	fails(t, err, crm.NotFound, "mailbox_not_found")
}

// A new UIDVALIDITY begins the folder again: all its UIDs are new.
func testFolderBeginsAgain(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	letter := h.letter("c1", nil)
	m := h.imported(l.Mailbox, letter)
	f := h.folder(l.Mailbox, "INBOX")
	p := h.page(f)
	p.Through, p.Problems = 2, []crm.Problem{{UID: 2, Detail: "broken", RetryAt: h.now}}
	value(h.Record(ctx, p, h.now))(h)
	h.must(h.SaveBalance(ctx, crm.Balance{Account: h.account, Folder: f.ID, UIDValidity: 1, Unexplained: 3}, h.now))
	before := len(h.events())

	h.pass(time.Hour)
	stored := value(h.SyncFolders(ctx, h.account, l.Mailbox, []crm.Folder{{Name: "INBOX", Role: crm.RoleInbox, UIDValidity: 2}}, 0, h.now))(h)
	same(t, "folder", stored[0], crm.Folder{Account: h.account, ID: f.ID, Mailbox: l.Mailbox, Name: "INBOX", Role: crm.RoleInbox, UIDValidity: 2})
	same(t, "sightings", len(value(h.Message(ctx, h.account, m.ID))(h).Sightings), 0)
	health := value(h.Health(ctx, h.account, l.Mailbox))(h)
	same(t, "problems", len(health.Problems), 0)
	same(t, "balance", health.Folders[0], crm.FolderBalance{Folder: f.ID, Name: "INBOX", Outcomes: map[crm.Outcome]int64{}})
	same(t, "due", len(value(h.DueProblems(ctx, h.account, l.Mailbox, h.now))(h)), 0)

	// The page that was read before the change comes too late.
	_, err := h.Record(ctx, h.page(f, h.letter("c1", nil)), h.now)
	fails(t, err, crm.Conflict, "stale_position")

	// The message is found again under its new UID, and is no news.
	r := h.arrive(l.Mailbox, "INBOX", letter)
	same(t, "outcome", r.Outcomes, map[crm.UID]crm.Outcome{1: crm.Copied})
	same(t, "sightings", value(h.Message(ctx, h.account, m.ID))(h).Sightings, []crm.Sighting{
		{Mailbox: l.Mailbox, Folder: f.ID, FolderName: "INBOX", UIDValidity: 2, UID: 1},
	})
	same(t, "events", len(h.events()), before)
	outcome, id, err := h.OutcomeOf(ctx, h.account, f.ID, 1)
	h.must(err)
	same(t, "outcome of UID 1", outcome, crm.Copied)
	same(t, "message of UID 1", id, m.ID)
}
