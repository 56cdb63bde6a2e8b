// Package signin is the part of the store that knows who has begun to sign in
// at a mail provider and is not back yet.
package signin

import (
	"context"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/office"
	"mailsyncd.example/crm/store/txn"
)

// SignIns is that part, over a database.
type SignIns struct {
	db     *txn.DB
	sealer office.Sealer
}

// New makes SignIns.
func New(db *txn.DB, sealer office.Sealer) *SignIns { return &SignIns{db: db, sealer: sealer} }

// verifierPlace is the associated data of a sealed verifier. Reseal leaves
// verifiers alone: they are gone in a quarter of an hour, and the keyset keeps
// its old keys.
func verifierPlace(a crm.AccountID, u crm.UserID) []byte {
	return []byte("mailsyncd authorizations.verifier\x00" + string(a) + "\x00" + string(u))
}

// CreateAuthorization keeps what a user has begun until they come back with
// the state of this hash. A user has one at a time: another takes its place.
func (s *SignIns) CreateAuthorization(ctx context.Context, z crm.Authorization, h crm.TokenHash) error {
	l := z.Link
	sealed, err := s.sealer.Seal([]byte(string(z.Verifier)), verifierPlace(l.Account, l.User))
	if err != nil {
		return office.SealFailed("What is needed for signing in could not be encrypted", err)
	}
	server, err := txn.ToJSON(l.Server)
	if err != nil {
		return err
	}
	return s.db.Change(ctx, "create authorization", l.Account, func(t *txn.Tx) error {
		return t.Touch("user", `
			INSERT INTO authorizations (account, user_id, state, link, preset, address, server, username, provider, verifier, expires_at)
			SELECT account, id, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM users WHERE account = $1 AND id = $2
			ON CONFLICT (account, user_id) DO UPDATE SET
				state = excluded.state, link = excluded.link, preset = excluded.preset, address = excluded.address,
				server = excluded.server, username = excluded.username, provider = excluded.provider,
				verifier = excluded.verifier, expires_at = excluded.expires_at`,
			l.Account, l.User, h[:], l.ID, l.Preset, l.Address, server, l.Username, z.Provider, sealed, txn.MS(z.Expires))
	})
}

// TakeAuthorization returns what a user has begun, once: crm.NotFound where it
// was taken already, another was begun since, or its time is over.
func (s *SignIns) TakeAuthorization(ctx context.Context, a crm.AccountID, h crm.TokenHash, now time.Time) (crm.Authorization, error) {
	z := crm.Authorization{Link: crm.Link{Account: a, Auth: crm.AuthOAuth2}}
	err := s.db.Change(ctx, "take authorization", a, func(t *txn.Tx) error {
		var sealed []byte
		l := &z.Link
		found, err := t.First(txn.Into(&l.User, &l.ID, &l.Preset, &l.Address, txn.AsJSON{To: &l.Server}, &l.Username,
			&z.Provider, &sealed, txn.Instant{To: &z.Expires}), `
			DELETE FROM authorizations WHERE account = $1 AND state = $2
			RETURNING user_id, link, preset, address, server, username, provider, verifier, expires_at`, a, h[:])
		if err != nil {
			return err
		}
		if !found || !now.Before(z.Expires) {
			z = crm.Authorization{}
			return nil // so that one whose time is over is gone, too
		}
		plain, err := s.sealer.Open(sealed, verifierPlace(a, l.User))
		z.Verifier = crm.Secret(plain)
		return office.SealFailed("What is needed for signing in can't be decrypted", err)
	})
	if err == nil && z.Provider == "" {
		err = txn.NotFound("authorization")
	}
	if err != nil {
		return crm.Authorization{}, err
	}
	return z, nil
}
