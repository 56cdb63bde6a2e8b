package api

import (
	"context"
	"net/http"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/web"
	"mailsyncd.example/crm/api/wire"
	"mailsyncd.example/crm/preset"
)

// asking is a link that somebody asks for.
type asking struct{ crm.Link }

func (a asking) login(secret crm.Secret) crm.Login {
	return crm.Login{Account: a.Account, Link: a.ID, Server: a.Server, Username: a.Username, Auth: a.Auth, Secret: secret}
}

// testLink opens the mailbox and stores nothing. That it can't be opened is an
// answer here and no problem. Where the user is to sign in at a provider, all
// that can be tested is whether the server takes what comes of it.
func (s *server) testLink(ctx context.Context, in *struct{ Body wire.LinkInput }) (*reply[wire.Tested], error) {
	l, err := s.asked(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	if l.Auth == crm.AuthOAuth2 && in.Body.Password != "" {
		return nil, errOAuthPreset()
	}
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	found := s.Watcher.Probe(ctx, l.login(crm.Secret(in.Body.Password)))
	out := wire.Tested{OK: found.Err == nil, Steps: wire.Each(found.Steps, wire.StepOf)}
	if found.Err != nil {
		p := web.ProblemOf(ctx, s.Log, found.Err)
		out.Code, out.Detail = p.Code, p.Detail
	}
	if n := len(out.Steps); out.Code == "sign_in_needed" && n > 0 {
		out.OK, out.Steps[n-1].OK = true, true
	}
	return &reply[wire.Tested]{out}, nil
}

// asked makes a link of what the caller sent, a preset's settings filled in.
func (s *server) asked(ctx context.Context, in wire.LinkInput) (asking, error) {
	c := caller(ctx)
	addr, err := wire.OneAddress("address", in.Address)
	if err != nil {
		return asking{}, err
	}
	l := crm.Link{Account: c.Account.ID, User: c.User.ID, Address: addr, Username: string(addr), Auth: crm.AuthPassword}
	switch {
	case (in.PresetID == nil) == (in.IMAP == nil):
		return asking{}, crm.E(crm.Invalid, "server_missing", "Say where the mailbox is: by preset_id or by imap, one of them.")
	case in.PresetID != nil:
		err = s.applyPreset(ctx, crm.PresetID(*in.PresetID), &l)
	default:
		l.Server, err = in.IMAP.AsIMAP()
	}
	if in.Username != nil {
		l.Username = string(*in.Username)
	}
	if err == nil && l.Auth == crm.AuthPassword && in.Password == "" {
		err = crm.E(crm.Invalid, "field_missing", "body.password: this field must be there; add it.")
	}
	return asking{l}, err
}

func errOAuthPreset() error {
	return crm.E(crm.Invalid, "auth_mismatch", "This preset asks for OAuth 2, not for a password; begin with POST /v1/links/oauth.")
}

// applyPreset fills in what the account recommends. A preset that is unknown is
// bad input here: the path was right.
func (s *server) applyPreset(ctx context.Context, id crm.PresetID, l *crm.Link) error {
	p, err := s.Store.Preset(ctx, l.Account, id)
	if crm.KindOf(err) == crm.NotFound {
		return crm.E(crm.Invalid, "preset_unknown", "There is no preset with this preset_id; GET /v1/presets lists those there are.")
	}
	if err != nil {
		return err
	}
	l.Preset, l.Server, l.Auth, l.Username = p.ID, p.IMAP, p.Auth, preset.Username(p.Username, l.Address)
	return nil
}

// probe opens the mailbox; where that fails, the problem shows how far it went.
func (s *server) probe(ctx context.Context, login crm.Login) (crm.Probe, error) {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	found := s.Watcher.Probe(ctx, login)
	if found.Err == nil {
		return found, nil
	}
	return found, s.unopened(ctx, found.Err, found.Steps)
}

// unopened is the problem of a mailbox that could not be opened.
func (s *server) unopened(ctx context.Context, err error, steps []crm.Step) error {
	p := ofSettings(web.ProblemOf(ctx, s.Log, err))
	p.Steps = wire.Each(steps, wire.StepOf)
	return p
}

// ofSettings makes a problem with a server one with what the caller sent: the
// settings were the caller's, and are what has to be mended.
func ofSettings(p *wire.Problem) *wire.Problem {
	if p.Status == http.StatusBadGateway || p.Status == http.StatusForbidden {
		p.Status, p.Title = http.StatusUnprocessableEntity, http.StatusText(http.StatusUnprocessableEntity)
	}
	return p
}
