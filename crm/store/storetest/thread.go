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

// threadsOf names the threads of messages a, b, c … in the order in which they
// are met first: "aab" says that the third stands alone.
func (h *house) threadsOf(ids ...crm.MessageID) string {
	h.t.Helper()
	var seen []crm.ThreadID
	var b strings.Builder
	for _, id := range ids {
		th := value(h.Message(h.t.Context(), h.account, id))(h).Thread
		i := slices.Index(seen, th)
		if i < 0 {
			i = len(seen)
			seen = append(seen, th)
		}
		b.WriteByte(byte('a' + i))
	}
	return b.String()
}

// mail is a letter in short: its Message-ID and those it names.
type mail struct {
	from crm.ContactID
	id   crm.HeaderID
	refs []crm.HeaderID
}

func (h *house) write(m mail) *crm.Message {
	return h.letter(m.from, func(l *crm.Message) { l.Letter.HeaderID, l.Letter.References = m.id, m.refs })
}

func refs(ids ...crm.HeaderID) []crm.HeaderID { return ids }

func testThreads(t *testing.T, open Opener) {
	cases := []struct {
		name  string
		mails []mail
		want  string
	}{
		{"a reply joins", []mail{{"c1", "1", nil}, {"c1", "2", refs("1")}}, "aa"},
		{"a chain joins", []mail{{"c1", "1", nil}, {"c1", "2", refs("1")}, {"c1", "3", refs("1", "2")}}, "aaa"},
		{"no id in common", []mail{{"c1", "1", nil}, {"c1", "2", refs("9")}}, "ab"},
		{"siblings without their parent", []mail{{"c1", "2", refs("1")}, {"c1", "3", refs("1")}}, "aa"},
		{"a late parent", []mail{{"c1", "2", refs("1")}, {"c1", "1", nil}}, "aa"},
		{"a late link between two", []mail{{"c1", "1", nil}, {"c1", "3", refs("2")}, {"c1", "2", refs("1")}}, "aaa"},
		{"a late link between three", []mail{{"c1", "1", nil}, {"c1", "2", nil}, {"c1", "3", nil}, {"c1", "4", refs("1", "2", "3")}}, "aaaa"},
		{"naming itself", []mail{{"c1", "1", refs("1")}, {"c1", "2", nil}}, "ab"},
		{"through what was joined", []mail{{"c1", "1", nil}, {"c1", "3", refs("2")}, {"c1", "2", refs("1")}, {"c1", "4", refs("3")}}, "aaaa"},
		{"a stranger who names an id", []mail{{"c1", "1", nil}, {"c2", "2", refs("1")}}, "ab"},
		{"a stranger's late parent", []mail{{"c1", "2", refs("1")}, {"c2", "1", nil}}, "ab"},
		{"a stranger in between", []mail{{"c1", "1", nil}, {"c2", "2", refs("1")}, {"c1", "3", refs("1", "2")}}, "aba"},
	}
	s := open(t, store.Options{Sealer: &box{key: 1}})
	for i, c := range cases {
		t.Run(c.name+", in one page", func(t *testing.T) {
			h := newHouseIn(t, s, crm.AccountID(fmt.Sprint("acc_page_", i)))
			l := h.link("u1", "box1")
			var letters []*crm.Message
			for _, m := range c.mails {
				letters = append(letters, h.write(m))
			}
			r := h.arrive(l.Mailbox, "INBOX", letters...)
			same(t, "threads", h.threadsOf(r.Imported...), c.want)
			h.checkThreads()
		})
		t.Run(c.name+", one by one", func(t *testing.T) {
			h := newHouseIn(t, s, crm.AccountID(fmt.Sprint("acc_single_", i)))
			l := h.link("u1", "box1")
			var ids []crm.MessageID
			for _, m := range c.mails {
				h.pass(time.Minute)
				ids = append(ids, h.imported(l.Mailbox, h.write(m)).ID)
			}
			same(t, "threads", h.threadsOf(ids...), c.want)
			h.checkThreads()
		})
	}
}

// checkThreads compares every thread with its messages.
func (h *house) checkThreads() {
	h.t.Helper()
	ctx := h.t.Context()
	list := pages(h, func(p crm.Paging) (crm.Part[crm.Thread], error) {
		return h.ListThreads(ctx, h.account, crm.ThreadQuery{Paging: p})
	})
	total := 0
	for i, th := range list {
		if i > 0 && th.LastMessageAt.After(list[i-1].LastMessageAt) {
			h.t.Errorf("thread %s stands after an older one", th.ID)
		}
		messages := pages(h, func(p crm.Paging) (crm.Part[crm.Message], error) { return h.ThreadMessages(ctx, h.account, th.ID, p) })
		if len(messages) == 0 {
			h.t.Errorf("thread %s is empty", th.ID)
			continue
		}
		want := crm.Thread{Account: h.account, ID: th.ID, MessageCount: len(messages)}
		for _, m := range messages {
			same(h.t, "thread of a message", m.Thread, th.ID)
			for _, match := range m.Matches {
				if !slices.Contains(want.Contacts, match.Contact) {
					want.Contacts = append(want.Contacts, match.Contact)
				}
			}
		}
		slices.Sort(want.Contacts)
		// Of messages received at once any is the first, or the last.
		first, last := messages[0], messages[len(messages)-1]
		want.LastMessageAt, want.Subject, want.Snippet = last.ReceivedAt, th.Subject, th.Snippet
		if !slices.ContainsFunc(messages, func(m crm.Message) bool {
			return m.ReceivedAt.Equal(first.ReceivedAt) && m.Letter.Subject == th.Subject
		}) {
			h.t.Errorf("the subject is %q", th.Subject)
		}
		if !slices.ContainsFunc(messages, func(m crm.Message) bool {
			return m.ReceivedAt.Equal(last.ReceivedAt) && m.Letter.Snippet == th.Snippet
		}) {
			h.t.Errorf("the snippet is %q", th.Snippet)
		}
		same(h.t, "thread", th, want)
		total += len(messages)
	}
	all := value(h.ListMessages(ctx, h.account, crm.MessageQuery{Paging: crm.Paging{Limit: 1000}}))(h)
	same(h.t, "messages in all threads", total, len(all.Items))
}

// A thread holds only who wrote or was written to; a forged reference brings
// nobody in (trap 21).
func testThreadsOfStrangers(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	first := h.imported(l.Mailbox, h.write(mail{"c1", "1", nil}))
	stranger := h.imported(l.Mailbox, h.write(mail{"c2", "2", refs("1")}))
	same(t, "threads", h.threadsOf(first.ID, stranger.ID), "ab")

	// Who was written to in the thread is no stranger any more.
	h.imported(l.Mailbox, h.letter("c1", func(m *crm.Message) {
		m.Letter.References = refs("1")
		m.Correspondents = append(m.Correspondents, "c2@customer.example")
	}))
	third := h.imported(l.Mailbox, h.write(mail{"c2", "3", refs("1")}))
	same(t, "threads", h.threadsOf(first.ID, third.ID), "aa")
	th := value(h.Thread(ctx, h.account, first.Thread))(h)
	same(t, "contacts", th.Contacts, []crm.ContactID{"c1", "c2"})
	h.checkThreads()
}

// A thread that was joined to another is found under either id.
func testLateParents(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l, other := h.link("u1", "box1"), h.link("u2", "box2")
	a := h.imported(l.Mailbox, h.write(mail{"c1", "a", nil}))
	h.pass(time.Minute)
	b := h.imported(l.Mailbox, h.write(mail{"c1", "b", nil}))
	h.pass(time.Minute)
	bLetter := h.write(mail{"c1", "b2", refs("b")})
	h.arrive(other.Mailbox, "INBOX", bLetter)
	h.pass(time.Minute)
	h.imported(l.Mailbox, h.write(mail{"c1", "ab", refs("a", "b")}))

	th := value(h.Thread(ctx, h.account, b.Thread))(h)
	same(t, "thread by the joined one's id", th.ID, a.Thread)
	same(t, "messages", th.MessageCount, 4)
	same(t, "subject", th.Subject, a.Letter.Subject)
	same(t, "messages by the joined one's id", len(value(h.ThreadMessages(ctx, h.account, b.Thread, crm.Paging{Limit: 9}))(h).Items), 4)
	same(t, "listed by the joined one's id", len(value(h.ListMessages(ctx, h.account, crm.MessageQuery{Thread: b.Thread, Paging: crm.Paging{Limit: 9}}))(h).Items), 4)
	for _, q := range []crm.ThreadQuery{{}, {Contact: "c1"}, {Mailbox: l.Mailbox}, {Mailbox: other.Mailbox}} {
		q.Limit = 9
		list := value(h.ListThreads(ctx, h.account, q))(h).Items
		same(t, fmt.Sprintf("threads of %q%q", q.Contact, q.Mailbox), names(list, func(t crm.Thread) crm.ThreadID { return t.ID }), []crm.ThreadID{a.Thread})
	}

	// And joined once more: the oldest takes both.
	h.pass(-time.Hour)
	z := h.imported(l.Mailbox, h.write(mail{"c1", "z", refs("a")}))
	same(t, "an older message joins too", z.Thread, a.Thread)
	elder := h.imported(l.Mailbox, h.write(mail{"c1", "elder", nil}))
	h.pass(-time.Hour)
	h.imported(l.Mailbox, h.write(mail{"c1", "eldest", refs("elder")}))
	h.imported(l.Mailbox, h.write(mail{"c1", "bridge", refs("elder", "z")}))
	same(t, "the first one's thread", value(h.Thread(ctx, h.account, b.Thread))(h).ID, elder.Thread)
	same(t, "the second one's thread", value(h.Thread(ctx, h.account, a.Thread))(h).ID, elder.Thread)
	h.checkThreads()
}

func testThreadLists(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	one, two := h.link("u1", "box1"), h.link("u2", "box2")
	var both, mine []crm.ThreadID
	for i := range 7 {
		h.pass(time.Minute)
		l, c := one, crm.ContactID("c1")
		if i%2 == 1 {
			l, c = two, "c2"
		}
		m := h.imported(l.Mailbox, h.letter(c, nil))
		both = append(both, m.Thread)
		if i%2 == 0 {
			mine = append(mine, m.Thread)
		}
	}
	slices.Reverse(both)
	slices.Reverse(mine)
	list := func(q crm.ThreadQuery) []crm.ThreadID {
		items := pages(h, func(p crm.Paging) (crm.Part[crm.Thread], error) {
			q.Paging = p
			return h.ListThreads(ctx, h.account, q)
		})
		return names(items, func(t crm.Thread) crm.ThreadID { return t.ID })
	}
	same(t, "all", list(crm.ThreadQuery{}), both)
	same(t, "one contact's", list(crm.ThreadQuery{Contact: "c1"}), mine)
	same(t, "one mailbox's", list(crm.ThreadQuery{Mailbox: one.Mailbox}), mine)
	same(t, "one contact's in a mailbox", list(crm.ThreadQuery{Contact: "c1", Mailbox: one.Mailbox}), mine)
	same(t, "one contact's in another mailbox", list(crm.ThreadQuery{Contact: "c1", Mailbox: two.Mailbox}), []crm.ThreadID{})
	same(t, "nobody's", list(crm.ThreadQuery{Contact: "c9"}), []crm.ThreadID{})

	// A new message brings its thread to the top everywhere.
	h.pass(time.Minute)
	oldest := value(h.ThreadMessages(ctx, h.account, mine[3], crm.Paging{Limit: 1}))(h).Items[0]
	h.imported(one.Mailbox, h.letter("c1", answers(oldest.Letter.HeaderID)))
	for _, q := range []crm.ThreadQuery{{}, {Contact: "c1"}, {Mailbox: one.Mailbox}} {
		same(t, "at the top", list(q)[0], mine[3])
	}
	_, err := h.Thread(ctx, h.account, "thr_none")
	fails(t, err, crm.NotFound, "thread_not_found")
	_, err = h.ThreadMessages(ctx, h.account, "thr_none", crm.Paging{Limit: 1})
	fails(t, err, crm.NotFound, "thread_not_found")
}

func testThreadSearch(t *testing.T, open Opener) {
	h := newHouse(t, open)
	l := h.link("u1", "box1")
	h.imported(l.Mailbox, h.letter("c1", func(m *crm.Message) {
		m.Letter.Subject, m.Letter.Text = "Offer 100%_off", `Path C:\mail, 御見積書`
		m.Letter.Cc = []crm.Person{{Name: "Hanako", Address: "hanako@else.example"}}
	}))
	h.imported(l.Mailbox, h.letter("c2", nil))
	for text, want := range map[string]int{
		"offer": 1, "100%_off": 1, "%": 1, "_": 1, `C:\mail`: 1, `\`: 1, "見積": 1, "HANAKO@else": 1, "hanako": 1,
		"customer.example": 2, "nothing like it": 0, "1000": 0, "' OR 1=1 --": 0, "Letter": 1,
	} {
		list := value(h.ListThreads(t.Context(), h.account, crm.ThreadQuery{Text: text, Contact: "", Paging: crm.Paging{Limit: 9}}))(h)
		same(t, "threads with "+text, len(list.Items), want)
	}
	list := value(h.ListThreads(t.Context(), h.account, crm.ThreadQuery{Text: "customer", Contact: "c2", Mailbox: l.Mailbox, Paging: crm.Paging{Limit: 9}}))(h)
	same(t, "threads of a contact with a text", len(list.Items), 1)
}
