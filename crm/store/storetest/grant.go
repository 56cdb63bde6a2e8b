package storetest

import (
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
)

// grant is what a person has agreed to now.
func (h *house) grant(id crm.GrantID) crm.Grant {
	return crm.Grant{
		ID: id, Provider: "acme", Refresh: "refresh of " + crm.Secret(id), Access: "access of " + crm.Secret(id),
		Expires: h.now.Add(time.Hour), RenewAt: h.now.Add(50 * time.Minute),
	}
}

// A grant stands in the place of a password, and is erased with its link.
func testGrants(t *testing.T, open Opener) {
	keys := &box{key: 1}
	h := newHouseIn(t, open(t, store.Options{Sealer: keys}), "acc_1")
	ctx := t.Context()
	h.user("u1")
	g := h.grant("grt_1")
	l := value(h.LinkByGrant(ctx, h.linkOf("u1", "box1"), g, nil))(h)
	same(t, "auth", l.Auth, crm.AuthOAuth2)
	same(t, "grant", value(h.Grant(ctx, h.account, l.ID))(h), g)
	login := crm.Login{Account: h.account, Link: l.ID, Server: l.Server, Username: "box1", Auth: crm.AuthOAuth2, Grant: "grt_1"}
	logins := func() []crm.Login { return value(h.Standing(ctx, h.account, l.Mailbox))(h).Logins }
	same(t, "logins", logins(), []crm.Login{login})

	// A refresh is no other login; signing in again is.
	next := g
	next.Refresh, next.Access, next.Turn = "refresh 2", "access 2", 1
	h.must(h.RenewGrant(ctx, h.account, l.ID, next))
	same(t, "grant, refreshed", value(h.Grant(ctx, h.account, l.ID))(h), next)
	same(t, "logins", logins(), []crm.Login{login})
	keys.key = 2
	same(t, "resealed", value(h.Reseal(ctx))(h), 1)
	same(t, "grant, resealed", value(h.Grant(ctx, h.account, l.ID))(h), next)
	h.must(h.Reject(ctx, h.account, l.ID, "withdrawn", 0, h.now))
	same(t, "logins of a grant that was withdrawn", len(logins()), 0)
	same(t, "status", value(h.ReplaceGrant(ctx, h.account, l.ID, h.grant("grt_2")))(h).Status, crm.LinkSyncing)
	login.Grant = "grt_2"
	same(t, "logins", logins(), []crm.Login{login})

	// A password takes its place, and the other way round.
	same(t, "auth", value(h.ReplaceSecret(ctx, h.account, l.ID, "hunter2", h.now))(h).Auth, crm.AuthPassword)
	same(t, "secret", logins()[0].Secret, crm.Secret("hunter2"))
	_, err := h.Grant(ctx, h.account, l.ID)
	fails(t, err, crm.NotFound, "link_not_found")
	fails(t, h.RenewGrant(ctx, h.account, l.ID, next), crm.NotFound, "link_not_found")
	same(t, "auth", value(h.ReplaceGrant(ctx, h.account, l.ID, g))(h).Auth, crm.AuthOAuth2)

	h.must(h.EndLink(ctx, h.account, l.ID, crm.EndedUnlinked, h.now))
	_, err = h.Grant(ctx, h.account, l.ID)
	fails(t, err, crm.NotFound, "link_not_found")
	fails(t, h.RenewGrant(ctx, h.account, l.ID, next), crm.NotFound, "link_not_found")
	_, err = h.ReplaceGrant(ctx, h.account, l.ID, g)
	fails(t, err, crm.Conflict, "link_ended")
}

// One at a time refreshes, and what it brought from a grant that is not there
// any more is not written.
func testGrantClaims(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	h.user("u1")
	g := h.grant("grt_1")
	l := value(h.LinkByGrant(ctx, h.linkOf("u1", "box1"), g, nil))(h)
	claim := func(g crm.Grant) bool {
		t.Helper()
		return value(h.ClaimGrant(ctx, h.account, l.ID, g, h.now, h.now.Add(time.Minute)))(h)
	}
	same(t, "first claim", claim(g), true)
	same(t, "second claim", claim(g), false)
	h.must(h.ReleaseGrant(ctx, h.account, l.ID, h.now.Add(time.Hour))) // somebody else's
	same(t, "claim after another's release", claim(g), false)
	h.must(h.ReleaseGrant(ctx, h.account, l.ID, h.now.Add(time.Minute)))
	same(t, "claim after the release", claim(g), true)
	h.pass(time.Minute)
	same(t, "claim after its time", claim(g), true)

	next := g
	next.Refresh, next.Turn = "refresh 2", 1
	h.must(h.RenewGrant(ctx, h.account, l.ID, next))
	fails(t, h.RenewGrant(ctx, h.account, l.ID, next), crm.Conflict, "grant_changed") // who was late
	same(t, "claim of one who has read it before", claim(g), false)
	same(t, "claim of one who has read it since", claim(next), true)
	value(h.ReplaceGrant(ctx, h.account, l.ID, h.grant("grt_2")))(h)
	next.Turn = 2
	fails(t, h.RenewGrant(ctx, h.account, l.ID, next), crm.Conflict, "grant_changed")
	same(t, "claim of the old grant", claim(next), false)
	same(t, "claim of the new grant", claim(h.grant("grt_2")), true)
}

func testAuthorizations(t *testing.T, open Opener) {
	keys := &box{key: 1}
	h := newHouseIn(t, open(t, store.Options{Sealer: keys}), "acc_1")
	ctx := t.Context()
	h.user("u1")
	l := h.linkOf("u1", "box1")
	l.ID, l.Preset, l.LinkedAt, l.Auth = "lnk_1", "pre_1", time.Time{}, crm.AuthOAuth2
	z := crm.Authorization{Link: l, Provider: "acme", Verifier: "proof", Expires: h.now.Add(time.Minute)}
	take := func(h *house, state byte) (crm.Authorization, error) {
		return h.TakeAuthorization(ctx, h.account, crm.TokenHash{state}, h.now)
	}
	h.must(h.CreateAuthorization(ctx, z, crm.TokenHash{1}))
	if place := keys.places[0]; !strings.Contains(place, "acc_1") || !strings.Contains(place, "u1") {
		t.Errorf("sealed for the place %q", place)
	}
	same(t, "taken", value(take(h, 1))(h), z)
	_, err := take(h, 1)
	fails(t, err, crm.NotFound, "authorization_not_found")

	h.must(h.CreateAuthorization(ctx, z, crm.TokenHash{2}))
	h.must(h.CreateAuthorization(ctx, z, crm.TokenHash{3}))
	_, err = take(h, 2) // another was begun since
	fails(t, err, crm.NotFound, "authorization_not_found")
	other := newHouseIn(t, h.Store, "acc_2")
	_, err = take(other, 3)
	fails(t, err, crm.NotFound, "authorization_not_found")
	h.pass(time.Minute)
	_, err = take(h, 3)
	fails(t, err, crm.NotFound, "authorization_not_found")

	z.Expires = h.now.Add(time.Minute)
	h.must(h.CreateAuthorization(ctx, z, crm.TokenHash{4}))
	h.must(h.DeleteUser(ctx, h.account, "u1", h.now))
	_, err = take(h, 4)
	fails(t, err, crm.NotFound, "authorization_not_found")
	fails(t, h.CreateAuthorization(ctx, z, crm.TokenHash{5}), crm.NotFound, "user_not_found")
	_, err = h.TakeAuthorization(ctx, "acc_9", crm.TokenHash{4}, h.now)
	fails(t, err, crm.NotFound, "account_not_found")
}
