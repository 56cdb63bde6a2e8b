package archive

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// messageColumns leave the text out, which may be a megabyte: PostgreSQL keeps
// long values apart, and who has no use for them need not fetch them.
const messageColumns = `
	SELECT m.id, m.identity, m.thread, m.direction, m.kind, m.received_at, m.imported_at, m.raw, m.size,
		m.subject, m.snippet, m.details`

func scanMessage(a crm.AccountID, scan txn.Scan, more ...any) (crm.Message, error) {
	m := crm.Message{Account: a}
	var identity []byte
	var text string
	dest := append(txn.Into(&m.ID, &identity, &m.Thread, &m.Direction, &m.Letter.Kind, txn.Instant{To: &m.ReceivedAt}, txn.Instant{To: &m.ImportedAt},
		&m.Raw, &m.Size, &m.Letter.Subject, &m.Letter.Snippet, &text), more...)
	if err := scan(dest...); err != nil {
		return m, err
	}
	copy(m.Identity[:], identity)
	var d details
	err := json.Unmarshal([]byte(text), &d)
	d.fill(&m)
	return m, err
}

// messageReader reads messages without their text.
func messageReader(a crm.AccountID) func(txn.Scan) (crm.Message, error) {
	return func(scan txn.Scan) (crm.Message, error) { return scanMessage(a, scan) }
}

// textReader reads messages with their text, which stands last in the SELECT.
func textReader(a crm.AccountID) func(txn.Scan) (crm.Message, error) {
	return func(scan txn.Scan) (crm.Message, error) {
		var text string
		m, err := scanMessage(a, scan, &text)
		m.Letter.Text = text
		return m, err
	}
}

// pageText is how many bytes of text a page of messages holds, or one message:
// the page ends early then, and the next one goes on.
const pageText = 4 << 20

var errFull = errors.New("the page is full")

// page reads messages until there are enough, or their texts are enough. The
// query's LIMIT is one more than limit.
func page(r txn.Session, a crm.AccountID, read func(txn.Scan) (crm.Message, error), limit int, query string, args ...any) (crm.Part[crm.Message], error) {
	var list []crm.Message
	bytes := 0
	err := r.Each(func(scan txn.Scan) error {
		m, err := read(scan)
		if err != nil {
			return err
		}
		list = append(list, m)
		if bytes += len(m.Letter.Text); bytes > pageText && len(list) > 1 {
			return errFull
		}
		return nil
	}, query, args...)
	if errors.Is(err, errFull) {
		limit, err = min(limit, len(list)-1), nil
	}
	if err != nil {
		return crm.Part[crm.Message]{}, err
	}
	part := txn.Part(list, limit, messageCursor)
	return part, addSightings(r, a, part.Items)
}

// ListMessages lists messages, the latest received first, with their text where
// the query asks for it. A page with texts may be shorter than its limit.
func (ar *Archive) ListMessages(ctx context.Context, a crm.AccountID, q crm.MessageQuery) (crm.Part[crm.Message], error) {
	at, before, err := txn.ReadCursor(q.Cursor)
	if err != nil {
		return crm.Part[crm.Message]{}, err
	}
	if q.Cursor == "" {
		at = math.MaxInt64
	}
	var part crm.Part[crm.Message]
	err = ar.db.Look(ctx, "list messages", func(r txn.Session) error {
		// Each of the three questions has an index that begins with its
		// answer; the planner takes the one that leaves least.
		from, where := ` FROM messages m`, txn.Clause{Args: []any{a, at, before}}
		if q.Contact != "" {
			from = ` FROM message_contacts c JOIN messages m ON m.account = c.account AND m.id = c.message`
			where.And(`c.account = $1 AND c.contact = `, q.Contact)
			where.Text += ` AND (c.received_at, c.message) < ($2, $3)`
		}
		if q.HeaderID != "" {
			// Messages have no index by header id. That of threads leads to
			// the few threads in which such a message can be.
			key := headerKey(q.HeaderID)
			where.And(`m.header_key = `, key)
			where.And(`m.thread IN (SELECT thread FROM thread_ids WHERE account = $1 AND key = `, key)
			where.Text += `)`
		}
		if q.Thread != "" {
			id, err := threadNow(r, a, q.Thread)
			if err != nil {
				return err
			}
			where.And(`m.thread = `, id)
		}
		order := ` ORDER BY m.received_at DESC, m.id DESC LIMIT `
		if q.Contact != "" {
			order = ` ORDER BY c.received_at DESC, c.message DESC LIMIT `
		}
		columns, reader := messageColumns, messageReader(a)
		if q.WithText {
			columns, reader = columns+`, m.text`, textReader(a)
		}
		query := columns + from + `
			WHERE m.account = $1 AND (m.received_at, m.id) < ($2, $3) AND m.deleted_at IS NULL` + where.Text + order + where.Add(q.Limit+1)
		part, err = page(r, a, reader, q.Limit, query, where.Args...)
		return err
	})
	return part, err
}

func messageCursor(m crm.Message) string { return txn.Cursor(txn.MS(m.ReceivedAt), string(m.ID)) }

// ThreadMessages are all of a thread's messages, oldest first, with Text. A page
// may be shorter than its limit.
func (ar *Archive) ThreadMessages(ctx context.Context, a crm.AccountID, id crm.ThreadID, p crm.Paging) (crm.Part[crm.Message], error) {
	at, after, err := txn.ReadCursor(p.Cursor)
	if err != nil {
		return crm.Part[crm.Message]{}, err
	}
	if p.Cursor == "" {
		at = math.MinInt64
	}
	var part crm.Part[crm.Message]
	err = ar.db.Look(ctx, "list messages of thread", func(r txn.Session) error {
		now, err := threadNow(r, a, id)
		if err != nil {
			return err
		}
		part, err = page(r, a, textReader(a), p.Limit, messageColumns+`, m.text FROM messages m
			WHERE m.account = $1 AND m.thread = $2 AND m.deleted_at IS NULL AND (m.received_at, m.id) > ($3, $4)
			ORDER BY m.received_at, m.id LIMIT $5`, a, now, at, after, p.Limit+1)
		return err
	})
	return part, err
}

// Message returns a message with its text; one that was deleted is not found.
func (ar *Archive) Message(ctx context.Context, a crm.AccountID, id crm.MessageID) (crm.Message, error) {
	var m crm.Message
	err := ar.db.Look(ctx, "read message", func(r txn.Session) error {
		found, err := txn.All(r, textReader(a), messageColumns+`, m.text FROM messages m
			WHERE m.account = $1 AND m.id = $2 AND m.deleted_at IS NULL`, a, id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return txn.NotFound("message")
		}
		if err := addSightings(r, a, found); err != nil {
			return err
		}
		m = found[0]
		return nil
	})
	return m, err
}

// addSightings fills in where messages were seen and may still be.
func addSightings(r txn.Session, a crm.AccountID, list []crm.Message) error {
	at := make(map[crm.MessageID]*crm.Message, len(list))
	for i := range list {
		at[list[i].ID] = &list[i]
	}
	return txn.InGroups(txn.SortedKeys(at), 2, func(in string, args []any) error {
		return r.Each(func(scan txn.Scan) error {
			var id crm.MessageID
			var s crm.Sighting
			if err := scan(&id, &s.Mailbox, &s.Folder, &s.FolderName, &s.UIDValidity, &s.UID); err != nil {
				return err
			}
			at[id].Sightings = append(at[id].Sightings, s)
			return nil
		}, `
			SELECT s.message, s.mailbox, s.folder, f.name, s.uidvalidity, s.uid FROM sightings s
			JOIN folders f ON f.account = s.account AND f.id = s.folder
			WHERE s.account = $1 AND s.message IN `+in+` AND s.ended_at IS NULL AND f.gone_at IS NULL
			ORDER BY s.message, s.mailbox, s.folder, s.uid`, append([]any{a}, args...)...)
	})
}

// DeleteMessage erases the content and keeps the identity, so that the message
// is never imported again. It returns the raw bytes that no other message of
// the account needs, "" where one does.
func (ar *Archive) DeleteMessage(ctx context.Context, a crm.AccountID, id crm.MessageID, at time.Time) (crm.BlobRef, error) {
	var ref crm.BlobRef
	err := ar.change(ctx, "delete message", a, func(t tx) error {
		found, err := txn.All(t.Session, messageReader(a), messageColumns+` FROM messages m
			WHERE m.account = $1 AND m.id = $2 AND m.deleted_at IS NULL`, a, id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return txn.NotFound("message")
		}
		m := found[0]
		if err := t.erase(m, at); err != nil {
			return err
		}
		if err := t.countUsage(m.ImportedAt, -1, -m.Size); err != nil {
			return err
		}
		if err := t.threadLost(m.Thread); err != nil {
			return err
		}
		t.Note(crm.AuditMessageDeleted, string(id), nil)
		ref, err = t.unneeded(m.Raw)
		return err
	})
	return ref, err
}

// erase leaves nothing of a message but its id, its identity, and when it came.
func (t tx) erase(m crm.Message, at time.Time) error {
	err := t.Write(`
		UPDATE messages SET deleted_at = $3, thread = '', direction = '', kind = '', header_key = NULL, raw = '', size = 0,
			subject = '', snippet = '', people = '', details = '{}', text = ''
		WHERE account = $1 AND id = $2`, t.Account, m.ID, txn.MS(at))
	if err != nil {
		return err
	}
	// By whole keys: the table is keyed by contact, and to look for the message
	// would be to go through all of the account's.
	for _, c := range contactsOf(&m) {
		err := t.Write(`
			DELETE FROM message_contacts WHERE account = $1 AND contact = $2 AND received_at = $3 AND message = $4`,
			t.Account, c, txn.MS(m.ReceivedAt), m.ID)
		if err != nil {
			return err
		}
	}
	return nil
}
