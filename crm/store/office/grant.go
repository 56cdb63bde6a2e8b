package office

import (
	"context"
	"encoding/json"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/txn"
)

// storedGrant is a grant as it is sealed in the place of a password.
type storedGrant struct {
	ID       crm.GrantID `json:"id"`
	Provider string      `json:"provider"`
	Refresh  string      `json:"refresh"`
	Access   string      `json:"access"`
	Expires  int64       `json:"expires"`
	RenewAt  int64       `json:"renew_at"`
	Turn     int64       `json:"turn"`
}

func credentialOf(g crm.Grant) (crm.Secret, error) {
	text, err := txn.ToJSON(storedGrant{
		ID: g.ID, Provider: g.Provider, Refresh: string(g.Refresh), Access: string(g.Access),
		Expires: txn.MS(g.Expires), RenewAt: txn.MS(g.RenewAt), Turn: g.Turn,
	})
	return crm.Secret(text), err
}

func (o *Office) unsealGrant(a crm.AccountID, l crm.LinkID, sealed []byte) (crm.Grant, error) {
	text, err := o.unseal(a, l, sealed)
	if err != nil {
		return crm.Grant{}, err
	}
	var g storedGrant
	if json.Unmarshal([]byte(string(text)), &g) != nil { // whose error might show it
		return crm.Grant{}, crm.E(crm.Internal, "credential_unreadable", "The grant of link "+string(l)+" is damaged; its user signs in again.")
	}
	return crm.Grant{
		ID: g.ID, Provider: g.Provider, Refresh: crm.Secret(g.Refresh), Access: crm.Secret(g.Access),
		Expires: time.UnixMilli(g.Expires).UTC(), RenewAt: time.UnixMilli(g.RenewAt).UTC(), Turn: g.Turn,
	}, nil
}

// LinkByGrant is CreateLink with a grant in the place of a password.
func (o *Office) LinkByGrant(ctx context.Context, l crm.Link, g crm.Grant, folders []crm.Folder) (crm.Link, error) {
	credential, err := credentialOf(g)
	if err != nil {
		return crm.Link{}, err
	}
	l.Auth = crm.AuthOAuth2
	return o.createLink(ctx, l, credential, folders)
}

// ReplaceGrant gives a link that stands another grant in the place of its
// password or the grant before; it counts as syncing again. crm.Conflict
// ("link_ended") where it has ended.
func (o *Office) ReplaceGrant(ctx context.Context, a crm.AccountID, id crm.LinkID, g crm.Grant) (crm.Link, error) {
	credential, err := credentialOf(g)
	if err != nil {
		return crm.Link{}, err
	}
	return o.replaceCredential(ctx, a, id, crm.AuthOAuth2, credential)
}

// Grant returns the grant of a link that stands.
func (o *Office) Grant(ctx context.Context, a crm.AccountID, l crm.LinkID) (crm.Grant, error) {
	g, _, err := o.grantOf(o.db.Reading(ctx), a, l)
	return g, o.db.Fail(ctx, "read grant", err)
}

// grantOf also tells until when somebody has the grant to themselves.
func (o *Office) grantOf(s txn.Session, a crm.AccountID, l crm.LinkID) (g crm.Grant, until int64, err error) {
	var sealed []byte
	found, err := s.First(txn.Into(&sealed, &until), `
		SELECT credential, refreshing_until FROM links
		WHERE account = $1 AND id = $2 AND auth = $3 AND ended_at IS NULL`, a, l, crm.AuthOAuth2)
	if err == nil && !found {
		err = txn.NotFound("link")
	}
	if err == nil {
		g, err = o.unsealGrant(a, l, sealed)
	}
	return g, until, err
}

// ClaimGrant lets the caller alone refresh a grant until a time. It reports
// false where somebody else does, or has done so since the caller read it.
func (o *Office) ClaimGrant(ctx context.Context, a crm.AccountID, l crm.LinkID, read crm.Grant, now, until time.Time) (bool, error) {
	claimed := false
	err := o.change(ctx, "claim grant", a, func(t tx) error {
		g, taken, err := o.grantOf(t.Session, a, l)
		claimed = err == nil && g.ID == read.ID && g.Turn == read.Turn && taken <= txn.MS(now)
		if !claimed {
			return err
		}
		return t.Write(`UPDATE links SET refreshing_until = $3 WHERE account = $1 AND id = $2`, a, l, txn.MS(until))
	})
	return claimed && err == nil, err
}

// RenewGrant writes what a refresh has brought and ends the claim. crm.Conflict
// ("grant_changed") where what it was made from is not there any more: the user
// has signed in again, or somebody else has refreshed.
func (o *Office) RenewGrant(ctx context.Context, a crm.AccountID, l crm.LinkID, next crm.Grant) error {
	credential, err := credentialOf(next)
	if err != nil {
		return err
	}
	sealed, err := o.seal(a, l, credential)
	if err != nil {
		return err
	}
	return o.change(ctx, "renew grant", a, func(t tx) error {
		g, _, err := o.grantOf(t.Session, a, l)
		if err != nil {
			return err
		}
		if g.ID != next.ID || g.Turn != next.Turn-1 {
			return crm.E(crm.Conflict, "grant_changed", "The mailbox was signed in to again meanwhile.")
		}
		return t.Write(`
			UPDATE links SET credential = $3, refreshing_until = 0 WHERE account = $1 AND id = $2`, a, l, sealed)
	})
}

// ReleaseGrant ends the claim that holds until this time, if it still does.
func (o *Office) ReleaseGrant(ctx context.Context, a crm.AccountID, l crm.LinkID, until time.Time) error {
	return o.change(ctx, "release grant", a, func(t tx) error {
		return t.Write(`
			UPDATE links SET refreshing_until = 0
			WHERE account = $1 AND id = $2 AND refreshing_until = $3`, a, l, txn.MS(until))
	})
}
