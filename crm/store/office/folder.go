package office

import (
	"context"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

const folderColumns = `id, mailbox, name, role, uidvalidity, anchor, anchored, position, gone_at`

func folderScanner(a crm.AccountID) func(txn.Scan) (crm.Folder, error) {
	return func(scan txn.Scan) (crm.Folder, error) {
		f := crm.Folder{Account: a}
		err := scan(&f.ID, &f.Mailbox, &f.Name, &f.Role, &f.UIDValidity, &f.Anchor, &f.Anchored, &f.Position, txn.Instant{To: &f.GoneAt})
		return f, err
	}
}

// foldersOf reads all folders of a mailbox by name, those that are gone too.
func foldersOf(s txn.Session, a crm.AccountID, m crm.MailboxID) (map[string]crm.Folder, error) {
	list, err := txn.All(s, folderScanner(a), `
		SELECT `+folderColumns+` FROM folders WHERE account = $1 AND mailbox = $2`, a, m)
	byName := make(map[string]crm.Folder, len(list))
	for _, f := range list {
		byName[f.Name] = f
	}
	return byName, err
}

// restartFolders begins the folders of a mailbox that is linked anew at the
// positions given. What is known of them from an earlier link stays known; its
// unread mail and its problems are behind the new positions.
func (t tx) restartFolders(m crm.MailboxID, folders []crm.Folder, at time.Time) error {
	if err := t.Write(`DELETE FROM problems WHERE account = $1 AND mailbox = $2`, t.Account, m); err != nil {
		return err
	}
	err := t.Write(`
		UPDATE folders SET gone_at = $3 WHERE account = $1 AND mailbox = $2 AND gone_at IS NULL`, t.Account, m, txn.MS(at))
	if err != nil {
		return err
	}
	stored, err := foldersOf(t.Session, t.Account, m)
	if err != nil {
		return err
	}
	for _, f := range folders {
		old, known := stored[f.Name]
		if err := t.putFolder(m, f, old, known, at); err != nil {
			return err
		}
	}
	return nil
}

// putFolder writes a folder with everything it says of itself, over the old
// one where there is one.
func (t tx) putFolder(m crm.MailboxID, f, old crm.Folder, known bool, at time.Time) error {
	if !known {
		err := t.Write(`
			INSERT INTO folders (account, id, mailbox, name, role, uidvalidity, anchor, anchored, position)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			t.Account, crm.NewID("fld", at), m, f.Name, f.Role, f.UIDValidity, f.Anchor, f.Anchored, f.Position)
		return err
	}
	err := t.Write(`
		UPDATE folders SET role = $3, uidvalidity = $4, anchor = $5, anchored = $6, position = $7,
			gone_at = NULL, unexplained = 0, checked_at = NULL
		WHERE account = $1 AND id = $2`, t.Account, old.ID, f.Role, f.UIDValidity, f.Anchor, f.Anchored, f.Position)
	if err != nil || f.UIDValidity == old.UIDValidity {
		return err
	}
	// Under another UIDVALIDITY the UIDs mean nothing any more (RFC 3501
	// section 2.3.1.1): neither where copies are nor what was in trouble.
	err = t.Write(`
		UPDATE sightings SET ended_at = $4 WHERE account = $1 AND folder = $2 AND uidvalidity <> $3 AND ended_at IS NULL`,
		t.Account, old.ID, f.UIDValidity, txn.MS(at))
	if err != nil {
		return err
	}
	err = t.Write(`
		DELETE FROM problems WHERE account = $1 AND folder = $2 AND uidvalidity <> $3`, t.Account, old.ID, f.UIDValidity)
	return err
}

// SyncFolders makes the stored folders those that the server lists: new ones
// start at position and anchor 0; one with another UIDVALIDITY starts again
// there, and the sightings of the old one end; one that is not listed any more
// gets GoneAt. It returns those listed, as stored. Where nothing changed,
// which is nearly always, nothing is written. crm.Conflict ("fenced") where
// there is something to write and the mailbox has seen a higher fence.
func (o *Office) SyncFolders(ctx context.Context, a crm.AccountID, m crm.MailboxID, listed []crm.Folder, fence crm.Fence, at time.Time) ([]crm.Folder, error) {
	// A look that finds nothing new must cost no more than reading: it
	// happens every few minutes, for every mailbox.
	stored, err := foldersOf(o.db.Reading(ctx), a, m)
	if err != nil {
		return nil, o.db.Fail(ctx, "read folders", err)
	}
	if changed, gone := compareFolders(stored, listed); len(changed)+len(gone) == 0 && len(stored) > 0 {
		return asStored(stored, listed), nil
	}
	err = o.change(ctx, "sync folders", a, func(t tx) error {
		if err := t.fence(m, fence); err != nil {
			return err
		}
		stored, err = t.syncFolders(m, listed, at)
		return err
	})
	if err != nil {
		return nil, err
	}
	return asStored(stored, listed), nil
}

func (t tx) syncFolders(m crm.MailboxID, listed []crm.Folder, at time.Time) (map[string]crm.Folder, error) {
	stored, err := foldersOf(t.Session, t.Account, m)
	if err != nil {
		return nil, err
	}
	changed, gone := compareFolders(stored, listed)
	for _, f := range changed {
		old, known := stored[f.Name]
		f.Anchor, f.Anchored, f.Position = 0, false, 0
		if known && old.UIDValidity == f.UIDValidity {
			f.Anchor, f.Anchored, f.Position = old.Anchor, old.Anchored, old.Position
		}
		if err := t.putFolder(m, f, old, known, at); err != nil {
			return nil, err
		}
	}
	for _, f := range gone {
		err := t.Write(`UPDATE folders SET gone_at = $3 WHERE account = $1 AND id = $2`, t.Account, f.ID, txn.MS(at))
		if err != nil {
			return nil, err
		}
	}
	return foldersOf(t.Session, t.Account, m)
}

// compareFolders tells which listed folders are not stored as they are, and
// which stored ones are not listed any more.
func compareFolders(stored map[string]crm.Folder, listed []crm.Folder) (changed, gone []crm.Folder) {
	names := make(map[string]bool, len(listed))
	for _, f := range listed {
		names[f.Name] = true
		old, known := stored[f.Name]
		if f.UIDValidity == 0 {
			f.UIDValidity = old.UIDValidity // the server did not say this time
		}
		if !known || !old.GoneAt.IsZero() || old.Role != f.Role || old.UIDValidity != f.UIDValidity {
			changed = append(changed, f)
		}
	}
	for _, name := range txn.SortedKeys(stored) {
		if f := stored[name]; !names[name] && f.GoneAt.IsZero() {
			gone = append(gone, f)
		}
	}
	return changed, gone
}

func asStored(stored map[string]crm.Folder, listed []crm.Folder) []crm.Folder {
	out := make([]crm.Folder, 0, len(listed))
	for _, f := range listed {
		out = append(out, stored[f.Name])
	}
	return out
}

// Folders are the folders of a mailbox that the server listed last.
func (o *Office) Folders(ctx context.Context, a crm.AccountID, m crm.MailboxID) ([]crm.Folder, error) {
	list, err := txn.All(o.db.Reading(ctx), folderScanner(a), `
		SELECT `+folderColumns+` FROM folders WHERE account = $1 AND mailbox = $2 AND gone_at IS NULL ORDER BY name`, a, m)
	return list, o.db.Fail(ctx, "list folders", err)
}
