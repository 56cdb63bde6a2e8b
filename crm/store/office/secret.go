package office

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// credentialPlace is the associated data of a sealed credential: it opens in
// this column of this link alone.
func credentialPlace(a crm.AccountID, l crm.LinkID) []byte {
	return []byte("mailsyncd links.credential\x00" + string(a) + "\x00" + string(l))
}

func (o *Office) seal(a crm.AccountID, l crm.LinkID, secret crm.Secret) ([]byte, error) {
	sealed, err := o.sealer.Seal([]byte(string(secret)), credentialPlace(a, l))
	return sealed, SealFailed("A credential could not be encrypted", err)
}

func (o *Office) unseal(a crm.AccountID, l crm.LinkID, sealed []byte) (crm.Secret, error) {
	plain, err := o.sealer.Open(sealed, credentialPlace(a, l))
	return crm.Secret(plain), SealFailed("The credential of link "+string(l)+" can't be decrypted", err)
}

// SealFailed makes an error of one of the Sealer's; nil of nil.
func SealFailed(what string, err error) error {
	if err == nil || crm.CodeOf(err) == errNoSealer.Code {
		return err
	}
	return crm.Wrap(crm.Internal, "credential_unreadable", what+"; give the daemon the keys with which the others were encrypted.", err)
}

// TrySealer opens one of the sealed credentials, and one of the webhooks'
// secrets, if there are any: it fails where the Sealer is not the one that they
// were sealed with.
func (o *Office) TrySealer(ctx context.Context) error {
	var l sealedLink
	found, err := o.db.Reading(ctx).First(txn.Into(&l.account, &l.id, &l.sealed), `
		SELECT account, id, credential FROM links WHERE credential IS NOT NULL ORDER BY linked_at DESC LIMIT 1`)
	if err == nil && found {
		_, err = o.unseal(l.account, l.id, l.sealed)
	}
	if err != nil {
		return o.db.Fail(ctx, "try the sealer", err)
	}
	var account crm.AccountID
	var webhook crm.WebhookID
	var sealed []byte
	found, err = o.db.Reading(ctx).First(txn.Into(&account, &webhook, &sealed), `
		SELECT account, id, secret FROM webhooks ORDER BY created_at DESC LIMIT 1`)
	if err == nil && found {
		_, err = o.unsealWebhook(account, webhook, sealed)
	}
	return o.db.Fail(ctx, "try the sealer", err)
}

// resealGroup is how many credentials are encrypted in one transaction.
const resealGroup = 200

// Reseal encrypts every credential again, with the key that the Sealer uses
// now, and every webhook's secrets, and returns how many there are. Links and
// webhooks go on meanwhile. Where it is interrupted, it can be run again.
func (o *Office) Reseal(ctx context.Context) (n int, err error) {
	if n, err = o.resealWebhooks(ctx); err != nil {
		return n, err
	}
	after := sealedLink{}
	for {
		group, err := txn.All(o.db.Reading(ctx), scanSealedLink, `
			SELECT account, id, credential FROM links
			WHERE credential IS NOT NULL AND (account, id) > ($1, $2)
			ORDER BY account, id LIMIT $3`, after.account, after.id, resealGroup)
		if err != nil {
			return n, o.db.Fail(ctx, "reseal", err)
		}
		if len(group) == 0 {
			return n, nil
		}
		if err := o.resealGroup(ctx, group); err != nil {
			return n, err
		}
		n += len(group)
		after = group[len(group)-1]
	}
}

type sealedLink struct {
	account crm.AccountID
	id      crm.LinkID
	sealed  []byte
}

func scanSealedLink(scan txn.Scan) (sealedLink, error) {
	var l sealedLink
	err := scan(&l.account, &l.id, &l.sealed)
	return l, err
}

func (o *Office) resealGroup(ctx context.Context, group []sealedLink) error {
	return o.transact(ctx, "reseal", func(t tx) error {
		for _, l := range group {
			secret, err := o.unseal(l.account, l.id, l.sealed)
			if err != nil {
				return err
			}
			again, err := o.seal(l.account, l.id, secret)
			if err != nil {
				return err
			}
			// One that was replaced or erased meanwhile needs nothing.
			err = t.Write(`
				UPDATE links SET credential = $3 WHERE account = $1 AND id = $2 AND credential = $4`,
				l.account, l.id, again, l.sealed)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
