package archive

import (
	"context"
	"encoding/json"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// ListEvents returns events with a greater Seq than after, at most limit.
func (ar *Archive) ListEvents(ctx context.Context, a crm.AccountID, after int64, limit int) ([]crm.Event, error) {
	events, err := txn.All(ar.db.Reading(ctx), func(scan txn.Scan) (crm.Event, error) {
		e := crm.Event{Account: a}
		var data string
		err := scan(&e.Seq, &e.ID, &e.Type, txn.Instant{To: &e.At}, &data)
		e.Data = json.RawMessage(data)
		return e, err
	}, `
		SELECT seq, id, type, at, data FROM events
		WHERE account = $1 AND seq > $2 ORDER BY seq LIMIT $3`, a, after, limit)
	return events, ar.db.Fail(ctx, "list events", err)
}

// LastEvent returns the number of an account's latest event; crm.NotFound where
// there is no such account.
func (ar *Archive) LastEvent(ctx context.Context, a crm.AccountID) (int64, error) {
	var seq int64
	found, err := ar.db.Reading(ctx).First(txn.Into(&seq), `SELECT event_seq FROM accounts WHERE id = $1`, a)
	if err == nil && !found {
		return 0, txn.NotFound("account")
	}
	return seq, ar.db.Fail(ctx, "read last event", err)
}

// LastEvents returns the number of the latest event for the accounts whose ids
// follow after, in the order of their ids, at most limit.
func (ar *Archive) LastEvents(ctx context.Context, after crm.AccountID, limit int) ([]crm.LastEvent, error) {
	all, err := txn.All(ar.db.Reading(ctx), func(scan txn.Scan) (crm.LastEvent, error) {
		var l crm.LastEvent
		err := scan(&l.Account, &l.Seq)
		return l, err
	}, `
		SELECT id, event_seq FROM accounts WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	return all, ar.db.Fail(ctx, "read last events", err)
}
