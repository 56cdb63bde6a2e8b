package vault

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"mailsyncd.example/crm/store/office"
	"mailsyncd.example/crm/store/txn"
)

// tried is how many credentials TryCredentials looks at: the keyset is one for
// all, so that some tell of the others.
const tried = 100

func (v *Vault) opens(sealed, place []byte) bool {
	_, err := v.sealer.Open(sealed, place)
	return err == nil
}

// TrySealer opens some of the credentials, and the webhooks' secrets, if there
// are any: it fails where the Sealer is not the one that they were sealed with.
func (v *Vault) TrySealer(ctx context.Context) error {
	some, err := v.credentialsAfter(ctx, credential{}, tried)
	for _, c := range some {
		if _, err := v.sealer.Open(c.sealed, c.place()); err != nil {
			return office.SealFailed("The credential of link "+string(c.link)+" can't be decrypted", err)
		}
	}
	if err != nil {
		return v.db.Fail(ctx, "try the sealer", err)
	}
	all, err := v.webhooks(ctx)
	for _, s := range all {
		if _, err := v.sealer.Open(s.secret, s.place()); err != nil {
			return office.SealFailed("The secret of webhook "+string(s.webhook)+" can't be decrypted", err)
		}
	}
	return v.db.Fail(ctx, "try the sealer", err)
}

// TryCredentials looks at some credentials, a hundred at most, and tells how
// many those are, and how many of them the Sealer opens.
func (v *Vault) TryCredentials(ctx context.Context) (stored, opened int, err error) {
	some, err := v.credentialsAfter(ctx, credential{}, tried)
	for _, c := range some {
		if v.opens(c.sealed, c.place()) {
			opened++
		}
	}
	return len(some), opened, v.db.Fail(ctx, "try credentials", err)
}

// LostCredentials counts the credentials that the Sealer does not open.
func (v *Vault) LostCredentials(ctx context.Context) (n int, err error) {
	return v.lost(ctx, func(credential) error { return nil })
}

// ForgetLost erases the credentials that the Sealer does not open, and returns
// how many those were. Their users are told: the links wait for a new one.
// Webhooks whose secret is lost get one that nobody knows: what is posted waits
// at their endpoints, which refuse it, until the secret is rotated. Where it is
// interrupted, it can be run again.
func (v *Vault) ForgetLost(ctx context.Context, at time.Time) (n int, err error) {
	if err := v.forgetSecrets(ctx); err != nil {
		return 0, err
	}
	return v.lost(ctx, func(c credential) error {
		err := v.office.Reject(ctx, c.account, c.link, "The stored password or sign-in was lost here; enter the password again, or sign in again.", 0, at)
		if err != nil {
			return err
		}
		return v.db.Change(ctx, "forget credential", c.account, func(t *txn.Tx) error {
			return t.Write(`
				UPDATE links SET credential = NULL WHERE account = $1 AND id = $2 AND credential = $3`,
				c.account, c.link, c.sealed)
		})
	})
}

// lost hands over the credentials that the Sealer does not open, and returns
// how many there are.
func (v *Vault) lost(ctx context.Context, each func(credential) error) (n int, err error) {
	after := credential{}
	for {
		group, err := v.credentialsAfter(ctx, after, groupSize)
		if err != nil || len(group) == 0 {
			return n, v.db.Fail(ctx, "find lost credentials", err)
		}
		for _, c := range group {
			if v.opens(c.sealed, c.place()) {
				continue
			}
			if err := each(c); err != nil {
				return n, err
			}
			n++
		}
		after = group[len(group)-1]
	}
}

func (v *Vault) forgetSecrets(ctx context.Context) error {
	all, err := v.webhooks(ctx)
	if err != nil {
		return v.db.Fail(ctx, "find lost secrets", err)
	}
	return v.db.Transact(ctx, "forget secrets", func(t *txn.Tx) error {
		for _, s := range all {
			secret, old := s.secret, s.old
			if !v.opens(secret, s.place()) {
				unknown := "whsec_" + base64.StdEncoding.EncodeToString([]byte(rand.Text()))
				var err error
				if secret, err = v.sealer.Seal([]byte(unknown), s.place()); err != nil {
					return office.SealFailed("A webhook's secret could not be encrypted", err)
				}
			}
			if old != nil && !v.opens(old, s.place()) {
				old = nil
			}
			if err := v.replace(t, s, secret, old); err != nil {
				return err
			}
		}
		return nil
	})
}
