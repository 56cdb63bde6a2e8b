package office

import (
	"context"
	"net/url"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

const webhookColumns = `id, url, types, include, status, detail, failing_at, created_at, updated_at`

func webhookInto(w *crm.Webhook) []any {
	return txn.Into(&w.ID, &w.URL, txn.AsJSON{To: &w.Types}, txn.AsJSON{To: &w.Include}, &w.Status, &w.Detail,
		txn.Instant{To: &w.FailingAt}, txn.Instant{To: &w.CreatedAt}, txn.Instant{To: &w.UpdatedAt})
}

// webhookLists are a webhook's lists as they are stored.
func webhookLists(w crm.Webhook) (types, include string, err error) {
	if types, err = txn.ToJSON(w.Types); err != nil {
		return "", "", err
	}
	include, err = txn.ToJSON(w.Include)
	return types, include, err
}

// WebhookPlace is the associated data of a webhook's sealed secrets.
func WebhookPlace(a crm.AccountID, w crm.WebhookID) []byte {
	return []byte("mailsyncd webhooks.secret\x00" + string(a) + "\x00" + string(w))
}

func (o *Office) sealWebhook(a crm.AccountID, w crm.WebhookID, secret crm.Secret) ([]byte, error) {
	sealed, err := o.sealer.Seal([]byte(string(secret)), WebhookPlace(a, w))
	return sealed, SealFailed("The secret of a webhook could not be encrypted", err)
}

func (o *Office) unsealWebhook(a crm.AccountID, w crm.WebhookID, sealed []byte) (crm.Secret, error) {
	plain, err := o.sealer.Open(sealed, WebhookPlace(a, w))
	return crm.Secret(plain), SealFailed("The secret of webhook "+string(w)+" can't be decrypted", err)
}

// webhookDetail is what the audit says of a webhook. The rest of the URL may
// hold a secret.
func webhookDetail(w crm.Webhook) map[string]string {
	detail := map[string]string{"status": string(w.Status)}
	if u, err := url.Parse(w.URL); err == nil {
		detail["host"] = u.Host
	}
	return detail
}

// mostWebhooks is how many an account may have: each of its events is posted to
// all of them.
const mostWebhooks = 50

// CreateWebhook adds a webhook to its account. It hears of events from now on.
func (o *Office) CreateWebhook(ctx context.Context, w crm.Webhook, secret crm.Secret) error {
	return o.change(ctx, "create webhook", w.Account, func(t tx) error {
		types, include, err := webhookLists(w)
		if err != nil {
			return err
		}
		sealed, err := o.sealWebhook(w.Account, w.ID, secret)
		if err != nil {
			return err
		}
		var there int
		if _, err := t.First(txn.Into(&there), `SELECT count(*) FROM webhooks WHERE account = $1`, w.Account); err != nil {
			return err
		}
		if there >= mostWebhooks {
			return crm.E(crm.Conflict, "webhook_limit", "The account has as many webhooks as it may have; delete one that is not needed any more.")
		}
		err = t.Add("webhook", `
			INSERT INTO webhooks (account, id, url, types, include, status, secret, position, created_at, updated_at)
			SELECT id, $2, $3, $4, $5, $6, $7, event_seq, $8, $9 FROM accounts WHERE id = $1
			ON CONFLICT DO NOTHING`,
			w.Account, w.ID, w.URL, types, include, w.Status, sealed, txn.MS(w.CreatedAt), txn.MS(w.UpdatedAt))
		if err != nil {
			return err
		}
		t.Note(crm.AuditWebhookCreated, string(w.ID), webhookDetail(w))
		return nil
	})
}

// Webhook returns a webhook.
func (o *Office) Webhook(ctx context.Context, a crm.AccountID, id crm.WebhookID) (crm.Webhook, error) {
	w := crm.Webhook{Account: a}
	found, err := o.db.Reading(ctx).First(webhookInto(&w), `
		SELECT `+webhookColumns+` FROM webhooks WHERE account = $1 AND id = $2`, a, id)
	if err == nil && !found {
		return w, txn.NotFound("webhook")
	}
	return w, o.db.Fail(ctx, "read webhook", err)
}

// ListWebhooks lists an account's webhooks, the newest first.
func (o *Office) ListWebhooks(ctx context.Context, a crm.AccountID, p crm.Paging) (crm.Part[crm.Webhook], error) {
	_, before, err := txn.ReadCursor(p.Cursor)
	if err != nil {
		return crm.Part[crm.Webhook]{}, err
	}
	list, err := txn.All(o.db.Reading(ctx), func(scan txn.Scan) (crm.Webhook, error) {
		w := crm.Webhook{Account: a}
		err := scan(webhookInto(&w)...)
		return w, err
	}, `
		SELECT `+webhookColumns+` FROM webhooks
		WHERE account = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, a, before, p.Limit+1)
	return txn.Part(list, p.Limit, func(w crm.Webhook) string { return txn.Cursor(0, string(w.ID)) }), o.db.Fail(ctx, "list webhooks", err)
}

// UpdateWebhook replaces what people may change: URL, types, inclusions and
// status. The endpoint counts as well again and is tried at once; whoever
// posts to it meanwhile has lost the lease.
func (o *Office) UpdateWebhook(ctx context.Context, w crm.Webhook) error {
	return o.change(ctx, "update webhook", w.Account, func(t tx) error {
		t.Ring()
		types, include, err := webhookLists(w)
		if err != nil {
			return err
		}
		err = t.Touch("webhook", `
			UPDATE webhooks SET url = $3, types = $4, include = $5, status = $6, updated_at = $7,
				detail = '', failing_at = NULL, next_at = 0, lease = 0, unreachable = FALSE
			WHERE account = $1 AND id = $2`,
			w.Account, w.ID, w.URL, types, include, w.Status, txn.MS(w.UpdatedAt))
		if err != nil {
			return err
		}
		t.Note(crm.AuditWebhookUpdated, string(w.ID), webhookDetail(w))
		return nil
	})
}

// RotateWebhook gives a webhook another secret. The one that it had signs too
// until oldUntil.
func (o *Office) RotateWebhook(ctx context.Context, a crm.AccountID, id crm.WebhookID, secret crm.Secret, oldUntil, at time.Time) error {
	return o.change(ctx, "rotate webhook", a, func(t tx) error {
		sealed, err := o.sealWebhook(a, id, secret)
		if err != nil {
			return err
		}
		err = t.Touch("webhook", `
			UPDATE webhooks SET old_secret = secret, old_until = $3, secret = $4, updated_at = $5
			WHERE account = $1 AND id = $2`, a, id, txn.MS(oldUntil), sealed, txn.MS(at))
		if err != nil {
			return err
		}
		t.Note(crm.AuditSecretRotated, string(id), nil)
		return nil
	})
}

// DeleteWebhook takes a webhook away, and the record of its deliveries.
func (o *Office) DeleteWebhook(ctx context.Context, a crm.AccountID, id crm.WebhookID) error {
	return o.change(ctx, "delete webhook", a, func(t tx) error {
		if err := t.Touch("webhook", `DELETE FROM webhooks WHERE account = $1 AND id = $2`, a, id); err != nil {
			return err
		}
		t.Note(crm.AuditWebhookDeleted, string(id), nil)
		return nil
	})
}

// WebhookSecrets returns the secrets to sign with at a time, the newest first.
func (o *Office) WebhookSecrets(ctx context.Context, a crm.AccountID, id crm.WebhookID, now time.Time) ([]crm.Secret, error) {
	secrets, err := o.webhookSecrets(o.db.Reading(ctx), a, id, now)
	return secrets, o.db.Fail(ctx, "read secrets of webhook", err)
}

func (o *Office) webhookSecrets(q txn.Session, a crm.AccountID, id crm.WebhookID, now time.Time) ([]crm.Secret, error) {
	var sealed, old []byte
	var oldUntil time.Time
	found, err := q.First(txn.Into(&sealed, &old, txn.Instant{To: &oldUntil}), `
		SELECT secret, old_secret, old_until FROM webhooks WHERE account = $1 AND id = $2`, a, id)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, txn.NotFound("webhook")
	}
	both := [][]byte{sealed}
	if old != nil && now.Before(oldUntil) {
		both = append(both, old)
	}
	secrets := make([]crm.Secret, 0, len(both))
	for _, s := range both {
		secret, err := o.unsealWebhook(a, id, s)
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}
