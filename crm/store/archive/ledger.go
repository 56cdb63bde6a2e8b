package archive

import (
	"context"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

func scanRun(scan txn.Scan) (crm.Run, error) {
	var r crm.Run
	err := scan(&r.Lo, &r.Hi, &r.Outcome)
	return r, err
}

// recordRuns writes what a page says of its UIDs into the ledger.
func (t tx) recordRuns(p crm.Page, rs runs) error {
	if len(rs) == 0 {
		return nil
	}
	// The run that the page continues, or whatever the ledger has above the
	// position from an earlier time of the folder.
	tail, err := txn.All(t.Session, scanRun, `
		SELECT lo, hi, outcome FROM ledger
		WHERE account = $1 AND folder = $2 AND uidvalidity = $3
		ORDER BY lo DESC LIMIT 1`, t.Account, p.Folder, p.UIDValidity)
	if err != nil {
		return err
	}
	if len(tail) == 0 || tail[0].Hi < rs[0].Lo {
		return t.appendRuns(p, tail, rs)
	}
	for _, r := range rs {
		if err := t.layRun(p, r); err != nil {
			return err
		}
	}
	return nil
}

// appendRuns adds runs above the ledger's last one, which grows where the
// first of them continues it.
func (t tx) appendRuns(p crm.Page, tail []crm.Run, rs runs) error {
	if len(tail) > 0 && tail[0].Hi+1 == rs[0].Lo && tail[0].Outcome == rs[0].Outcome {
		err := t.Write(`
			UPDATE ledger SET hi = $5 WHERE account = $1 AND folder = $2 AND uidvalidity = $3 AND lo = $4`,
			t.Account, p.Folder, p.UIDValidity, tail[0].Lo, rs[0].Hi)
		if err != nil {
			return err
		}
		rs = rs[1:]
	}
	return t.insertRuns(p, rs)
}

func (t tx) insertRuns(p crm.Page, rs runs) error {
	values := make([]any, 0, 6*len(rs))
	for _, r := range rs {
		values = append(values, string(t.Account), string(p.Folder), int64(p.UIDValidity), int64(r.Lo), int64(r.Hi), string(r.Outcome))
	}
	return t.Insert(`INSERT INTO ledger (account, folder, uidvalidity, lo, hi, outcome) VALUES`, 6, values, "")
}

// layRun lays a run over what the ledger says of its UIDs, and joins it with
// its neighbours.
func (t tx) layRun(p crm.Page, r crm.Run) error {
	// Runs don't overlap: the first that can touch r is the last that begins
	// before it.
	near, err := txn.All(t.Session, scanRun, `
		SELECT lo, hi, outcome FROM ledger
		WHERE account = $1 AND folder = $2 AND uidvalidity = $3 AND hi >= $4 AND lo <= $5 AND lo >= COALESCE((
			SELECT MAX(lo) FROM ledger WHERE account = $1 AND folder = $2 AND uidvalidity = $3 AND lo <= $4), 0)
		ORDER BY lo`, t.Account, p.Folder, p.UIDValidity, int64(r.Lo)-1, int64(r.Hi)+1)
	if err != nil {
		return err
	}
	for _, old := range near {
		err := t.Write(`
			DELETE FROM ledger WHERE account = $1 AND folder = $2 AND uidvalidity = $3 AND lo = $4`,
			t.Account, p.Folder, p.UIDValidity, old.Lo)
		if err != nil {
			return err
		}
	}
	return t.insertRuns(p, over(near, r))
}

// Ledger hands over the runs of a folder under its current UIDVALIDITY,
// ascending.
func (ar *Archive) Ledger(ctx context.Context, a crm.AccountID, f crm.FolderID, each func(crm.Run)) error {
	err := ar.db.Reading(ctx).Each(func(scan txn.Scan) error {
		r, err := scanRun(scan)
		if err == nil {
			each(r)
		}
		return err
	}, `
		SELECT l.lo, l.hi, l.outcome FROM folders f
		JOIN ledger l ON l.account = f.account AND l.folder = f.id AND l.uidvalidity = f.uidvalidity
		WHERE f.account = $1 AND f.id = $2 ORDER BY l.lo`, a, f)
	return ar.db.Fail(ctx, "read ledger", err)
}

// SaveBalance writes how many UIDs of a folder had no outcome, and ends
// sightings at or below its position whose UIDs are gone. crm.Conflict: fenced
// as of Record, stale_position where the folder has another UIDVALIDITY now.
func (ar *Archive) SaveBalance(ctx context.Context, b crm.Balance, at time.Time) error {
	return ar.change(ctx, "save balance", b.Account, func(t tx) error {
		var mailbox crm.MailboxID
		var uidvalidity uint32
		var position crm.UID
		var seen crm.Fence
		found, err := t.First(txn.Into(&mailbox, &uidvalidity, &position, &seen), `
			SELECT f.mailbox, f.uidvalidity, f.position, m.fence
			FROM folders f JOIN mailboxes m ON m.account = f.account AND m.id = f.mailbox
			WHERE f.account = $1 AND f.id = $2`, b.Account, b.Folder)
		switch {
		case err != nil:
			return err
		case !found:
			return txn.NotFound("folder")
		case uidvalidity != b.UIDValidity:
			return errStale
		}
		if err := txn.Fenced(b.Fence, seen); err != nil {
			return err
		}
		if seen < b.Fence {
			err := t.Write(`UPDATE mailboxes SET fence = $3 WHERE account = $1 AND id = $2`, b.Account, mailbox, b.Fence)
			if err != nil {
				return err
			}
		}
		return t.saveBalance(b, position, at)
	})
}

func (t tx) saveBalance(b crm.Balance, position crm.UID, at time.Time) error {
	err := t.Write(`
		UPDATE folders SET unexplained = $3, checked_at = $4 WHERE account = $1 AND id = $2`,
		b.Account, b.Folder, b.Unexplained, txn.MS(at))
	if err != nil {
		return err
	}
	for _, r := range b.Gone {
		err := t.Write(`
			UPDATE sightings SET ended_at = $6
			WHERE account = $1 AND folder = $2 AND uidvalidity = $3 AND uid BETWEEN $4 AND $5 AND ended_at IS NULL`,
			b.Account, b.Folder, b.UIDValidity, r.Lo, min(r.Hi, position), txn.MS(at))
		if err != nil {
			return err
		}
	}
	return nil
}

// OutcomeOf tells what became of a UID under the folder's current UIDVALIDITY,
// "" where it has no outcome yet, and of which message it is a copy. The ledger
// keeps what once was true; of a message that was deleted since, Removed is.
func (ar *Archive) OutcomeOf(ctx context.Context, a crm.AccountID, f crm.FolderID, uid crm.UID) (crm.Outcome, crm.MessageID, error) {
	var outcome crm.Outcome
	var message crm.MessageID
	_, err := ar.db.Reading(ctx).First(txn.Into(&outcome, &message), `
		SELECT CASE WHEN m.deleted_at IS NULL THEN l.outcome ELSE $4 END, CASE WHEN m.deleted_at IS NULL THEN COALESCE(m.id, '') ELSE '' END
		FROM folders f
		JOIN ledger l ON l.account = f.account AND l.folder = f.id AND l.uidvalidity = f.uidvalidity AND l.lo <= $3 AND l.hi >= $3
		LEFT JOIN sightings s ON s.account = f.account AND s.folder = f.id AND s.uidvalidity = f.uidvalidity AND s.uid = $3
		LEFT JOIN messages m ON m.account = s.account AND m.id = s.message
		WHERE f.account = $1 AND f.id = $2`, a, f, uid, crm.Removed)
	return outcome, message, ar.db.Fail(ctx, "read outcome", err)
}
