package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
)

func testLinks(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	h.user("u1")
	l := h.linkOf("u1", "box1")
	l.Preset, l.Server.Host = "pre_1", "IMAP.Sample.example"
	made := value(h.CreateLink(ctx, l, "hunter2", []crm.Folder{{Name: "INBOX", UIDValidity: 1, Anchor: 5, Anchored: true, Position: 5}}))(h)
	l.ID, l.Mailbox, l.Status = made.ID, made.Mailbox, crm.LinkSyncing
	same(t, "link", made, l)
	same(t, "link as read", value(h.Link(ctx, h.account, l.ID))(h), l)

	st := value(h.Standing(ctx, h.account, l.Mailbox))(h)
	box := crm.Mailbox{Account: h.account, ID: l.Mailbox, Host: "imap.sample.example", Port: 993, Username: "box1", Since: h.now}
	same(t, "standing", st, crm.Standing{Mailbox: box, Logins: []crm.Login{
		{Account: h.account, Link: l.ID, Server: l.Server, Username: "box1", Auth: crm.AuthPassword, Secret: "hunter2"},
	}})
	same(t, "active", h.active(), []crm.MailboxID{box.ID})

	h.pass(time.Hour)
	replaced := value(h.ReplaceSecret(ctx, h.account, l.ID, "hunter3", h.now))(h)
	same(t, "link with another secret", replaced, l)
	same(t, "secret", value(h.Standing(ctx, h.account, l.Mailbox))(h).Logins[0].Secret, "hunter3")

	h.must(h.EndLink(ctx, h.account, l.ID, crm.EndedUnlinked, h.now))
	l.Status, l.EndedAt, l.EndedBy = crm.LinkUnlinked, h.now, crm.EndedUnlinked
	same(t, "ended link", value(h.Link(ctx, h.account, l.ID))(h), l)
	h.must(h.EndLink(ctx, h.account, l.ID, crm.EndedUserDeleted, h.now.Add(time.Hour)))
	same(t, "link ended twice", value(h.Link(ctx, h.account, l.ID))(h), l)
	same(t, "active", len(h.active()), 0)
	_, err := h.Standing(ctx, h.account, l.Mailbox)
	fails(t, err, crm.NotFound, "mailbox_not_found")
	_, err = h.ReplaceSecret(ctx, h.account, l.ID, "x", h.now)
	fails(t, err, crm.Conflict, "link_ended")

	again := value(h.CreateLink(ctx, h.linkOf("u1", "box2"), "x", nil))(h)
	other := h.link("u2", "box1")
	ids := func(user crm.UserID) []crm.LinkID {
		list := pages(h, func(p crm.Paging) (crm.Part[crm.Link], error) { return h.ListLinks(ctx, h.account, user, p) })
		return names(list, func(l crm.Link) crm.LinkID { return l.ID })
	}
	newest := []crm.LinkID{again.ID, other.ID, l.ID}
	slices.SortFunc(newest, func(a, b crm.LinkID) int { return -strings.Compare(string(a), string(b)) })
	same(t, "all links", ids(""), newest)
	same(t, "one user's links", ids("u1"), []crm.LinkID{again.ID, l.ID})
	same(t, "nobody's links", ids("u9"), []crm.LinkID{})

	// A user name that is an address is the mailbox's, in the one form in which
	// addresses are compared.
	aliased := h.linkOf("u3", "Ken@例え.jp")
	h.user("u3")
	value(h.CreateLink(ctx, aliased, "x", nil))(h)
	facts := value(h.Facts(ctx, h.account, []crm.Address{aliased.Address, "ken@xn--r8jz45g.jp"}))(h)
	same(t, "internal addresses of a link", facts.Internal, map[crm.Address]bool{aliased.Address: true, "ken@xn--r8jz45g.jp": true})
}

func testLinksRefused(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	h.link("u1", "box1")
	_, err := h.CreateLink(ctx, h.linkOf("u1", "box2"), "x", nil)
	fails(t, err, crm.Conflict, "link_exists")
	_, err = h.CreateLink(ctx, h.linkOf("nobody", "box2"), "x", nil)
	fails(t, err, crm.NotFound, "user_not_found")
	for _, change := range []func(l *crm.Link){
		func(l *crm.Link) { l.Account = "acc_none" },
		func(l *crm.Link) { l.Account = "" },
	} {
		l := h.linkOf("u1", "box2")
		change(&l)
		_, err := h.CreateLink(ctx, l, "x", nil)
		fails(t, err, crm.NotFound, "account_not_found")
	}
	same(t, "mailboxes", len(value(h.ListHealth(ctx, h.account, crm.Paging{Limit: 9}))(h).Items), 1)
	_, err = h.Link(ctx, h.account, "lnk_none")
	fails(t, err, crm.NotFound, "link_not_found")
	fails(t, h.EndLink(ctx, h.account, "lnk_none", crm.EndedUnlinked, h.now), crm.NotFound, "link_not_found")
	_, err = h.ReplaceSecret(ctx, h.account, "lnk_none", "x", h.now)
	fails(t, err, crm.NotFound, "link_not_found")
}

// A mailbox is one however many link it, and counts from the oldest link that
// stands.
func testSharedMailbox(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	begin := h.now
	first := h.link("u1", "info")
	h.arrive(first.Mailbox, "INBOX", h.letter("c1", nil))
	h.pass(time.Hour)
	l := h.linkOf("u2", "info")
	h.user("u2")
	l.Server.Host = "Imap.SAMPLE.example"
	second := value(h.CreateLink(ctx, l, "of u2", []crm.Folder{{Name: "INBOX", UIDValidity: 1, Anchor: 99, Position: 99}}))(h)
	same(t, "mailbox of the second link", second.Mailbox, first.Mailbox)
	same(t, "position after the second link", h.folder(first.Mailbox, "INBOX").Position, 1)

	for _, other := range []func(*crm.Link){
		func(l *crm.Link) { l.Username = "Info" },
		func(l *crm.Link) { l.Server.Port = 143 },
		func(l *crm.Link) { l.Server.Host = "imap2.sample.example" },
	} {
		h.user("u3")
		l := h.linkOf("u3", "info")
		other(&l)
		made := value(h.CreateLink(ctx, l, "x", nil))(h)
		if made.Mailbox == first.Mailbox {
			t.Errorf("%s at %v counts as the same mailbox", l.Username, l.Server)
		}
		h.must(h.EndLink(ctx, h.account, made.ID, crm.EndedUnlinked, h.now))
	}

	st := value(h.Standing(ctx, h.account, first.Mailbox))(h)
	same(t, "logins, oldest first", names(st.Logins, func(l crm.Login) crm.LinkID { return l.Link }), []crm.LinkID{first.ID, second.ID})
	same(t, "since", st.Mailbox.Since, begin)

	h.must(h.EndLink(ctx, h.account, first.ID, crm.EndedUnlinked, h.now))
	st = value(h.Standing(ctx, h.account, first.Mailbox))(h)
	same(t, "logins of who is left", names(st.Logins, func(l crm.Login) crm.Secret { return l.Secret }), []crm.Secret{"of u2"})
	same(t, "since, for who is left", st.Mailbox.Since, h.now)
	same(t, "position", h.folder(first.Mailbox, "INBOX").Position, 1)
}

// Mail that came while nobody was linked stays out: the folders begin again
// where they stand at the new link.
func testRelink(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	m := h.imported(l.Mailbox, h.letter("c1", nil))
	inbox := h.folder(l.Mailbox, "INBOX")
	trouble := h.page(inbox)
	trouble.Through, trouble.Problems = 2, []crm.Problem{{UID: 2, Detail: "x", RetryAt: h.now}}
	value(h.Record(ctx, trouble, h.now))(h)
	h.must(h.SaveLooks(ctx, []crm.Looked{{Account: h.account, Mailbox: l.Mailbox, At: h.now, Status: crm.LinkUnreachable, Mode: crm.ModeIdle, Err: "gone", Synced: true}}))
	h.must(h.EndLink(ctx, h.account, l.ID, crm.EndedUnlinked, h.now))

	h.pass(time.Hour)
	again := value(h.CreateLink(ctx, h.linkOf("u1", "box1"), "x", []crm.Folder{
		{Name: "INBOX", Role: crm.RoleInbox, UIDValidity: 1, Anchor: 40, Anchored: true, Position: 40},
		{Name: "New", Role: crm.RoleOther, UIDValidity: 3, Anchor: 7, Anchored: true, Position: 7},
	}))(h)
	same(t, "mailbox", again.Mailbox, l.Mailbox)
	same(t, "since", value(h.Standing(ctx, h.account, l.Mailbox))(h).Mailbox.Since, h.now)
	folders := value(h.Folders(ctx, h.account, l.Mailbox))(h)
	same(t, "folders", names(folders, func(f crm.Folder) string { return f.Name }), []string{"INBOX", "New"})
	inbox.Anchor, inbox.Position = 40, 40
	same(t, "INBOX", folders[0], inbox)
	same(t, "problems", len(value(h.DueProblems(ctx, h.account, l.Mailbox, h.now))(h)), 0)

	// What is known stays known, but the balance is about the new link.
	var runs []crm.Run
	h.must(h.Ledger(ctx, h.account, inbox.ID, func(r crm.Run) { runs = append(runs, r) }))
	same(t, "ledger", runs, []crm.Run{{Lo: 1, Hi: 1, Outcome: crm.Imported}, {Lo: 2, Hi: 2, Outcome: crm.Trouble}})
	health := value(h.Health(ctx, h.account, l.Mailbox))(h)
	same(t, "balance", health.Folders[0].Outcomes, map[crm.Outcome]int64{})
	same(t, "last error", health.LastError, "")
	same(t, "last synced", health.LastSyncedAt, time.Time{})
	same(t, "sightings", len(value(h.Message(ctx, h.account, m.ID))(h).Sightings), 1)

	r := h.arrive(l.Mailbox, "INBOX", h.letter("c1", nil))
	same(t, "outcome after the new link", r.Outcomes, map[crm.UID]crm.Outcome{41: crm.Imported})

	// With another UIDVALIDITY at the new link the old copies are gone.
	h.must(h.EndLink(ctx, h.account, again.ID, crm.EndedUnlinked, h.now))
	value(h.CreateLink(ctx, h.linkOf("u1", "box1"), "x", []crm.Folder{{Name: "INBOX", UIDValidity: 2, Anchor: 3, Position: 3}}))(h)
	same(t, "sightings", len(value(h.Message(ctx, h.account, m.ID))(h).Sightings), 0)
}

// A credential is stored sealed for its place, and opens nowhere else.
func testCredentials(t *testing.T, open Opener) {
	h := newHouseIn(t, open(t, store.Options{}), "acc_1")
	h.user("u1")
	_, err := h.CreateLink(t.Context(), h.linkOf("u1", "box1"), "x", nil)
	fails(t, err, crm.Internal, "no_keyset")

	// What is told of the place decides where a ciphertext opens.
	keys := &box{key: 1}
	h = newHouseIn(t, open(t, store.Options{Sealer: keys}), "acc_1")
	l := h.link("u1", "box1")
	value(h.Standing(t.Context(), h.account, l.Mailbox))(h)
	if len(keys.places) != 2 || keys.places[0] != keys.places[1] ||
		!strings.Contains(keys.places[0], "acc_1") || !strings.Contains(keys.places[0], string(l.ID)) {
		t.Errorf("sealed and opened for the places %q", keys.places)
	}
}

func testReseal(t *testing.T, open Opener) {
	keys := &box{key: 1}
	h := newHouseIn(t, open(t, store.Options{Sealer: keys}), "acc_1")
	ctx := t.Context()
	const n = 210
	var last crm.Link
	for i := range n {
		last = h.link(crm.UserID(fmt.Sprint("u", i)), fmt.Sprint("box", i))
	}
	h.must(h.EndLink(ctx, h.account, last.ID, crm.EndedUnlinked, h.now))
	keys.key = 2
	same(t, "resealed", value(h.Reseal(ctx))(h), n-1)
	counted := 0
	for _, id := range h.active() {
		st := value(h.Standing(ctx, h.account, id))(h)
		same(t, "secret", st.Logins[0].Secret, crm.Secret("secret of u"+strings.TrimPrefix(st.Mailbox.Username, "box")))
		counted++
	}
	same(t, "mailboxes", counted, n-1)

	keys.key = 0 // a keyset that lacks the keys
	_, err := h.Reseal(ctx)
	fails(t, err, crm.Internal, "credential_unreadable")
	_, err = h.Standing(ctx, h.account, h.active()[0])
	fails(t, err, crm.Internal, "credential_unreadable")
}

// What was encrypted with a key that is lost can be told from the rest, and
// forgotten.
func testLostKeys(t *testing.T, open Opener) {
	keys := &box{key: 2}
	h := newHouseIn(t, open(t, store.Options{Sealer: keys}), "acc_1")
	ctx := t.Context()
	tried := func(stored, opened int) {
		t.Helper()
		s, o, err := h.TryCredentials(ctx)
		h.must(err)
		same(t, "stored and opened", []int{s, o}, []int{stored, opened})
	}
	tried(0, 0)
	p := h.office("old.sample.example")
	lost, hook := h.linkByPreset("u1", p, "info"), h.webhook("whk_1")
	tried(1, 1)
	keys.key = 1
	kept := h.linkByPreset("u2", p, "info")
	tried(2, 1)
	p.IMAP.Host = "new.sample.example" // where both are to be tried
	same(t, "links that follow", value(h.UpdatePreset(ctx, p))(h), 2)
	same(t, "lost", value(h.LostCredentials(ctx))(h), 1)
	_, err := h.Standing(ctx, h.account, lost.Mailbox)
	fails(t, err, crm.Internal, "credential_unreadable")

	same(t, "forgotten", value(h.ForgetLost(ctx, h.now))(h), 1)
	tried(1, 1)
	same(t, "forgotten again", value(h.ForgetLost(ctx, h.now))(h), 0)
	same(t, "status", value(h.Link(ctx, h.account, lost.ID))(h).Status, crm.LinkAuthFailed)
	same(t, "events", len(h.events(crm.LinkFailing)), 1)
	st := value(h.Standing(ctx, h.account, lost.Mailbox))(h)
	link := func(l crm.Login) crm.LinkID { return l.Link }
	same(t, "logins that are left", names(st.Logins, link), []crm.LinkID{kept.ID})
	same(t, "logins to try elsewhere", names(st.Transfers, link), []crm.LinkID{kept.ID})
	value(h.ReplaceSecret(ctx, h.account, lost.ID, "again", h.now))(h)
	same(t, "logins", len(value(h.Standing(ctx, h.account, lost.Mailbox))(h).Logins), 2)

	// The webhook has a secret that nobody knows, until it is rotated.
	secrets := value(h.WebhookSecrets(ctx, h.account, hook.ID, h.now))(h)
	if len(secrets) != 1 || !strings.HasPrefix(string(secrets[0]), "whsec_") {
		t.Errorf("%d secrets", len(secrets))
	}
	same(t, "resealed", value(h.Reseal(ctx))(h), 3)
}

// listener notes what the store signals.
type listener struct{ heard []string }

// EventsWritten implements store.Signals.
func (l *listener) EventsWritten(a crm.AccountID) { l.heard = append(l.heard, "events of "+string(a)) }

// LinksChanged implements store.Signals.
func (l *listener) LinksChanged(a crm.AccountID, m crm.MailboxID) {
	l.heard = append(l.heard, "links of "+string(a)+" "+string(m))
}

func testSignals(t *testing.T, open Opener) {
	ears := &listener{}
	h := newHouseIn(t, open(t, store.Options{Sealer: &box{key: 1}, Signals: ears}), "acc_1")
	ctx := t.Context()
	hears := func(what string, want ...string) {
		t.Helper()
		same(t, "heard of "+what, ears.heard, want)
		ears.heard = nil
	}
	l := h.link("u1", "box1")
	events, links := "events of acc_1", "links of acc_1 "+string(l.Mailbox)
	hears("a new link", links, events)
	value(h.ReplaceSecret(ctx, h.account, l.ID, "x", h.now))(h)
	hears("a new secret", links)
	h.arrive(l.Mailbox, "INBOX", h.letter("c1", nil), h.letter("c1", nil))
	hears("new messages", events)
	p := h.page(h.folder(l.Mailbox, "INBOX"))
	p.Through, p.Runs = 3, []crm.Run{{Lo: 3, Hi: 3, Outcome: crm.NoContact}}
	value(h.Record(ctx, p, h.now))(h)
	hears("refused messages")
	_, err := h.Record(ctx, p, h.now)
	fails(t, err, crm.Conflict, "stale_position")
	hears("a page that was refused")
	h.must(h.EndLink(ctx, h.account, l.ID, crm.EndedUnlinked, h.now))
	hears("the end of a link", links, events)
	h.must(h.EndLink(ctx, h.account, l.ID, crm.EndedUnlinked, h.now))
	hears("the end of a link that has ended")
	l = h.link("u1", "box1")
	ears.heard = nil
	h.must(h.DeleteAccount(ctx, h.account, h.now))
	hears("the end of an account", links, events)
}
