package api

import (
	"context"
	"net/http"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/gate"
	"mailsyncd.example/crm/api/wire"
)

// UserPath names a user of the account.
type UserPath struct {
	ID wire.ForeignID `path:"id" doc:"The CRM's id of the user."`
}

func (p UserPath) user() crm.UserID { return crm.UserID(p.ID) }

// putUser answers with what was stored and not with what was sent: addresses
// come back in the form in which they are compared.
func (s *server) putUser(ctx context.Context, in *struct {
	UserPath
	Body wire.UserInput
}) (*saved[wire.User], error) {
	now := s.Now()
	u, err := in.Body.User(account(ctx), in.user(), now)
	if err != nil {
		return nil, err
	}
	created, err := s.Store.PutUser(ctx, u, now)
	if err != nil {
		return nil, err
	}
	if u, err = s.Store.User(ctx, u.Account, u.ID); err != nil {
		return nil, err
	}
	return &saved[wire.User]{Status: putStatus(created), Body: wire.UserOf(u)}, nil
}

func (s *server) listUsers(ctx context.Context, in *pageInput) (*page[wire.User], error) {
	part, err := s.Store.ListUsers(ctx, account(ctx), in.paging())
	if err != nil {
		return nil, err
	}
	return mapped(part, wire.UserOf), nil
}

func (s *server) getUser(ctx context.Context, in *UserPath) (*reply[wire.User], error) {
	u, err := s.Store.User(ctx, account(ctx), in.user())
	if err != nil {
		return nil, err
	}
	return &reply[wire.User]{wire.UserOf(u)}, nil
}

// deleteUser ends the user's link; the mail that it brought stays.
func (s *server) deleteUser(ctx context.Context, in *UserPath) (*none, error) {
	return nil, s.Store.DeleteUser(ctx, account(ctx), in.user(), s.Now())
}

// createToken makes a token that acts as the user, for a while. What it may do
// is settled anew with every request, so it is bound to no role.
func (s *server) createToken(ctx context.Context, in *struct {
	UserPath
	Body wire.TokenInput
}) (*reply[wire.Token], error) {
	u, err := s.Store.User(ctx, account(ctx), in.user())
	if err != nil {
		return nil, err
	}
	if !u.Active {
		return nil, crm.E(crm.Conflict, "user_inactive", "The user is not active; make them active first.")
	}
	expires := s.Now().Add(time.Duration(in.Body.TTLSeconds) * time.Second)
	token, hash := gate.NewToken("mst")
	if err := s.Store.CreateToken(ctx, u.Account, u.ID, hash, expires); err != nil {
		return nil, err
	}
	return &reply[wire.Token]{wire.Token{Token: token, ExpiresAt: wire.UTC(expires)}}, nil
}

// putStatus tells whether a PUT has made something.
func putStatus(created bool) int {
	if created {
		return http.StatusCreated
	}
	return http.StatusOK
}
