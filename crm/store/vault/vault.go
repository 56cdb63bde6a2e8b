// Package vault is the part of the store that looks after everything that is
// sealed, whosever it is: whether the keys open it, new keys for all of it, and
// what becomes of it where the keys are lost.
package vault

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/office"
	"mailsyncd.example/crm/store/txn"
)

// Vault is that part, over a database.
type Vault struct {
	db     *txn.DB
	sealer office.Sealer
	office *office.Office
}

// New makes a Vault. The office must have the same Sealer.
func New(db *txn.DB, sealer office.Sealer, o *office.Office) *Vault { return &Vault{db, sealer, o} }

// groupSize is how many credentials are read, and encrypted again in one
// transaction.
const groupSize = 200

// credential is a link's password or grant as it is stored.
type credential struct {
	account crm.AccountID
	link    crm.LinkID
	sealed  []byte
}

func (c credential) place() []byte { return office.CredentialPlace(c.account, c.link) }

// credentialsAfter lists credentials in the order of their links, behind one.
func (v *Vault) credentialsAfter(ctx context.Context, after credential, limit int) ([]credential, error) {
	return txn.All(v.db.Reading(ctx), func(scan txn.Scan) (credential, error) {
		var c credential
		err := scan(&c.account, &c.link, &c.sealed)
		return c, err
	}, `
		SELECT account, id, credential FROM links
		WHERE credential IS NOT NULL AND (account, id) > ($1, $2)
		ORDER BY account, id LIMIT $3`, after.account, after.link, limit)
}

// secrets are a webhook's as they are stored; old is nil where there is none.
type secrets struct {
	account     crm.AccountID
	webhook     crm.WebhookID
	secret, old []byte
}

func (s secrets) place() []byte { return office.WebhookPlace(s.account, s.webhook) }

// webhooks lists the secrets of all webhooks: an account has few.
func (v *Vault) webhooks(ctx context.Context) ([]secrets, error) {
	return txn.All(v.db.Reading(ctx), func(scan txn.Scan) (secrets, error) {
		var s secrets
		err := scan(&s.account, &s.webhook, &s.secret, &s.old)
		return s, err
	}, `SELECT account, id, secret, old_secret FROM webhooks ORDER BY account, id`)
}

// again encrypts what is sealed for a place with the newest key; nil of nil.
func (v *Vault) again(sealed, place []byte, what string) ([]byte, error) {
	if sealed == nil {
		return nil, nil
	}
	plain, err := v.sealer.Open(sealed, place)
	if err == nil {
		sealed, err = v.sealer.Seal(plain, place)
	}
	return sealed, office.SealFailed(what+" can't be decrypted", err)
}

// Reseal encrypts every credential again, with the key that the Sealer uses
// now, and every webhook's secrets, and returns how many there are. Links and
// webhooks go on meanwhile: what is replaced or erased needs nothing. Where it
// is interrupted, it can be run again.
func (v *Vault) Reseal(ctx context.Context) (n int, err error) {
	if n, err = v.resealWebhooks(ctx); err != nil {
		return n, err
	}
	after := credential{}
	for {
		group, err := v.credentialsAfter(ctx, after, groupSize)
		if err != nil || len(group) == 0 {
			return n, v.db.Fail(ctx, "reseal", err)
		}
		if err := v.resealGroup(ctx, group); err != nil {
			return n, err
		}
		n += len(group)
		after = group[len(group)-1]
	}
}

func (v *Vault) resealGroup(ctx context.Context, group []credential) error {
	return v.db.Transact(ctx, "reseal", func(t *txn.Tx) error {
		for _, c := range group {
			sealed, err := v.again(c.sealed, c.place(), "The credential of link "+string(c.link))
			if err != nil {
				return err
			}
			err = t.Write(`
				UPDATE links SET credential = $3 WHERE account = $1 AND id = $2 AND credential = $4`,
				c.account, c.link, sealed, c.sealed)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (v *Vault) resealWebhooks(ctx context.Context) (n int, err error) {
	all, err := v.webhooks(ctx)
	if err != nil {
		return 0, v.db.Fail(ctx, "reseal", err)
	}
	return len(all), v.db.Transact(ctx, "reseal", func(t *txn.Tx) error {
		for _, s := range all {
			what := "The secret of webhook " + string(s.webhook)
			secret, err := v.again(s.secret, s.place(), what)
			if err != nil {
				return err
			}
			old, err := v.again(s.old, s.place(), what)
			if err != nil {
				return err
			}
			if err := v.replace(t, s, secret, old); err != nil {
				return err
			}
		}
		return nil
	})
}

// replace gives a webhook other secrets, unless it has got others meanwhile.
func (v *Vault) replace(t *txn.Tx, s secrets, secret, old []byte) error {
	return t.Write(`
		UPDATE webhooks SET secret = $3, old_secret = $4 WHERE account = $1 AND id = $2 AND secret = $5`,
		s.account, s.webhook, secret, old, s.secret)
}
