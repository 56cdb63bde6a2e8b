package wire

import (
	"strings"

	"mailsyncd.example/crm"
)

// DiscoverInput asks where the mailbox of an address is.
type DiscoverInput struct {
	Address string `json:"address" maxLength:"320" example:"taro@example.co.jp"`
}

// Discovered lists the settings to try for an address.
type Discovered struct {
	Address    crm.Address `json:"address"`
	Candidates []Candidate `json:"candidates" nullable:"false" doc:"The settings to try, in order. Empty where nothing was found: the user has to enter them."`
	Provider   *Provider   `json:"provider,omitempty" doc:"Who keeps the mailbox, where that is known."`
}

// Candidate is a way to open a mailbox.
type Candidate struct {
	Source     crm.CandidateSource `json:"source" enum:"preset,provider,srv,autoconfig,mx" doc:"Who says so: the account, the table of well-known providers (by the domain, or by where its mail goes), the domain's DNS, its web server."`
	PresetID   crm.PresetID        `json:"preset_id,omitempty"`
	ProviderID string              `json:"provider_id,omitempty" example:"google"`
	IMAP       Server              `json:"imap"`
	SMTP       *Server             `json:"smtp,omitempty"`
	Username   string              `json:"username" doc:"The login name made of the address; empty where the user has to enter it."`
	Auth       []crm.AuthMethod    `json:"auth" nullable:"false" doc:"Ways to log in, the best first."`
	Confirm    bool                `json:"confirm" doc:"true: nobody vouches for this host. Show it to the user before a password is sent there."`
}

// Provider is what there is to know of who keeps a mailbox.
type Provider struct {
	ID          string           `json:"id" example:"google"`
	Name        string           `json:"name"`
	Auth        []crm.AuthMethod `json:"auth" nullable:"false" doc:"Ways to log in, the best first."`
	AppPassword bool             `json:"app_password" doc:"The password is one made for mail programs, not the one for the web."`
	Connections int              `json:"connections,omitempty" doc:"How many connections to one mailbox it allows, where that is published."`
	Help        Help             `json:"help"`
}

// Help tells a user what to switch on at the provider, and what to enter.
type Help struct {
	EN string `json:"en"`
	JA string `json:"ja"`
}

// MailAddress reads an address of whose domain more can be found out.
func MailAddress(field, raw string) (crm.Address, error) {
	a, err := OneAddress(field, raw)
	if err == nil && strings.HasSuffix(string(a), "]") {
		err = crm.E(crm.Invalid, "address_invalid", field+" names a machine by its number; write an address with a domain, like name@example.com.")
	}
	return a, err
}

// DiscoveredOf shows what was found for an address.
func DiscoveredOf(a crm.Address, d crm.Discovery) Discovered {
	out := Discovered{Address: a, Candidates: Each(d.Candidates, candidateOf)}
	if p := d.Provider; p != nil {
		out.Provider = &Provider{
			ID: p.ID, Name: p.Name, Auth: OrEmpty(p.Auth), AppPassword: p.AppPassword, Connections: p.Connections, Help: Help(p.Help),
		}
	}
	return out
}

func candidateOf(c crm.Candidate) Candidate {
	out := Candidate{
		Source: c.Source, PresetID: c.Preset, ProviderID: c.Provider, IMAP: ServerOf(c.IMAP),
		Username: c.Username, Auth: OrEmpty(c.Auth), Confirm: c.Confirm,
	}
	if c.SMTP != nil {
		smtp := ServerOf(*c.SMTP)
		out.SMTP = &smtp
	}
	return out
}
