package wire

import (
	"time"

	"mailsyncd.example/crm"
)

// Preset is the account's recommendation for its users' server settings.
type Preset struct {
	ID        crm.PresetID     `json:"id"`
	Name      string           `json:"name"`
	IMAP      Server           `json:"imap"`
	SMTP      *Server          `json:"smtp,omitempty"`
	Auth      crm.AuthMethod   `json:"auth" enum:"password,oauth2"`
	Username  crm.UsernameForm `json:"username" enum:"address,local_part"`
	CreatedAt time.Time        `json:"created_at"`
	UpdatedAt time.Time        `json:"updated_at"`
}

// PresetUpdated is a preset after it was edited.
type PresetUpdated struct {
	Preset
	LinksFollowing int `json:"links_following" doc:"Links made from it that are tried at its servers now, each with its own credential. One that works goes there; one that does not stays where it is, and its transfer says why."`
}

// PresetInput is a preset as it is to be.
type PresetInput struct {
	Name     Name             `json:"name" minLength:"1"`
	IMAP     ServerInput      `json:"imap"`
	SMTP     *ServerInput     `json:"smtp,omitempty"`
	Auth     crm.AuthMethod   `json:"auth,omitempty" enum:"password,oauth2" default:"password"`
	Username crm.UsernameForm `json:"username,omitempty" enum:"address,local_part" default:"address" doc:"How the login name is made from the address."`
}

// Apply writes into p what the input says.
func (in PresetInput) Apply(p *crm.Preset) (err error) {
	p.Name, p.Auth, p.Username, p.SMTP = string(in.Name), in.Auth, in.Username, nil
	if p.IMAP, err = in.IMAP.AsIMAP(); err != nil || in.SMTP == nil {
		return err
	}
	smtp, err := in.SMTP.AsSMTP()
	p.SMTP = &smtp
	return err
}

// PresetOf shows a preset.
func PresetOf(p crm.Preset) Preset {
	out := Preset{
		ID: p.ID, Name: p.Name, IMAP: ServerOf(p.IMAP), Auth: p.Auth, Username: p.Username,
		CreatedAt: UTC(p.CreatedAt), UpdatedAt: UTC(p.UpdatedAt),
	}
	if p.SMTP != nil {
		smtp := ServerOf(*p.SMTP)
		out.SMTP = &smtp
	}
	return out
}
