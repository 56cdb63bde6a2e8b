package archive

import (
	"context"
	"math"
	"strings"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

const threadColumns = `SELECT t.id, t.subject, t.message_count, t.last_message_at, t.snippet FROM threads t`

func threadScanner(a crm.AccountID) func(txn.Scan) (crm.Thread, error) {
	return func(scan txn.Scan) (crm.Thread, error) {
		th := crm.Thread{Account: a}
		err := scan(&th.ID, &th.Subject, &th.MessageCount, txn.Instant{To: &th.LastMessageAt}, &th.Snippet)
		return th, err
	}
}

// ListThreads lists threads, the one written to last first.
func (ar *Archive) ListThreads(ctx context.Context, a crm.AccountID, q crm.ThreadQuery) (crm.Part[crm.Thread], error) {
	var list []crm.Thread
	err := ar.db.Look(ctx, "list threads", func(r txn.Session) error {
		var err error
		list, err = ar.listThreads(r, a, q)
		return err
	})
	return txn.Part(list, q.Limit, func(t crm.Thread) string { return txn.Cursor(txn.MS(t.LastMessageAt), string(t.ID)) }), err
}

// listThreads lists one thread more than the limit, where there is one.
func (ar *Archive) listThreads(r txn.Session, a crm.AccountID, q crm.ThreadQuery) ([]crm.Thread, error) {
	at, before, err := txn.ReadCursor(q.Cursor)
	if err != nil {
		return nil, err
	}
	if q.Cursor == "" {
		at = math.MaxInt64
	}
	query, args := ar.threadQuery(a, q, at, before)
	list, err := txn.All(r, threadScanner(a), query, args...)
	if err != nil {
		return nil, err
	}
	return list, addContacts(r, a, list)
}

// threadQuery lists by the index that leaves the least to look at: a
// contact's threads, else a mailbox's, else all.
func (ar *Archive) threadQuery(a crm.AccountID, q crm.ThreadQuery, at int64, before string) (string, []any) {
	c := txn.Clause{Args: []any{a, at, before}}
	from, by := "", ""
	switch {
	case q.Contact != "":
		from, by = `thread_contacts`, `i.contact = `+c.Add(q.Contact)
		if q.Mailbox != "" {
			c.And(`EXISTS (SELECT 1 FROM thread_mailboxes b WHERE b.account = $1 AND b.thread = t.id AND b.mailbox = `, q.Mailbox)
			c.Text += `)`
		}
	case q.Mailbox != "":
		from, by = `thread_mailboxes`, `i.mailbox = `+c.Add(q.Mailbox)
	}
	query := threadColumns + ` WHERE t.account = $1 AND t.merged_into IS NULL AND (t.last_message_at, t.id) < ($2, $3)`
	order := ` ORDER BY t.last_message_at DESC, t.id DESC LIMIT `
	if from != "" {
		query = threadColumns + ` JOIN ` + from + ` i ON i.account = t.account AND i.thread = t.id
			WHERE i.account = $1 AND ` + by + ` AND (i.last_message_at, i.thread) < ($2, $3)`
		order = ` ORDER BY i.last_message_at DESC, i.thread DESC LIMIT `
	}
	if q.Waiting {
		c.And(`(SELECT m.direction FROM messages m WHERE m.account = $1 AND m.thread = t.id AND m.deleted_at IS NULL AND m.kind = 'personal'
			ORDER BY m.received_at DESC, m.id DESC LIMIT 1) = `, crm.Inbound)
	}
	// Text is looked for last, in the messages of threads that passed so far.
	if q.Text != "" {
		p := c.Add("%" + escapeLike(q.Text) + "%")
		like := ` ` + ar.db.Like() + ` ` + p + ` ESCAPE '\'`
		c.Text += ` AND EXISTS (SELECT 1 FROM messages m WHERE m.account = $1 AND m.thread = t.id AND m.deleted_at IS NULL
			AND (m.subject` + like + ` OR m.people` + like + ` OR m.text` + like + `))`
	}
	return query + c.Text + order + c.Add(q.Limit+1), c.Args
}

// escapeLike makes text stand for itself in a LIKE pattern.
func escapeLike(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// Thread finds a thread also by the id of one that was joined to it.
func (ar *Archive) Thread(ctx context.Context, a crm.AccountID, id crm.ThreadID) (crm.Thread, error) {
	var th crm.Thread
	err := ar.db.Look(ctx, "read thread", func(r txn.Session) error {
		now, err := threadNow(r, a, id)
		if err != nil {
			return err
		}
		found, err := txn.All(r, threadScanner(a), threadColumns+` WHERE t.account = $1 AND t.id = $2`, a, now)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return txn.NotFound("thread")
		}
		if err := addContacts(r, a, found); err != nil {
			return err
		}
		th = found[0]
		return nil
	})
	return th, err
}

// threadNow returns the id of the thread that id names now. One step is enough
// however often threads were joined since: joining takes along what had been
// joined before.
func threadNow(r txn.Session, a crm.AccountID, id crm.ThreadID) (crm.ThreadID, error) {
	var now crm.ThreadID
	found, err := r.First(txn.Into(&now), `SELECT COALESCE(merged_into, id) FROM threads WHERE account = $1 AND id = $2`, a, id)
	if err == nil && !found {
		return "", txn.NotFound("thread")
	}
	return now, err
}

// addContacts fills in the contacts of threads.
func addContacts(r txn.Session, a crm.AccountID, list []crm.Thread) error {
	at := make(map[crm.ThreadID]*crm.Thread, len(list))
	for i := range list {
		at[list[i].ID] = &list[i]
	}
	return txn.InGroups(txn.SortedKeys(at), 2, func(in string, args []any) error {
		return r.Each(func(scan txn.Scan) error {
			var id crm.ThreadID
			var c crm.ContactID
			err := scan(&id, &c)
			if err == nil {
				at[id].Contacts = append(at[id].Contacts, c)
			}
			return err
		}, `
			SELECT thread, contact FROM thread_contacts
			WHERE account = $1 AND thread IN `+in+` ORDER BY thread, contact`, append([]any{a}, args...)...)
	})
}

// threadLost brings a thread up to date that has lost a message. One that has
// no message left disappears, with those that were joined to it.
func (t tx) threadLost(id crm.ThreadID) error {
	var count int
	var first, last int64
	_, err := t.First(txn.Into(&count, &first, &last), `
		SELECT COUNT(*), COALESCE(MIN(received_at), 0), COALESCE(MAX(received_at), 0) FROM messages
		WHERE account = $1 AND thread = $2 AND deleted_at IS NULL`, t.Account, id)
	if err != nil {
		return err
	}
	if count == 0 {
		return t.dropThread(id)
	}
	err = t.Write(`
		UPDATE threads SET message_count = $3, first_message_at = $4, last_message_at = $5,
			subject = (SELECT subject FROM messages WHERE account = $1 AND thread = $2 AND deleted_at IS NULL ORDER BY received_at, id LIMIT 1),
			snippet = (SELECT snippet FROM messages WHERE account = $1 AND thread = $2 AND deleted_at IS NULL ORDER BY received_at DESC, id DESC LIMIT 1)
		WHERE account = $1 AND id = $2`, t.Account, id, count, first, last)
	if err != nil {
		return err
	}
	if err := t.keepContacts(id); err != nil {
		return err
	}
	err = t.Write(`
		DELETE FROM thread_mailboxes WHERE account = $1 AND thread = $2 AND mailbox NOT IN (
			SELECT s.mailbox FROM messages m JOIN sightings s ON s.account = m.account AND s.message = m.id
			WHERE m.account = $1 AND m.thread = $2 AND m.deleted_at IS NULL)`, t.Account, id)
	if err != nil {
		return err
	}
	return t.threadMoved(id, last)
}

// keepContacts takes those contacts off a thread of which no message is left. It
// reads the messages that are left, as nothing else knows their contacts by
// thread; somebody deletes a message, which is rare.
func (t tx) keepContacts(id crm.ThreadID) error {
	left, err := txn.All(t.Session, messageReader(t.Account), messageColumns+` FROM messages m
		WHERE m.account = $1 AND m.thread = $2 AND m.deleted_at IS NULL`, t.Account, id)
	if err != nil {
		return err
	}
	var contacts []any
	for i := range left {
		for _, c := range contactsOf(&left[i]) {
			contacts = append(contacts, t.Account, id, c, txn.MS(left[i].ReceivedAt))
		}
	}
	if err := t.Write(`DELETE FROM thread_contacts WHERE account = $1 AND thread = $2`, t.Account, id); err != nil {
		return err
	}
	return t.Insert(`INSERT INTO thread_contacts (account, thread, contact, last_message_at) VALUES`, 4, contacts, `ON CONFLICT DO NOTHING`)
}

func (t tx) dropThread(id crm.ThreadID) error {
	for _, table := range [...]string{"thread_ids", "thread_correspondents", "thread_contacts", "thread_mailboxes"} {
		if err := t.Write(`DELETE FROM `+table+` WHERE account = $1 AND thread = $2`, t.Account, id); err != nil {
			return err
		}
	}
	err := t.Write(`DELETE FROM threads WHERE account = $1 AND (id = $2 OR merged_into = $2)`, t.Account, id)
	return err
}
