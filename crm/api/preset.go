package api

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// PresetPath names a preset of the account.
type PresetPath struct {
	ID wire.ID `path:"id"`
}

func (p PresetPath) preset() crm.PresetID { return crm.PresetID(p.ID) }

func (s *server) createPreset(ctx context.Context, in *struct{ Body wire.PresetInput }) (*reply[wire.Preset], error) {
	now := s.Now()
	p := crm.Preset{Account: account(ctx), ID: crm.PresetID(crm.NewID("pre", now)), CreatedAt: now, UpdatedAt: now}
	if err := in.Body.Apply(&p); err != nil {
		return nil, err
	}
	if err := s.Store.CreatePreset(ctx, p); err != nil {
		return nil, err
	}
	return &reply[wire.Preset]{wire.PresetOf(p)}, nil
}

func (s *server) listPresets(ctx context.Context, in *pageInput) (*page[wire.Preset], error) {
	part, err := s.Store.ListPresets(ctx, account(ctx), in.paging())
	if err != nil {
		return nil, err
	}
	return mapped(part, wire.PresetOf), nil
}

func (s *server) getPreset(ctx context.Context, in *PresetPath) (*reply[wire.Preset], error) {
	p, err := s.Store.Preset(ctx, account(ctx), in.preset())
	if err != nil {
		return nil, err
	}
	return &reply[wire.Preset]{wire.PresetOf(p)}, nil
}

// updatePreset replaces all of a preset. Links made with it follow once their
// own credentials are known to work where it leads now; whoever owns their
// mailboxes tries that, at the next connect.
func (s *server) updatePreset(ctx context.Context, in *struct {
	PresetPath
	Body wire.PresetInput
}) (*reply[wire.PresetUpdated], error) {
	p, err := s.Store.Preset(ctx, account(ctx), in.preset())
	if err != nil {
		return nil, err
	}
	if err := in.Body.Apply(&p); err != nil {
		return nil, err
	}
	p.UpdatedAt = s.Now()
	following, err := s.Store.UpdatePreset(ctx, p)
	if err != nil {
		return nil, err
	}
	return &reply[wire.PresetUpdated]{wire.PresetUpdated{Preset: wire.PresetOf(p), LinksFollowing: following}}, nil
}

// deletePreset takes away a recommendation; links made with it stand.
func (s *server) deletePreset(ctx context.Context, in *PresetPath) (*none, error) {
	return nil, s.Store.DeletePreset(ctx, account(ctx), in.preset())
}
