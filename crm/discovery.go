package crm

// Candidate is a way to open the mailbox of an address, to be tried before
// anybody asks for host names and ports.
type Candidate struct {
	Source   CandidateSource
	Preset   PresetID // where the account recommends it
	Provider string   // the id of the provider that it belongs to, "" where that is not known
	IMAP     Server
	SMTP     *Server // nil where the source does not say
	Username string  // made for the address; "" where only the user can know it
	Auth     []AuthMethod
	// Confirm says that the host belongs neither to the domain of the address
	// nor to a provider that is known, and that nothing vouches for it: who
	// sends it a password should have seen its name (RFC 6186 section 6).
	Confirm bool
}

// CandidateSource tells who recommends a candidate.
type CandidateSource string

const (
	FromPreset     CandidateSource = "preset"     // the account
	FromProvider   CandidateSource = "provider"   // the table of well-known providers, by the domain
	FromSRV        CandidateSource = "srv"        // the domain's DNS (RFC 6186, RFC 8314)
	FromAutoconfig CandidateSource = "autoconfig" // the domain's web server
	FromMX         CandidateSource = "mx"         // the table, by where the domain's mail goes
)

// Provider is what there is to know of somebody who keeps mailboxes.
type Provider struct {
	ID          string
	Name        string
	Auth        []AuthMethod // what the server takes, the best first
	AppPassword bool         // the password is not the one for the web, but made for mail programs
	Connections int          // to one mailbox at the same time, 0 where nothing is published
	Help        Bilingual    // what to switch on there, and what to enter here
}

// Bilingual is a text in the two languages of the product.
type Bilingual struct {
	EN string
	JA string
}

// Discovery is what was found for an address: the settings to try, in order,
// and who keeps the mailbox, nil where that is not known.
type Discovery struct {
	Candidates []Candidate
	Provider   *Provider
}

// DomainUse is what an account knows of a mail domain.
type DomainUse struct {
	Presets []Preset
	Linked  map[PresetID]int // links that stand with addresses of the domain, by the preset they were made from
	Own     bool             // a user of the account has an address there
}
