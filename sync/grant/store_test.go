package grant_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/grant"
)

// flaky is a store that can't write what a refresh has brought while away says
// so.
type flaky struct {
	grant.Store
	away *atomic.Bool
}

func (f flaky) RenewGrant(ctx context.Context, a crm.AccountID, l crm.LinkID, next crm.Grant) error {
	if f.away.Load() {
		return crm.E(crm.Unavailable, "database", "The database is away.")
	}
	return f.Store.RenewGrant(ctx, a, l, next)
}

// What a refresh has brought is not used before it is stored, and not lost
// either: the refresh token that it was made from is worth nothing any more.
func TestWhatCanNotBeStoredIsKept(t *testing.T) {
	h := newHouse(t)
	l := h.link("aoi", -time.Hour) // good no more
	away := &atomic.Bool{}
	r := h.process(func(o *grant.Options) { o.Store = flaky{h.store, away} })
	away.Store(true)
	for range 3 {
		_, err := h.connect(r, l)
		h.wantError(err, crm.Unavailable, "database")
	}
	if len(h.shown) != 0 {
		t.Error("a token was used that is not stored")
	}
	h.wantCounts("while the database is away", 1, 0)
	away.Store(false)
	_, err := h.connect(r, l)
	h.must(err)
	h.wantCounts("afterwards", 1, 0)
	if g := h.grant(l); g.Access != h.shown[0] || g.Turn != 1 {
		t.Errorf("stored is turn %d", g.Turn)
	}
}

// A process that stops stores what it has been given before it is gone.
func TestCloseStoresWhatIsLeft(t *testing.T) {
	h := newHouse(t)
	l := h.link("aoi", -time.Hour)
	away := &atomic.Bool{}
	away.Store(true)
	r := grant.New(grant.Options{Store: flaky{h.store, away}, Issuers: h.issuers, Now: h.clock.Now})
	_, err := h.connect(r, l)
	h.wantError(err, crm.Unavailable, "database")
	h.wantError(r.Close(t.Context()), crm.Unavailable, "database")
	away.Store(false)
	h.must(r.Close(t.Context()))
	if g := h.grant(l); g.Turn != 1 {
		t.Errorf("stored is turn %d", g.Turn)
	}
	// A timer that went off at the last moment must not begin another refresh.
	h.clock.advance(2 * time.Hour)
	_, err = h.connect(r, l)
	h.wantError(err, crm.Unavailable, "grant_busy")
	if g := h.grant(l); g.Turn != 1 {
		t.Errorf("refreshed after the end: turn %d", g.Turn)
	}
}

// Whoever signs in again while the old grant is refreshed has the last word.
func TestSignedInAgainMeanwhile(t *testing.T) {
	h := newHouse(t)
	r := h.process(nil)
	l := h.link("aoi", -time.Hour)
	letGo := h.server.Hold()
	opened := make(chan error, 1)
	go func() {
		_, err := h.connect(r, l)
		opened <- err
	}()
	h.server.UntilAsked(t, 1)
	access, refresh := h.server.Grant("aoi")
	again := crm.Grant{
		ID: "grt_again", Provider: "acme", Access: crm.Secret(access), Refresh: crm.Secret(refresh),
		RenewAt: h.clock.Now().Add(time.Hour), Expires: h.clock.Now().Add(2 * time.Hour),
	}
	_, err := h.store.ReplaceGrant(t.Context(), account, l.Link, again)
	h.must(err)
	letGo()
	h.must(<-opened)
	if h.shown[0] != again.Access || h.grant(l).ID != again.ID {
		t.Error("the grant that was replaced has come back")
	}
}

// A process that was killed during a refresh holds nobody up for long.
func TestAClaimEndsByItself(t *testing.T) {
	h := newHouse(t)
	l := h.link("aoi", -time.Hour)
	until := h.clock.Now().Add(time.Minute)
	if ours, err := h.store.ClaimGrant(t.Context(), account, l.Link, h.grant(l), h.clock.Now(), until); err != nil || !ours {
		t.Fatal(ours, err)
	}
	opened := make(chan error, 1)
	r := h.process(nil)
	go func() {
		_, err := h.connect(r, l)
		opened <- err
	}()
	h.clock.advance(time.Minute)
	h.must(<-opened)
	h.wantCounts("after the claim", 1, 0)
}

// A link that ends takes its grant along, and nobody asks for it any more.
func TestLinkEnds(t *testing.T) {
	h := newHouse(t)
	r := h.process(nil)
	l := h.link("aoi", -time.Hour)
	h.must(h.store.EndLink(t.Context(), account, l.Link, crm.EndedUnlinked, h.clock.Now()))
	_, err := h.connect(r, l)
	h.wantError(err, crm.NotFound, "link_not_found")
	h.wantCounts("of a link that has ended", 0, 0)
}
