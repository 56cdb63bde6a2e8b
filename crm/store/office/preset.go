package office

import (
	"context"
	"strings"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

const presetColumns = `id, name, imap, smtp, auth, username_form, created_at, updated_at`

func presetScanner(a crm.AccountID) func(txn.Scan) (crm.Preset, error) {
	return func(scan txn.Scan) (crm.Preset, error) {
		p := crm.Preset{Account: a}
		err := scan(&p.ID, &p.Name, txn.AsJSON{To: &p.IMAP}, txn.AsJSON{To: &p.SMTP}, &p.Auth, &p.Username,
			txn.Instant{To: &p.CreatedAt}, txn.Instant{To: &p.UpdatedAt})
		return p, err
	}
}

// presetServers are a preset's servers as they are stored.
func presetServers(p crm.Preset) (imap string, smtp any, err error) {
	if imap, err = txn.ToJSON(p.IMAP); err != nil || p.SMTP == nil {
		return imap, nil, err
	}
	smtp, err = txn.ToJSON(p.SMTP)
	return imap, smtp, err
}

// presetDetail is what the audit says of a preset.
func presetDetail(p crm.Preset) map[string]string {
	return map[string]string{"name": p.Name, "imap_host": p.IMAP.Host}
}

// CreatePreset adds a preset to its account.
func (o *Office) CreatePreset(ctx context.Context, p crm.Preset) error {
	return o.change(ctx, "create preset", p.Account, func(t tx) error {
		imap, smtp, err := presetServers(p)
		if err != nil {
			return err
		}
		err = t.Add("preset", `
			INSERT INTO presets (account, id, name, imap, smtp, auth, username_form, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
			p.Account, p.ID, p.Name, imap, smtp, p.Auth, p.Username, txn.MS(p.CreatedAt), txn.MS(p.UpdatedAt))
		if err != nil {
			return err
		}
		t.Note(crm.AuditPresetCreated, string(p.ID), presetDetail(p))
		return nil
	})
}

// Preset returns a preset.
func (o *Office) Preset(ctx context.Context, a crm.AccountID, id crm.PresetID) (crm.Preset, error) {
	p, err := txn.One(o.db.Reading(ctx), "preset", presetScanner(a), `
		SELECT `+presetColumns+` FROM presets WHERE account = $1 AND id = $2`, a, id)
	return p, o.db.Fail(ctx, "read preset", err)
}

// ListPresets lists an account's presets, the newest first.
func (o *Office) ListPresets(ctx context.Context, a crm.AccountID, p crm.Paging) (crm.Part[crm.Preset], error) {
	_, before, err := txn.ReadCursor(p.Cursor)
	if err != nil {
		return crm.Part[crm.Preset]{}, err
	}
	list, err := txn.All(o.db.Reading(ctx), presetScanner(a), `
		SELECT `+presetColumns+` FROM presets
		WHERE account = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, a, before, p.Limit+1)
	return txn.Part(list, p.Limit, func(p crm.Preset) string { return txn.Cursor(0, string(p.ID)) }), o.db.Fail(ctx, "list presets", err)
}

// UpdatePreset replaces all of a preset but CreatedAt. Links made from it stay
// as they are until their credential is known to work where they are to go; it
// returns how many of them are to be tried there.
func (o *Office) UpdatePreset(ctx context.Context, p crm.Preset) (following int, err error) {
	err = o.change(ctx, "update preset", p.Account, func(t tx) error {
		imap, smtp, err := presetServers(p)
		if err != nil {
			return err
		}
		err = t.Touch("preset", `
			UPDATE presets SET name = $3, imap = $4, smtp = $5, auth = $6, username_form = $7, updated_at = $8
			WHERE account = $1 AND id = $2`,
			p.Account, p.ID, p.Name, imap, smtp, p.Auth, p.Username, txn.MS(p.UpdatedAt))
		if err != nil {
			return err
		}
		t.Note(crm.AuditPresetUpdated, string(p.ID), presetDetail(p))
		following, err = t.follow(p)
		return err
	})
	return following, err
}

// DeletePreset takes a preset away. Links made from it go on where they are.
func (o *Office) DeletePreset(ctx context.Context, a crm.AccountID, id crm.PresetID) error {
	return o.change(ctx, "delete preset", a, func(t tx) error {
		if err := t.Touch("preset", `DELETE FROM presets WHERE account = $1 AND id = $2`, a, id); err != nil {
			return err
		}
		t.Note(crm.AuditPresetDeleted, string(id), nil)
		return t.Write(`UPDATE links SET transfer = NULL WHERE account = $1 AND preset = $2`, a, id)
	})
}

// mostPresets is how many presets a discovery weighs; no account has as many.
const mostPresets = 200

// DomainUse tells what the account knows of a mail domain.
func (o *Office) DomainUse(ctx context.Context, a crm.AccountID, domain string) (crm.DomainUse, error) {
	use := crm.DomainUse{Linked: map[crm.PresetID]int{}}
	err := o.db.Look(ctx, "read domain use", func(q txn.Session) (err error) {
		use.Presets, err = txn.All(q, presetScanner(a), `
			SELECT `+presetColumns+` FROM presets WHERE account = $1 ORDER BY id DESC LIMIT $2`, a, mostPresets)
		if err != nil {
			return err
		}
		at := "%@" + strings.NewReplacer(`\`, `\\`, "_", `\_`, "%", `\%`).Replace(domain)
		err = q.Each(func(scan txn.Scan) error {
			var id crm.PresetID
			var n int
			err := scan(&id, &n)
			use.Linked[id] = n
			return err
		}, `
			SELECT preset, COUNT(*) FROM links
			WHERE account = $1 AND ended_at IS NULL AND preset <> '' AND address LIKE $2 ESCAPE '\'
			GROUP BY preset`, a, at)
		if err != nil {
			return err
		}
		var one int
		use.Own, err = q.First(txn.Into(&one), `
			SELECT 1 FROM internal_addresses
			WHERE account = $1 AND address LIKE $2 ESCAPE '\' AND source LIKE 'user/%' LIMIT 1`, a, at)
		return err
	})
	return use, err
}
