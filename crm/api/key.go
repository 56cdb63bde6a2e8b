package api

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

func (s *server) createKey(ctx context.Context, in *struct {
	AccountPath
	Body *wire.KeyInput
}) (*reply[wire.NewKey], error) {
	now := s.Now()
	k := crm.AccountKey{Account: in.account(), ID: crm.KeyID(crm.NewID("key", now)), CreatedAt: now}
	if in.Body != nil {
		k.Name = string(in.Body.Name)
	}
	secret, hash := newToken("msk")
	if err := s.Store.CreateKey(ctx, k, hash); err != nil {
		return nil, err
	}
	return &reply[wire.NewKey]{wire.NewKey{Key: wire.KeyOf(k), Secret: secret}}, nil
}

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

func (s *server) deleteKey(ctx context.Context, in *struct {
	AccountPath
	Key wire.ID `path:"key_id"`
}) (*none, error) {
	return nil, s.Store.DeleteKey(ctx, in.account(), crm.KeyID(in.Key))
}
