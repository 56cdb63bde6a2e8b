package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

func testMessages(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	m := h.imported(l.Mailbox, h.letter("c1", nil))
	listed := value(h.ListMessages(ctx, h.account, crm.MessageQuery{Paging: crm.Paging{Limit: 1}}))(h).Items[0]
	same(t, "text in a list", listed.Letter.Text, "")
	listed.Letter.Text = m.Letter.Text
	same(t, "message in a list", listed, m)
	listed = value(h.ListMessages(ctx, h.account, crm.MessageQuery{WithText: true, Paging: crm.Paging{Limit: 1}}))(h).Items[0]
	same(t, "message in a list with texts", listed, m)
	same(t, "message in its thread", value(h.ThreadMessages(ctx, h.account, m.Thread, crm.Paging{Limit: 1}))(h).Items[0], m)
	_, err := h.Message(ctx, h.account, "msg_none")
	fails(t, err, crm.NotFound, "message_not_found")
}

func testMessageLists(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	var all, mine, thread []crm.MessageID
	var root crm.Message
	for i := range 9 {
		if i%3 == 0 { // some are received in the same second
			h.pass(time.Minute)
		}
		c := crm.ContactID("c1")
		if i%2 == 1 {
			c = "c2"
		}
		m := h.imported(l.Mailbox, h.letter(c, func(m *crm.Message) {
			if i == 0 || c == "c2" {
				m.Matches = append(m.Matches, crm.Match{Contact: "c3", Address: "x@customer.example"})
			}
			if root.ID != "" && c == "c1" {
				m.Letter.References = refs(root.Letter.HeaderID)
			}
		}))
		if i == 0 {
			root = m
		}
		all = append(all, m.ID)
		if c == "c1" {
			mine = append(mine, m.ID)
		}
		if m.Thread == root.Thread {
			thread = append(thread, m.ID)
		}
	}
	list := func(q crm.MessageQuery) []crm.MessageID {
		items := pages(h, func(p crm.Paging) (crm.Part[crm.Message], error) {
			q.Paging = p
			return h.ListMessages(ctx, h.account, q)
		})
		for i := 1; i < len(items); i++ {
			if items[i].ReceivedAt.After(items[i-1].ReceivedAt) {
				t.Errorf("%s stands after an older one", items[i].ID)
			}
		}
		return sorted(names(items, func(m crm.Message) crm.MessageID { return m.ID }))
	}
	same(t, "all", list(crm.MessageQuery{}), sorted(all))
	same(t, "one contact's", list(crm.MessageQuery{Contact: "c1"}), sorted(mine))
	same(t, "a thread's", list(crm.MessageQuery{Thread: root.Thread}), sorted(thread))
	same(t, "messages in the thread", len(thread), 5)
	same(t, "by Message-ID", list(crm.MessageQuery{HeaderID: root.Letter.HeaderID}), []crm.MessageID{root.ID})
	same(t, "by everything", list(crm.MessageQuery{HeaderID: root.Letter.HeaderID, Thread: root.Thread, Contact: "c3"}), []crm.MessageID{root.ID})
	same(t, "by what does not go together", list(crm.MessageQuery{HeaderID: root.Letter.HeaderID, Contact: "c2"}), []crm.MessageID{})
	same(t, "by an unknown Message-ID", list(crm.MessageQuery{HeaderID: "none@x"}), []crm.MessageID{})
	_, err := h.ListMessages(ctx, h.account, crm.MessageQuery{Thread: "thr_none", Paging: crm.Paging{Limit: 1}})
	fails(t, err, crm.NotFound, "thread_not_found")
}

// A page of long texts is cut, and nothing of it is lost.
func testLongTexts(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	var root crm.Message
	for range 5 {
		m := h.imported(l.Mailbox, h.letter("c1", func(m *crm.Message) {
			m.Letter.Text = strings.Repeat("text", 1<<18)
			if root.ID != "" {
				m.Letter.References = refs(root.Letter.HeaderID)
			}
		}))
		if root.ID == "" {
			root = m
		}
	}
	read := func(what string, list func(crm.Paging) (crm.Part[crm.Message], error), want ...int) {
		p := crm.Paging{Limit: 5}
		var got []int
		for more := true; more; more = p.Cursor != "" {
			part := value(list(p))(h)
			got, p.Cursor = append(got, len(part.Items)), part.Next
		}
		same(t, what, got, want)
	}
	query := func(withText bool) func(crm.Paging) (crm.Part[crm.Message], error) {
		return func(p crm.Paging) (crm.Part[crm.Message], error) {
			return h.ListMessages(ctx, h.account, crm.MessageQuery{WithText: withText, Paging: p})
		}
	}
	read("messages", query(false), 5)
	read("messages with texts", query(true), 4, 1)
	read("messages of a thread", func(p crm.Paging) (crm.Part[crm.Message], error) {
		return h.ThreadMessages(ctx, h.account, root.Thread, p)
	}, 4, 1)
}

func sorted(ids []crm.MessageID) []crm.MessageID {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return ids
}

// A deleted message leaves its identity, so that it is never imported again,
// and nothing else.
func testDeletedMessages(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	letter := h.letter("c1", nil)
	m := h.imported(l.Mailbox, letter)
	events := len(h.events())
	same(t, "raw", value(h.DeleteMessage(ctx, h.account, m.ID, h.now))(h), m.Raw)
	_, err := h.DeleteMessage(ctx, h.account, m.ID, h.now)
	fails(t, err, crm.NotFound, "message_not_found")
	_, err = h.Message(ctx, h.account, m.ID)
	fails(t, err, crm.NotFound, "message_not_found")
	_, err = h.Thread(ctx, h.account, m.Thread)
	fails(t, err, crm.NotFound, "thread_not_found")
	for _, q := range []crm.MessageQuery{{}, {Contact: "c1"}, {HeaderID: letter.Letter.HeaderID}} {
		q.Limit = 9
		same(t, "listed", len(value(h.ListMessages(ctx, h.account, q))(h).Items), 0)
	}
	for _, q := range []crm.ThreadQuery{{}, {Contact: "c1"}, {Mailbox: l.Mailbox}, {Text: "Text"}} {
		q.Limit = 9
		same(t, "threads listed", len(value(h.ListThreads(ctx, h.account, q))(h).Items), 0)
	}
	same(t, "known", value(h.Known(ctx, h.account, []crm.Identity{m.Identity}))(h),
		map[crm.Identity]crm.Known{m.Identity: {Message: m.ID, Deleted: true}})
	outcome, id, err := h.OutcomeOf(ctx, h.account, h.folder(l.Mailbox, "INBOX").ID, 1)
	h.must(err)
	same(t, "what became of the copy", outcome, crm.Removed)
	same(t, "where it is in the CRM", id, "")

	same(t, "a further copy", h.arrive(l.Mailbox, "Sent", letter).Outcomes, map[crm.UID]crm.Outcome{1: crm.Removed})
	same(t, "events", len(h.events()), events)
	_, err = h.Message(ctx, h.account, m.ID)
	fails(t, err, crm.NotFound, "message_not_found")
}

func testDeletedFromThreads(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	one, two := h.link("u1", "box1"), h.link("u2", "box2")
	var ms []crm.Message
	for i, c := range []crm.ContactID{"c1", "c2", "c1"} {
		h.pass(time.Minute)
		l := one
		if i == 1 {
			l = two
		}
		letter := h.letter(c, func(m *crm.Message) {
			m.Correspondents = []crm.Address{"c1@customer.example", "c2@customer.example"}
			if i > 0 {
				m.Letter.References = refs(ms[0].Letter.HeaderID)
			}
		})
		ms = append(ms, h.imported(l.Mailbox, letter))
	}
	id := ms[0].Thread
	other := h.imported(one.Mailbox, h.letter("c1", nil))
	listed := func(q crm.ThreadQuery) []crm.ThreadID {
		q.Limit = 9
		return names(value(h.ListThreads(ctx, h.account, q))(h).Items, func(t crm.Thread) crm.ThreadID { return t.ID })
	}

	h.must(discard(h.DeleteMessage(ctx, h.account, ms[1].ID, h.now))) // the middle: c2 and box2 go
	th := value(h.Thread(ctx, h.account, id))(h)
	same(t, "contacts", th.Contacts, []crm.ContactID{"c1"})
	same(t, "messages", th.MessageCount, 2)
	same(t, "c2's threads", listed(crm.ThreadQuery{Contact: "c2"}), []crm.ThreadID{})
	same(t, "box2's threads", listed(crm.ThreadQuery{Mailbox: two.Mailbox}), []crm.ThreadID{})
	h.checkThreads()

	h.must(discard(h.DeleteMessage(ctx, h.account, ms[2].ID, h.now))) // the last: the thread is older now
	same(t, "order", listed(crm.ThreadQuery{Contact: "c1"}), []crm.ThreadID{other.Thread, id})
	h.checkThreads()

	h.must(discard(h.DeleteMessage(ctx, h.account, ms[0].ID, h.now)))
	same(t, "left", listed(crm.ThreadQuery{}), []crm.ThreadID{other.Thread})

	// An answer to what was deleted begins a thread.
	m := h.imported(one.Mailbox, h.letter("c1", answers(ms[0].Letter.HeaderID)))
	same(t, "a new thread's messages", value(h.Thread(ctx, h.account, m.Thread))(h).MessageCount, 1)
	h.checkThreads()
}

// Mail belongs to the account: whatever goes, what was imported stays readable.
func testRetention(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	h.contact("c1", "c1@customer.example")
	m := h.imported(l.Mailbox, h.letter("c1", nil))
	f := h.folder(l.Mailbox, "INBOX")
	readable := func(after string) {
		t.Helper()
		got := value(h.Message(ctx, h.account, m.ID))(h)
		got.Sightings = m.Sightings
		same(t, "message "+after, got, m)
		same(t, "thread's contacts "+after, value(h.Thread(ctx, h.account, m.Thread))(h).Contacts, []crm.ContactID{"c1"})
		for _, q := range []crm.ThreadQuery{{}, {Contact: "c1"}, {Mailbox: l.Mailbox}} {
			q.Limit = 9
			same(t, "threads "+after, len(value(h.ListThreads(ctx, h.account, q))(h).Items), 1)
		}
		same(t, "contact's messages "+after, len(value(h.ListMessages(ctx, h.account, crm.MessageQuery{Contact: "c1", Paging: crm.Paging{Limit: 9}}))(h).Items), 1)
	}
	h.must(h.SaveBalance(ctx, crm.Balance{Account: h.account, Folder: f.ID, UIDValidity: 1, Gone: []crm.Run{{Lo: 1, Hi: 1}}}, h.now))
	readable("after it was deleted in the mailbox")
	value(h.SyncFolders(ctx, h.account, l.Mailbox, nil, 0, h.now))(h)
	readable("after its folder was deleted")
	h.must(h.DeleteContact(ctx, h.account, "c1"))
	readable("after its contact was deleted")
	u := value(h.User(ctx, h.account, "u1"))(h)
	u.Active = false
	value(h.PutUser(ctx, u, h.now))(h)
	readable("after its user was disabled")
	h.must(h.DeleteUser(ctx, h.account, "u1", h.now))
	readable("after its user was deleted")
	a := h.sampleAccount()
	a.Status, a.MailEnabled = crm.AccountDisabled, false
	h.must(h.UpdateAccount(ctx, a, h.now))
	readable("after its account was disabled")
}
