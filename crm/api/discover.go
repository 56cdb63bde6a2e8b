package api

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
	"mailsyncd.example/crm/preset"
	"mailsyncd.example/crm/provider"
)

// discoverLink finds the settings to try for an address, so that a user needs
// to know no more than that and a password. What the account recommends comes
// first, and the same server from elsewhere is not told again.
func (s *server) discoverLink(ctx context.Context, in *struct{ Body wire.DiscoverInput }) (*reply[wire.Discovered], error) {
	addr, err := wire.MailAddress("address", in.Body.Address)
	if err != nil {
		return nil, err
	}
	use, err := s.Store.DomainUse(ctx, account(ctx), provider.Domain(addr))
	if err != nil {
		return nil, err
	}
	found := s.Finder.Discover(ctx, addr)
	candidates := preset.For(addr, use, found.Candidates)
	recommended := map[crm.Server]bool{}
	for _, c := range candidates {
		recommended[c.IMAP] = true
	}
	for _, c := range found.Candidates {
		if !recommended[c.IMAP] {
			candidates = append(candidates, c)
		}
	}
	found.Candidates = candidates
	return &reply[wire.Discovered]{wire.DiscoveredOf(addr, found)}, nil
}
