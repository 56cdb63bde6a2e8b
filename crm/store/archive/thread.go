package archive

import (
	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// join makes other a part of d. Whoever asks for it by its id is led to d: links
// to a conversation that somebody has kept go on working. The rows move at
// once, so that the rest of the page finds them; d's own row is written last.
func (th *threader) join(d, other *draft) error {
	if other == d {
		return nil
	}
	d.fold(other)
	other.into = d
	if !other.stored {
		return nil // nobody has heard of it
	}
	t := th.t
	err := t.Write(`
		UPDATE messages SET thread = $3 WHERE account = $1 AND thread = $2 AND deleted_at IS NULL`, t.Account, other.id, d.id)
	if err != nil {
		return err
	}
	err = t.Write(`
		UPDATE threads SET merged_into = $3, message_count = 0 WHERE account = $1 AND (id = $2 OR merged_into = $2)`,
		t.Account, other.id, d.id)
	if err != nil {
		return err
	}
	for _, move := range [...]struct{ table, columns, conflict string }{
		{"thread_ids", "key, named", "(account, key, thread) DO UPDATE SET named = thread_ids.named OR excluded.named"},
		{"thread_correspondents", "address", "DO NOTHING"},
		{"thread_contacts", "contact, last_message_at", "DO NOTHING"},
		{"thread_mailboxes", "mailbox, last_message_at", "DO NOTHING"},
	} {
		err := t.Write(`
			INSERT INTO `+move.table+` (account, thread, `+move.columns+`)
			SELECT account, $3, `+move.columns+` FROM `+move.table+` WHERE account = $1 AND thread = $2
			ON CONFLICT `+move.conflict, t.Account, other.id, d.id)
		if err != nil {
			return err
		}
		if err := t.Write(`DELETE FROM `+move.table+` WHERE account = $1 AND thread = $2`, t.Account, other.id); err != nil {
			return err
		}
	}
	return nil
}

// write writes the threads that changed: what is new of all of them in a few
// statements, however many messages the page has.
func (th *threader) write(mailbox crm.MailboxID) error {
	var fresh, ids, correspondents, contacts, mailboxes []any
	account := string(th.t.Account)
	for _, d := range th.order {
		if d.into != nil {
			continue
		}
		id, last := string(d.id), txn.MS(d.last)
		if d.stored {
			if err := th.update(d); err != nil {
				return err
			}
		} else {
			fresh = append(fresh, account, id, d.subject, d.snippet, d.count, txn.MS(d.first), last)
		}
		for key, named := range d.keys {
			ids = append(ids, account, []byte(key), id, named)
		}
		for addr, stored := range d.correspondents {
			if !stored {
				correspondents = append(correspondents, account, id, string(addr))
			}
		}
		for _, c := range d.contacts {
			contacts = append(contacts, account, id, string(c), last)
		}
		mailboxes = append(mailboxes, account, id, string(mailbox), last)
	}
	t := th.t
	if err := t.Insert(`INSERT INTO threads (account, id, subject, snippet, message_count, first_message_at, last_message_at) VALUES`, 7, fresh, ""); err != nil {
		return err
	}
	if err := t.Insert(`INSERT INTO thread_ids (account, key, thread, named) VALUES`, 4, ids, `
		ON CONFLICT (account, key, thread) DO UPDATE SET named = thread_ids.named OR excluded.named`); err != nil {
		return err
	}
	if err := t.Insert(`INSERT INTO thread_correspondents (account, thread, address) VALUES`, 3, correspondents, `ON CONFLICT DO NOTHING`); err != nil {
		return err
	}
	if err := t.Insert(`INSERT INTO thread_contacts (account, thread, contact, last_message_at) VALUES`, 4, contacts, `ON CONFLICT DO NOTHING`); err != nil {
		return err
	}
	return t.Insert(`INSERT INTO thread_mailboxes (account, thread, mailbox, last_message_at) VALUES`, 4, mailboxes, `ON CONFLICT DO NOTHING`)
}

// update writes a thread that has a row, and its time where lists sort by it.
func (th *threader) update(d *draft) error {
	t := th.t
	err := t.Write(`
		UPDATE threads SET subject = $3, snippet = $4, message_count = $5, first_message_at = $6, last_message_at = $7
		WHERE account = $1 AND id = $2`, t.Account, d.id, d.subject, d.snippet, d.count, txn.MS(d.first), txn.MS(d.last))
	if err != nil {
		return err
	}
	return t.threadMoved(d.id, txn.MS(d.last))
}

// threadMoved brings a thread's time to where lists sort by it.
func (t tx) threadMoved(id crm.ThreadID, last int64) error {
	for _, table := range [...]string{"thread_contacts", "thread_mailboxes"} {
		err := t.Write(`
			UPDATE `+table+` SET last_message_at = $3 WHERE account = $1 AND thread = $2 AND last_message_at <> $3`,
			t.Account, id, last)
		if err != nil {
			return err
		}
	}
	return nil
}

// threadsSeen notes that threads have a copy in a mailbox, whose list of threads
// they are in from then on.
func (t tx) threadsSeen(ids []crm.ThreadID, m crm.MailboxID) error {
	return txn.InGroups(ids, 3, func(list string, args []any) error {
		err := t.Write(`
			INSERT INTO thread_mailboxes (account, thread, mailbox, last_message_at)
			SELECT account, id, $2, last_message_at FROM threads WHERE account = $1 AND id IN `+list+`
			ON CONFLICT DO NOTHING`, append([]any{t.Account, m}, args...)...)
		return err
	})
}
