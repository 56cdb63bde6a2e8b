package api

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/gate"
	"mailsyncd.example/crm/api/wire"
)

// createKey makes a key and shows it this once. An account may have several, so
// that one can take another's place while both are valid.
func (s *server) createKey(ctx context.Context, in *struct {
	AccountPath
	Body *wire.KeyInput
}) (*reply[wire.NewKey], error) {
	now := s.Now()
	k := crm.AccountKey{Account: in.account(), ID: crm.KeyID(crm.NewID("key", now)), CreatedAt: now}
	if in.Body != nil {
		k.Name = string(in.Body.Name)
	}
	secret, hash := gate.NewToken("msk")
	if err := s.Store.CreateKey(ctx, k, hash); err != nil {
		return nil, err
	}
	return &reply[wire.NewKey]{wire.NewKey{Key: wire.KeyOf(k), Secret: secret}}, nil
}

// listKeys asks for the account first: a list of no account's keys would be
// empty, and look like an account without keys.
func (s *server) listKeys(ctx context.Context, in *struct {
	AccountPath
	Paging
}) (*page[wire.Key], error) {
	if _, err := s.Store.Account(ctx, in.account()); err != nil {
		return nil, err
	}
	part, err := s.Store.ListKeys(ctx, in.account(), in.paging())
	if err != nil {
		return nil, err
	}
	return mapped(part, wire.KeyOf), nil
}

// deleteKey ends a key with the next request that is made with it.
func (s *server) deleteKey(ctx context.Context, in *struct {
	AccountPath
	Key wire.ID `path:"key_id"`
}) (*none, error) {
	return nil, s.Store.DeleteKey(ctx, in.account(), crm.KeyID(in.Key))
}
