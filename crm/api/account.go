package api

import (
	"context"
	"regexp"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// AccountPath names an account; only the operator does.
type AccountPath struct {
	ID wire.ID `path:"id"`
}

// account is the one of the path: not of the token, which is the operator's.
func (p AccountPath) account() crm.AccountID { return crm.AccountID(p.ID) }

// createAccount makes an account that may have links at once. Its id is ours:
// the CRM may call two of its companies the same.
func (s *server) createAccount(ctx context.Context, in *struct{ Body wire.AccountInput }) (*reply[wire.Account], error) {
	now := s.Now()
	a := crm.Account{
		ID: crm.AccountID(crm.NewID("acc", now)), Name: string(in.Body.Name), CreatedAt: now,
		Status: crm.AccountActive, MailEnabled: true, ContactVisibility: crm.VisibleAll,
	}
	in.Body.Apply(&a)
	if err := s.Store.CreateAccount(ctx, a); err != nil {
		return nil, err
	}
	return &reply[wire.Account]{wire.AccountOf(a)}, nil
}

func (s *server) listAccounts(ctx context.Context, in *pageInput) (*page[wire.Account], error) {
	part, err := s.Store.ListAccounts(ctx, in.paging())
	if err != nil {
		return nil, err
	}
	return mapped(part, wire.AccountOf), nil
}

func (s *server) getAccount(ctx context.Context, in *AccountPath) (*reply[wire.Account], error) {
	a, err := s.Store.Account(ctx, in.account())
	if err != nil {
		return nil, err
	}
	return &reply[wire.Account]{wire.AccountOf(a)}, nil
}

// updateAccount changes what the patch names. An account that may have no mail
// any more loses its links in the same transaction.
func (s *server) updateAccount(ctx context.Context, in *struct {
	AccountPath
	Body wire.AccountPatch
}) (*reply[wire.Account], error) {
	a, err := s.Store.Account(ctx, in.account())
	if err != nil {
		return nil, err
	}
	if in.Body.Name != nil {
		a.Name = string(*in.Body.Name)
	}
	in.Body.Apply(&a)
	if err := s.Store.UpdateAccount(ctx, a, s.Now()); err != nil {
		return nil, err
	}
	return &reply[wire.Account]{wire.AccountOf(a)}, nil
}

// accountID is what our ids of accounts look like; nothing else gets near the
// files of accounts.
var accountID = regexp.MustCompile(`^acc_[0-9a-z]+$`)

// deleteAccount erases the files after the rows that name them. Where that
// fails halfway, deleting the account again goes on, though it isn't found.
func (s *server) deleteAccount(ctx context.Context, in *AccountPath) (*none, error) {
	notFound := s.Store.DeleteAccount(ctx, in.account(), s.Now())
	if notFound != nil && (crm.KindOf(notFound) != crm.NotFound || !accountID.MatchString(string(in.ID))) {
		return nil, notFound
	}
	if err := s.Blobs.DeleteAccount(ctx, in.account()); err != nil {
		return nil, crm.Wrap(crm.Unavailable, "content_not_erased", "The account is deleted, but not all of its mail could be erased; delete it again.", err)
	}
	return nil, notFound
}
