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
