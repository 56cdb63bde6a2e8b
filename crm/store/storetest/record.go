package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

func testRecord(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	h.pass(time.Hour)
	full := h.letter("c1", func(m *crm.Message) {
		m.ID = "msg_given"
		m.Matches = append(m.Matches, crm.Match{Contact: "c2", Address: "c2@customer.example"}, crm.Match{Contact: "c1", Address: "other@customer.example"})
		le := &m.Letter
		le.Subject, le.Text, le.Snippet = "お見積り <script>", "本文 100%\n> quoted", "本文 100%"
		le.Cc = []crm.Person{{Name: "佐藤", Address: "sato@customer.example"}}
		le.Bcc = []crm.Person{{Address: "b@customer.example"}}
		le.InReplyTo, le.References = []crm.HeaderID{"a@x"}, []crm.HeaderID{"a@x", "b@x"}
		le.HasHTML, le.Evidence, le.Degraded = true, []string{"none"}, []string{"charset guessed"}
		le.Attachments = []crm.Attachment{{ID: "2", Filename: "見積.pdf", ContentType: "application/pdf", ContentID: "x", Inline: true, Size: 7}}
	})
	bare := &crm.Message{Direction: crm.Outbound, ReceivedAt: h.now, Letter: crm.Letter{Kind: crm.KindBulk}}
	f := h.folder(l.Mailbox, "INBOX")
	p := h.page(f, full, bare)
	p.Through = 10
	p.Runs = []crm.Run{{Lo: 3, Hi: 9, Outcome: crm.NoContact}, {Lo: 10, Hi: 10, Outcome: crm.Vanished}}
	p.Receipt = crm.Receipt{Envelopes: 9, Bodies: 2, Bytes: 12345}
	r := value(h.Record(ctx, p, h.now))(h)
	same(t, "outcomes", r.Outcomes, map[crm.UID]crm.Outcome{1: crm.Imported, 2: crm.Imported})
	if len(r.Imported) != 2 || r.Imported[0] != "msg_given" || r.Imported[1] == "" {
		t.Fatalf("imported %q", r.Imported)
	}

	got := value(h.Message(ctx, h.account, "msg_given"))(h)
	want := *full
	want.Account, want.Identity, want.ImportedAt, want.Thread = h.account, identity(full), h.now, got.Thread
	want.Sightings = []crm.Sighting{{Mailbox: l.Mailbox, Folder: f.ID, FolderName: "INBOX", UIDValidity: 1, UID: 1}}
	same(t, "message", got, want)
	got = value(h.Message(ctx, h.account, r.Imported[1]))(h)
	same(t, "bare message", got.Letter, bare.Letter)

	same(t, "position", h.folder(l.Mailbox, "INBOX").Position, 10)
	health := value(h.Health(ctx, h.account, l.Mailbox))(h)
	same(t, "receipt", health.Receipt, p.Receipt)
	same(t, "imported", health.Imported, 2)
	same(t, "progress", value(h.Link(ctx, h.account, l.ID))(h).Progress.Imported, 2)

	th := value(h.Thread(ctx, h.account, want.Thread))(h)
	same(t, "thread", th, crm.Thread{
		Account: h.account, ID: want.Thread, Subject: "お見積り <script>", Contacts: []crm.ContactID{"c1", "c2"},
		MessageCount: 1, LastMessageAt: h.now, Snippet: "本文 100%",
	})
}

func testRecordCopies(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	one, two := h.link("u1", "box1"), h.link("u2", "box2")
	letter := h.letter("c1", nil)
	m := h.imported(one.Mailbox, letter)
	events := len(h.events())

	// Twice in one page, with and without the message; and in another mailbox.
	p := h.page(h.folder(one.Mailbox, "INBOX"), letter, letter)
	p.Arrivals[1].Message = nil
	r := value(h.Record(ctx, p, h.now))(h)
	same(t, "recorded", r, crm.Recorded{Outcomes: map[crm.UID]crm.Outcome{2: crm.Copied, 3: crm.Copied}})
	same(t, "recorded elsewhere", h.arrive(two.Mailbox, "Sent", letter).Outcomes, map[crm.UID]crm.Outcome{1: crm.Copied})
	same(t, "events", len(h.events()), events)
	same(t, "known", value(h.Known(ctx, h.account, []crm.Identity{m.Identity, {9}}))(h), map[crm.Identity]crm.Known{m.Identity: {Message: m.ID}})
	m = value(h.Message(ctx, h.account, m.ID))(h)
	same(t, "sightings", len(m.Sightings), 4)
	same(t, "imported by the second mailbox", value(h.Health(ctx, h.account, two.Mailbox))(h).Imported, 0)
	list := value(h.ListThreads(ctx, h.account, crm.ThreadQuery{Mailbox: two.Mailbox, Paging: crm.Paging{Limit: 5}}))(h)
	same(t, "threads of the second mailbox", names(list.Items, func(t crm.Thread) crm.ThreadID { return t.ID }), []crm.ThreadID{m.Thread})

	// New, and twice in the same page: the first makes the message.
	fresh := h.letter("c1", nil)
	r = h.arrive(two.Mailbox, "INBOX", fresh, fresh)
	same(t, "outcomes", r.Outcomes, map[crm.UID]crm.Outcome{1: crm.Imported, 2: crm.Copied})
	same(t, "sightings", len(value(h.Message(ctx, h.account, r.Imported[0]))(h).Sightings), 2)

	h.must(discard(h.DeleteMessage(ctx, h.account, m.ID, h.now)))
	r = h.arrive(two.Mailbox, "INBOX", letter)
	same(t, "recorded after it was deleted", r, crm.Recorded{Outcomes: map[crm.UID]crm.Outcome{3: crm.Removed}})
}

func discard[T any](_ T, err error) error { return err }

func testRecordRefuses(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	f := h.folder(l.Mailbox, "INBOX")
	refused := func(kind crm.Kind, code string, change func(*crm.Page)) {
		t.Helper()
		p := h.page(f, h.letter("c1", nil))
		change(&p)
		_, err := h.Record(ctx, p, h.now)
		fails(t, err, kind, code)
	}
	refused(crm.Conflict, "stale_position", func(p *crm.Page) { p.From, p.Through, p.Arrivals[0].UID = 1, 2, 2 })
	refused(crm.Conflict, "stale_position", func(p *crm.Page) { p.UIDValidity = 2 })
	refused(crm.NotFound, "folder_not_found", func(p *crm.Page) { p.Folder = "fld_none" })
	refused(crm.NotFound, "folder_not_found", func(p *crm.Page) { p.Mailbox = "mbx_none" })
	refused(crm.NotFound, "account_not_found", func(p *crm.Page) { p.Account = "acc_none" })
	refused(crm.Conflict, "identity_gone", func(p *crm.Page) { p.Arrivals[0].Message = nil })

	// Of two who read the same page the second is told.
	p := h.page(f, h.letter("c1", nil))
	value(h.Record(ctx, p, h.now))(h)
	_, err := h.Record(ctx, p, h.now)
	fails(t, err, crm.Conflict, "stale_position")

	h.must(h.EndLink(ctx, h.account, l.ID, crm.EndedUnlinked, h.now))
	f = h.folder(l.Mailbox, "INBOX")
	refused(crm.Conflict, "no_link", func(*crm.Page) {})
	same(t, "messages", len(value(h.ListMessages(ctx, h.account, crm.MessageQuery{Paging: crm.Paging{Limit: 9}}))(h).Items), 1)
}

// A page that does not give each of its UIDs exactly one outcome is a fault of
// whoever made it; recording it would lose mail in silence.
func testRecordBadPages(t *testing.T, open Opener) {
	h := newHouse(t, open)
	l := h.link("u1", "box1")
	f := h.folder(l.Mailbox, "INBOX")
	run := func(lo, hi crm.UID) crm.Run { return crm.Run{Lo: lo, Hi: hi, Outcome: crm.NoContact} }
	for name, p := range map[string]crm.Page{
		"a gap at the beginning": {Through: 3, Runs: []crm.Run{run(2, 3)}},
		"a gap in the middle":    {Through: 3, Runs: []crm.Run{run(1, 1), run(3, 3)}},
		"a gap at the end":       {Through: 3, Runs: []crm.Run{run(1, 2)}},
		"nothing":                {Through: 3},
		"too much":               {Through: 3, Runs: []crm.Run{run(1, 4)}},
		"two outcomes":           {Through: 3, Runs: []crm.Run{run(1, 3)}, Problems: []crm.Problem{{UID: 2}}},
		"overlapping runs":       {Through: 3, Runs: []crm.Run{run(1, 2), run(2, 3)}},
		"a run backwards":        {Through: 3, Runs: []crm.Run{run(3, 1)}},
		"a UID of 0":             {Runs: []crm.Run{run(0, 0)}},
		"settling what is ahead": {Runs: []crm.Run{run(1, 1)}},
	} {
		p.Account, p.Mailbox, p.Folder, p.UIDValidity = h.account, l.Mailbox, f.ID, 1
		_, err := h.Record(t.Context(), p, h.now)
		if crm.CodeOf(err) != "bad_page" {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.must(h.Ledger(t.Context(), h.account, f.ID, func(r crm.Run) { t.Errorf("recorded %v", r) }))
	same(t, "position", h.folder(l.Mailbox, "INBOX").Position, 0)
}

func testRecordAllOrNothing(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	events := len(h.events())
	first := h.imported(l.Mailbox, h.letter("c1", nil))
	events++
	events++

	for name, spoil := range map[string]func(*crm.Page){
		"unknown identity":  func(p *crm.Page) { p.Arrivals[2].Message = nil },
		"id that is taken":  func(p *crm.Page) { p.Arrivals[2].Message.ID = first.ID },
		"outcome of no UID": func(p *crm.Page) { p.Arrivals[2].UID = 99 },
	} {
		p := h.page(h.folder(l.Mailbox, "INBOX"), h.letter("c1", nil), h.letter("c2", nil), h.letter("c3", nil))
		p.Receipt = crm.Receipt{Envelopes: 3}
		spoil(&p)
		if _, err := h.Record(ctx, p, h.now); err == nil {
			t.Fatalf("%s: recorded", name)
		}
		same(t, name+": position", h.folder(l.Mailbox, "INBOX").Position, 1)
		same(t, name+": events", len(h.events()), events)
		same(t, name+": receipt", value(h.Health(ctx, h.account, l.Mailbox))(h).Receipt, crm.Receipt{})
		same(t, name+": threads", len(value(h.ListThreads(ctx, h.account, crm.ThreadQuery{Paging: crm.Paging{Limit: 9}}))(h).Items), 1)
		same(t, name+": messages", len(value(h.ListMessages(ctx, h.account, crm.MessageQuery{Paging: crm.Paging{Limit: 9}}))(h).Items), 1)
		same(t, name+": known", len(value(h.Known(ctx, h.account, []crm.Identity{p.Arrivals[0].Identity}))(h)), 0)
	}
	r := h.arrive(l.Mailbox, "INBOX", h.letter("c1", nil))
	same(t, "the next page", r.Outcomes, map[crm.UID]crm.Outcome{2: crm.Imported})
}

// Copies that come in at the same instant through several mailboxes give one
// message and one event.
func testRecordConcurrent(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	const boxes, rounds, perPage = 4, 10, 5
	var links []crm.Link
	for i := range boxes {
		links = append(links, h.link(crm.UserID(fmt.Sprint("u", i)), fmt.Sprint("box", i)))
	}
	before := len(h.events())
	for range rounds {
		var letters []*crm.Message
		for range perPage {
			letters = append(letters, h.letter("c1", nil))
		}
		pages := make([]crm.Page, boxes)
		for i, l := range links {
			mine := slices.Clone(letters)
			if i%2 == 1 {
				slices.Reverse(mine) // the same mail in another order
			}
			pages[i] = h.page(h.folder(l.Mailbox, "INBOX"), mine...)
		}
		var wg sync.WaitGroup
		for _, p := range pages {
			wg.Go(func() {
				if _, err := h.Record(ctx, p, h.now); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	list := value(h.ListMessages(ctx, h.account, crm.MessageQuery{Paging: crm.Paging{Limit: 1000}}))(h)
	same(t, "messages", len(list.Items), rounds*perPage)
	for _, m := range list.Items {
		same(t, "sightings", len(m.Sightings), boxes)
	}
	same(t, "events", len(h.events(crm.MessageImported)), rounds*perPage)
	same(t, "all events", len(h.events())-before, 2*rounds*perPage)
	var imported int64
	for _, l := range links {
		imported += value(h.Health(ctx, h.account, l.Mailbox))(h).Imported
	}
	same(t, "imported by all mailboxes", imported, rounds*perPage)
}

func testEvents(t *testing.T, open Opener) {
	h := newHouse(t, open)
	l := h.link("u1", "box1")
	letter := func(d crm.Direction, k crm.MessageKind) []crm.EventType {
		before := len(h.events())
		m := h.imported(l.Mailbox, h.letter("c1", func(m *crm.Message) { m.Direction, m.Letter.Kind = d, k }))
		var types []crm.EventType
		for _, e := range h.events()[before:] {
			types = append(types, e.Type)
			var data map[string]any
			h.must(json.Unmarshal(e.Data, &data))
			same(t, "data", data, map[string]any{
				"message_id": string(m.ID), "thread_id": string(m.Thread), "contact_ids": []any{"c1"},
				"direction": string(d), "kind": string(k), "from": []any{"c1@customer.example"}, "to": []any{"u@sample.example"},
				"received_at": "2026-11-20T09:00:00Z", "mailbox_id": string(l.Mailbox),
			})
			same(t, "at", e.At, h.now)
		}
		return types
	}
	same(t, "a reply", letter(crm.Inbound, crm.KindPersonal), []crm.EventType{crm.MessageImported, crm.ContactReplied})
	same(t, "an absence notice", letter(crm.Inbound, crm.KindAutoReply), []crm.EventType{crm.MessageImported, crm.MessageAutoReplied})
	same(t, "a bounce", letter(crm.Inbound, crm.KindBounce), []crm.EventType{crm.MessageImported, crm.MessageBounced})
	same(t, "a newsletter", letter(crm.Inbound, crm.KindBulk), []crm.EventType{crm.MessageImported})
	same(t, "a letter of ours", letter(crm.Outbound, crm.KindPersonal), []crm.EventType{crm.MessageImported})
	same(t, "our absence notice", letter(crm.Outbound, crm.KindAutoReply), []crm.EventType{crm.MessageImported})
}

// Who brings events to a stream compares the numbers of the latest ones.
func testLastEvents(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	silent := newHouseIn(t, h.Store, "acc_2")
	newHouseIn(t, h.Store, "acc_3").tell(2)
	h.tell(3)
	same(t, "last event", value(h.LastEvent(ctx, h.account))(h), 3)
	same(t, "last event of a new account", value(h.LastEvent(ctx, silent.account))(h), 0)
	_, err := h.LastEvent(ctx, "acc_none")
	fails(t, err, crm.NotFound, "account_not_found")
	same(t, "a page", value(h.LastEvents(ctx, "", 2))(h), []crm.LastEvent{{Account: "acc_1", Seq: 3}, {Account: "acc_2"}})
	same(t, "the rest", value(h.LastEvents(ctx, "acc_2", 2))(h), []crm.LastEvent{{Account: "acc_3", Seq: 2}})
	h.must(h.DeleteAccount(ctx, h.account, h.now))
	_, err = h.LastEvent(ctx, h.account)
	fails(t, err, crm.NotFound, "account_not_found")
}

// Who has replied is who wrote, and not whom a letter is to as well.
func testRepliesNameSenders(t *testing.T, open Opener) {
	h := newHouse(t, open)
	l := h.link("u1", "box1")
	named := func(kind crm.MessageKind, matches ...crm.Match) map[crm.EventType][]crm.ContactID {
		before := len(h.events())
		h.imported(l.Mailbox, h.letter("c1", func(m *crm.Message) { m.Letter.Kind, m.Matches = kind, matches }))
		got := map[crm.EventType][]crm.ContactID{}
		for _, e := range h.events()[before:] {
			var data struct {
				Contacts []crm.ContactID `json:"contact_ids"`
			}
			h.must(json.Unmarshal(e.Data, &data))
			got[e.Type] = data.Contacts
		}
		return got
	}
	from := func(id crm.ContactID) crm.Match {
		return crm.Match{Contact: id, Address: "a@customer.example", Sender: true}
	}
	to := func(id crm.ContactID) crm.Match { return crm.Match{Contact: id, Address: "b@customer.example"} }
	all := []crm.ContactID{"c1", "c2", "c3"}
	same(t, "a reply", named(crm.KindPersonal, from("c1"), from("c2"), to("c3"), to("c1")), map[crm.EventType][]crm.ContactID{
		crm.MessageImported: all, crm.ContactReplied: {"c1", "c2"},
	})
	same(t, "an absence notice", named(crm.KindAutoReply, from("c1"), to("c2"), to("c3")), map[crm.EventType][]crm.ContactID{
		crm.MessageImported: all, crm.MessageAutoReplied: {"c1"},
	})
	same(t, "a stranger's letter", named(crm.KindPersonal, to("c1"), to("c2"), to("c3")), map[crm.EventType][]crm.ContactID{
		crm.MessageImported: all,
	})
}

// A letter to thousands is one letter, with events that stay small.
func testLetterToThousands(t *testing.T, open Opener) {
	h := newHouse(t, open)
	l := h.link("u1", "box1")
	const n = 5000
	toAll := func(m *crm.Message) {
		for i := range n {
			addr := crm.Address(fmt.Sprintf("n%d@customer.example", i))
			m.Letter.To = append(m.Letter.To, crm.Person{Address: addr})
			m.Correspondents = append(m.Correspondents, addr)
		}
	}
	first := h.imported(l.Mailbox, h.letter("c1", toAll))
	same(t, "addresses kept", len(first.Letter.To), n+1)
	answer := h.imported(l.Mailbox, h.letter("c2", func(m *crm.Message) {
		toAll(m)
		m.Letter.References = []crm.HeaderID{first.Letter.HeaderID}
	}))
	same(t, "thread of the answer", answer.Thread, first.Thread)
	for _, e := range h.events(crm.MessageImported, crm.ContactReplied) {
		if len(e.Data) > 8<<10 {
			t.Errorf("an event of %d bytes", len(e.Data))
		}
	}
}

// Events are numbered 1, 2, 3 … without a gap, whoever writes at the same time,
// and no two have one id.
func testEventNumbers(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	var wg sync.WaitGroup
	for i := range 4 {
		id := crm.UserID(fmt.Sprint("w", i))
		h.user(id)
		wg.Go(func() {
			for range 5 {
				made, err := h.CreateLink(ctx, h.linkOf(id, string(id)), "x", nil)
				if err == nil {
					err = h.EndLink(ctx, h.account, made.ID, crm.EndedUnlinked, h.now)
				}
				if err != nil {
					t.Error(err)
				}
				// One that fails after its events were numbered leaves no gap.
				if _, err := h.CreateLink(ctx, h.linkOf("nobody", "x"), "x", nil); err == nil {
					t.Error("linked nobody")
				}
			}
		})
	}
	for range 10 {
		h.arrive(l.Mailbox, "INBOX", h.letter("c1", nil))
	}
	wg.Wait()
	seen := map[crm.EventID]bool{}
	events := h.events()
	same(t, "events", len(events), 1+4*5*2+10*2)
	for i, e := range events {
		if e.Seq != int64(i+1) || seen[e.ID] || e.Account != h.account {
			t.Errorf("event %d has number %d, id %s, account %s", i+1, e.Seq, e.ID, e.Account)
		}
		seen[e.ID] = true
	}
	after := value(h.ListEvents(ctx, h.account, 3, 2))(h)
	same(t, "events after 3", names(after, func(e crm.Event) int64 { return e.Seq }), []int64{4, 5})
	same(t, "events after the last", len(value(h.ListEvents(ctx, h.account, 61, 9))(h)), 0)

	// The same fact in another account is another event.
	other := newHouseIn(t, h.Store, "acc_2")
	other.letters = 0
	other.imported(other.link("u1", "box1").Mailbox, other.letter("c1", nil))
	for _, e := range other.events() {
		if seen[e.ID] {
			t.Errorf("event id %s exists in two accounts", e.ID)
		}
	}
}

func testBlobs(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	shared := func(m *crm.Message) { m.Raw = ref("shared") }
	a, b := h.imported(l.Mailbox, h.letter("c1", shared)), h.imported(l.Mailbox, h.letter("c1", shared))
	none := h.imported(l.Mailbox, h.letter("c1", func(m *crm.Message) { m.Raw = "" }))
	refs := []crm.BlobRef{ref("orphan"), ref("shared")}
	same(t, "unneeded", value(h.UnneededBlobs(ctx, h.account, refs))(h), refs[:1])

	same(t, "raw bytes that another needs", value(h.DeleteMessage(ctx, h.account, a.ID, h.now))(h), "")
	same(t, "unneeded", value(h.UnneededBlobs(ctx, h.account, refs))(h), refs[:1])
	same(t, "raw bytes that nobody needs", value(h.DeleteMessage(ctx, h.account, b.ID, h.now))(h), ref("shared"))
	same(t, "unneeded", value(h.UnneededBlobs(ctx, h.account, refs))(h), refs)
	same(t, "no raw bytes", value(h.DeleteMessage(ctx, h.account, none.ID, h.now))(h), "")
}

func testUsage(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	l := h.link("u1", "box1")
	h.now = time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)
	november := h.letter("c1", func(m *crm.Message) { m.Size = 100 })
	m := h.imported(l.Mailbox, november)
	h.pass(time.Second)
	h.arrive(l.Mailbox, "INBOX", november, h.letter("c1", func(m *crm.Message) { m.Size = 20 }), h.letter("c1", func(m *crm.Message) { m.Size = 3 }))
	same(t, "usage", value(h.Usage(ctx, h.account))(h), []crm.Usage{
		{Month: "2026-12", Messages: 2, Bytes: 23}, {Month: "2026-11", Messages: 1, Bytes: 100},
	})
	h.must(discard(h.DeleteMessage(ctx, h.account, m.ID, h.now)))
	same(t, "usage", value(h.Usage(ctx, h.account))(h)[1], crm.Usage{Month: "2026-11"})
}
