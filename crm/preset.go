package crm

import "time"

// Security says how a connection to a mail server is protected.
type Security string

const (
	SecurityTLS      Security = "tls"      // TLS from the first byte (RFC 8314)
	SecuritySTARTTLS Security = "starttls" // upgraded before anything else is said
	SecurityNone     Security = "none"     // in the clear; only where the link says so
)

// Server is where a mail server is found.
type Server struct {
	Host     string
	Port     int
	Security Security
}

// AuthMethod says how a link proves who it is.
type AuthMethod string

const (
	AuthPassword AuthMethod = "password"
	AuthOAuth2   AuthMethod = "oauth2"
)

// UsernameForm says how the login name is made from the address.
type UsernameForm string

const (
	UsernameAddress   UsernameForm = "address"
	UsernameLocalPart UsernameForm = "local_part"
)

// Preset is the account's recommendation for its users' server settings.
type Preset struct {
	Account   AccountID
	ID        PresetID
	Name      string
	IMAP      Server
	SMTP      *Server // nil where the account sends otherwise
	Auth      AuthMethod
	Username  UsernameForm
	CreatedAt time.Time
	UpdatedAt time.Time
}
