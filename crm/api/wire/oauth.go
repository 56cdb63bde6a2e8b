package wire

import "time"

// OAuthInput says which mailbox a user wants to link by signing in.
type OAuthInput struct {
	PresetID *ID    `json:"preset_id,omitempty" doc:"A preset with auth oauth2; or provider."`
	Provider *Name  `json:"provider,omitempty" example:"google" doc:"google, microsoft, or another one that the operator has named; an id of links/discover will do. Or preset_id."`
	Address  string `json:"address" maxLength:"320"`
	Username *Name  `json:"username,omitempty" minLength:"1" doc:"The login name; left out, what the preset makes of the address, else the address."`
}

// OAuthBegun tells where the user goes on.
type OAuthBegun struct {
	AuthorizationURL string    `json:"authorization_url" doc:"Open it in the user's browser. It leads to the provider, and back to a page that says how it ended."`
	ExpiresAt        time.Time `json:"expires_at" doc:"The user is to be back by then."`
}
