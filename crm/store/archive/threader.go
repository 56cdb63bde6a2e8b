package archive

import (
	"slices"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
	"mailsyncd.example/crm/thread"
)

// threader finds the threads of a page's new messages. It reads what the
// database knows of the header ids that they have and name, decides in memory,
// message by message (package thread makes the decision), and writes every
// thread that changed once.
type threader struct {
	t      tx
	at     time.Time
	ties   map[string][]tie // by headerKey
	drafts map[crm.ThreadID]*draft
	order  []*draft // as they were touched first
}

// tie says that a header id is had, or named, by a message of a thread.
type tie struct {
	thread *draft
	named  bool
}

// draft is a thread as it will be written.
type draft struct {
	id             crm.ThreadID
	into           *draft // the one that it was joined to
	stored         bool   // it has a row already
	touched        bool
	subject        string // of the first message
	snippet        string // of the last one
	count          int
	first, last    time.Time
	correspondents map[crm.Address]bool // true for those that have a row already
	contacts       []crm.ContactID      // of the new messages
	keys           map[string]bool      // of the new messages: named or not
}

func newDraft(id crm.ThreadID) *draft {
	return &draft{id: id, correspondents: map[crm.Address]bool{}, keys: map[string]bool{}}
}

// live is the thread that a joined one has become.
func (d *draft) live() *draft {
	for d.into != nil {
		d = d.into
	}
	return d
}

// threadMessages gives every new message its thread.
func (t tx) threadMessages(fresh []*crm.Message, mailbox crm.MailboxID, at time.Time) error {
	th := &threader{t: t, at: at, ties: map[string][]tie{}, drafts: map[crm.ThreadID]*draft{}}
	related := make([][]crm.HeaderID, len(fresh))
	var keys [][]byte
	for i, m := range fresh {
		related[i] = thread.Related(m.Letter.Head)
		keys = append(keys, headerKeys(related[i])...)
		if key := headerKey(m.Letter.HeaderID); key != nil {
			keys = append(keys, key)
		}
	}
	// A page may hold a whole conversation, in any order: all is read before
	// the first message is placed, and what is placed counts for the next.
	if err := th.load(keys); err != nil {
		return err
	}
	placed := make([]*draft, len(fresh))
	for i, m := range fresh {
		var err error
		if placed[i], err = th.place(m, related[i]); err != nil {
			return err
		}
	}
	for i, m := range fresh { // now that no thread is joined any more
		m.Thread = placed[i].live().id
	}
	return th.write(mailbox)
}

func headerKeys(ids []crm.HeaderID) [][]byte {
	keys := make([][]byte, 0, len(ids))
	for _, id := range ids {
		if id != "" {
			keys = append(keys, headerKey(id))
		}
	}
	return keys
}

// load reads the threads that the header ids with these keys lead to.
func (th *threader) load(keys [][]byte) error {
	account := string(th.t.Account)
	err := txn.InGroups(keys, 2, func(list string, args []any) error {
		return th.t.Each(func(scan txn.Scan) error {
			var key []byte
			var id crm.ThreadID
			var named bool
			if err := scan(&key, &id, &named); err != nil {
				return err
			}
			d := th.drafts[id]
			if d == nil {
				d = newDraft(id)
				d.stored = true
				th.drafts[id] = d
			}
			th.tie(string(key), d, named)
			return nil
		}, `SELECT key, thread, named FROM thread_ids WHERE account = $1 AND key IN `+list, append([]any{account}, args...)...)
	})
	if err != nil || len(th.drafts) == 0 {
		return err
	}
	return txn.InGroups(txn.SortedKeys(th.drafts), 2, func(list string, args []any) error {
		args = append([]any{account}, args...)
		err := th.t.Each(func(scan txn.Scan) error {
			var id crm.ThreadID
			var d draft
			if err := scan(&id, &d.subject, &d.snippet, &d.count, txn.Instant{To: &d.first}, txn.Instant{To: &d.last}); err != nil {
				return err
			}
			known := th.drafts[id]
			known.subject, known.snippet, known.count, known.first, known.last = d.subject, d.snippet, d.count, d.first, d.last
			return nil
		}, `
			SELECT id, subject, snippet, message_count, first_message_at, last_message_at
			FROM threads WHERE account = $1 AND id IN `+list, args...)
		if err != nil {
			return err
		}
		return th.t.Each(func(scan txn.Scan) error {
			var id crm.ThreadID
			var addr crm.Address
			err := scan(&id, &addr)
			if err == nil {
				th.drafts[id].correspondents[addr] = true
			}
			return err
		}, `SELECT thread, address FROM thread_correspondents WHERE account = $1 AND thread IN `+list, args...)
	})
}

func (th *threader) tie(key string, d *draft, named bool) {
	for i, old := range th.ties[key] {
		if old.thread == d {
			th.ties[key][i].named = old.named || named
			return
		}
	}
	th.ties[key] = append(th.ties[key], tie{d, named})
}

// place finds the thread of a message, joins threads that it shows to be one,
// and adds the message to it.
func (th *threader) place(m *crm.Message, related []crm.HeaderID) (*draft, error) {
	join, merge := thread.Choose(m.Correspondents, th.candidates(m, related))
	d := th.drafts[join]
	if d == nil {
		d = newDraft(crm.ThreadID(crm.NewID("thr", th.at)))
		th.drafts[d.id] = d
	}
	th.touch(d)
	for _, id := range merge {
		if err := th.join(d, th.drafts[id].live()); err != nil {
			return nil, err
		}
	}
	d.add(m)
	for _, key := range headerKeys(related) {
		th.note(d, key, true)
	}
	if key := headerKey(m.Letter.HeaderID); key != nil {
		th.note(d, key, false)
	}
	return d, nil
}

// candidates are the threads with a message that this one names, that names
// this one, or that names a message which this one names too.
func (th *threader) candidates(m *crm.Message, related []crm.HeaderID) []thread.Candidate {
	own := m.Letter.HeaderID
	var found []*draft
	add := func(key []byte, namedOnly bool) {
		for _, tie := range th.ties[string(key)] {
			if d := tie.thread.live(); (tie.named || !namedOnly) && !slices.Contains(found, d) {
				found = append(found, d)
			}
		}
	}
	for _, id := range related {
		if id != own {
			add(headerKey(id), false)
		}
	}
	if own != "" {
		add(headerKey(own), true)
	}
	list := make([]thread.Candidate, len(found))
	for i, d := range found {
		list[i] = thread.Candidate{Thread: d.id, Since: d.first, Correspondents: d.shared(m.Correspondents)}
	}
	return list
}

// shared is one of these addresses that the thread has among its own, or none.
// One is enough to decide by, and thousands are compared in no time.
func (d *draft) shared(addrs []crm.Address) []crm.Address {
	for i, addr := range addrs {
		if _, ok := d.correspondents[addr]; ok {
			return addrs[i : i+1]
		}
	}
	return nil
}

func (th *threader) touch(d *draft) {
	if !d.touched {
		d.touched = true
		th.order = append(th.order, d)
	}
}

// note remembers that a message of the thread has, or names, a header id.
func (th *threader) note(d *draft, key []byte, named bool) {
	d.keys[string(key)] = d.keys[string(key)] || named
	th.tie(string(key), d, named)
}

// add counts a message in. Of messages received in the same second the one
// that was added last is the last.
func (d *draft) add(m *crm.Message) {
	d.fold(&draft{
		subject: m.Letter.Subject, snippet: m.Letter.Snippet, count: 1, first: m.ReceivedAt, last: m.ReceivedAt,
		contacts: contactsOf(m),
	})
	for _, addr := range m.Correspondents {
		if _, ok := d.correspondents[addr]; !ok {
			d.correspondents[addr] = false
		}
	}
}

// fold takes in what another thread, or a message, has.
func (d *draft) fold(o *draft) {
	if d.count == 0 || o.first.Before(d.first) {
		d.first, d.subject = o.first, o.subject
	}
	if d.count == 0 || !o.last.Before(d.last) {
		d.last, d.snippet = o.last, o.snippet
	}
	d.count += o.count
	for addr, stored := range o.correspondents {
		// Those of a thread with rows come along when it is joined.
		d.correspondents[addr] = d.correspondents[addr] || stored
	}
	for _, c := range o.contacts {
		if !slices.Contains(d.contacts, c) {
			d.contacts = append(d.contacts, c)
		}
	}
	for key, named := range o.keys {
		d.keys[key] = d.keys[key] || named
	}
}
