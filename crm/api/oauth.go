package api

import (
	"context"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/web"
	"mailsyncd.example/crm/api/wire"
	"mailsyncd.example/crm/consent"
)

// beginOAuth begins what ends with a link: the answer tells where the user
// agrees. Nothing is stored that opens a mailbox yet.
func (s *server) beginOAuth(ctx context.Context, in *struct{ Body wire.OAuthInput }) (*reply[wire.OAuthBegun], error) {
	if err := s.mayLink(ctx); err != nil {
		return nil, err
	}
	c, body := caller(ctx), in.Body
	addr, err := wire.OneAddress("address", body.Address)
	if err != nil {
		return nil, err
	}
	l := crm.Link{Account: c.Account.ID, User: c.User.ID, Address: addr, Username: string(addr), Auth: crm.AuthOAuth2}
	var provider crm.OAuthProvider
	switch {
	case (body.PresetID == nil) == (body.Provider == nil):
		return nil, crm.E(crm.Invalid, "server_missing", "Say where the mailbox is: by preset_id or by provider, one of them.")
	case body.PresetID != nil:
		if err = s.applyPreset(ctx, crm.PresetID(*body.PresetID), &l); err == nil && l.Auth != crm.AuthOAuth2 {
			err = crm.E(crm.Invalid, "auth_mismatch", "This preset asks for a password; use POST /v1/links.")
		}
		if err == nil {
			provider, err = s.Issuers.ProviderOf(l.Server)
		}
	default:
		provider, err = s.Issuers.Provider(string(*body.Provider))
		l.Server = provider.IMAP
	}
	if err != nil {
		return nil, err
	}
	if body.Username != nil {
		l.Username = string(*body.Username)
	}
	return s.begun(ctx, l, provider)
}

// renewOAuth begins what gives a link another grant: its user took the one
// before back, or it had a password.
func (s *server) renewOAuth(ctx context.Context, in *LinkPath) (*reply[wire.OAuthBegun], error) {
	l, err := s.ownLink(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if !l.EndedAt.IsZero() {
		return nil, errLinkEnded()
	}
	provider, err := s.Issuers.ProviderOf(l.Server)
	if err != nil {
		return nil, err
	}
	return s.begun(ctx, l, provider)
}

func (s *server) begun(ctx context.Context, l crm.Link, provider crm.OAuthProvider) (*reply[wire.OAuthBegun], error) {
	url, until, err := s.consent.Begin(ctx, l, provider.Name)
	if err != nil {
		return nil, err
	}
	return &reply[wire.OAuthBegun]{wire.OAuthBegun{AuthorizationURL: url, ExpiresAt: wire.UTC(until)}}, nil
}

// finishOAuth is where the browser comes back to. A person reads the answer, so
// it is a page, whatever it says. Providers add parameters of their own.
func (s *server) finishOAuth(ctx context.Context, in *struct {
	State string `query:"state" doc:"As it was in authorization_url."`
	Code  string `query:"code" doc:"The provider's, to be turned into tokens."`
	Error string `query:"error" doc:"In place of code: why the provider refuses."`
}) (*huma.StreamResponse, error) {
	status, page := http.StatusOK, ""
	done, err := s.consent.Finish(ctx, consent.Return{State: in.State, Code: in.Code, Error: in.Error})
	if err != nil {
		p := ofSettings(web.ProblemOf(ctx, s.Log, err))
		status, page = p.Status, consent.FailurePage(string(p.Code), p.Detail)
	} else {
		page = done.Page()
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		hctx.SetHeader("Content-Type", "text/html; charset=utf-8")
		hctx.SetStatus(status)
		_, _ = io.WriteString(hctx.BodyWriter(), page) // a browser that has gone needs no page
	}}, nil
}
