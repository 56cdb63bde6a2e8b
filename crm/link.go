package crm

import "time"

// Link is a user's tie to a mailbox. A user has at most one that has not
// ended.
type Link struct {
	Account AccountID
	ID      LinkID
	User    UserID
	Mailbox MailboxID
	Recommended
	Address  Address
	Server   Server
	Username string
	Auth     AuthMethod
	Status   LinkStatus
	Detail   string // the reason for the status, in words for the user; "" when all is well
	LinkedAt time.Time
	EndedAt  time.Time // zero while the link stands
	EndedBy  EndReason
	Progress Progress
}

// Recommended ties a link to the preset that it was made from.
type Recommended struct {
	Preset   PresetID  // "" where the user gave the server
	Transfer *Transfer // nil where the link is where its preset wants it
}

// Transfer is where a preset that was edited wants a link made from it to be.
// The link goes there once its own credential is known to work there, and
// stands where it is until then.
type Transfer struct {
	Server   Server
	Username string
	Detail   string // why it has not gone there, in words for its user; "" before the first try
	Refused  bool   // it will not be tried again with this credential
}

// Same reports whether both lead to the same mailbox in the same way.
func (t *Transfer) Same(o *Transfer) bool {
	return t != nil && o != nil && t.Server == o.Server && t.Username == o.Username
}

// Progress is how far the mailbox behind a link has been read.
type Progress struct {
	LastSyncedAt time.Time // zero before the first complete look
	Mode         WatchMode // "" before the first look
	Imported     int64     // messages that the mailbox brought into the CRM
}

// LinkStatus is what the link's user sees.
type LinkStatus string

const (
	LinkSyncing     LinkStatus = "syncing"     // working off what came since the link
	LinkLive        LinkStatus = "live"        // everything read, waiting for news
	LinkAuthFailed  LinkStatus = "auth_failed" // the server refused the credential; waits for a new one
	LinkUnreachable LinkStatus = "unreachable" // the server can't be worked with; tried again by itself
	LinkUnlinked    LinkStatus = "unlinked"    // ended
)

// EndReason says why a link ended.
type EndReason string

const (
	EndedUnlinked        EndReason = "unlinked"
	EndedUserDisabled    EndReason = "user_disabled"
	EndedUserDeleted     EndReason = "user_deleted"
	EndedAccountDisabled EndReason = "account_disabled"
	EndedAccountDeleted  EndReason = "account_deleted"
	EndedMailDisabled    EndReason = "mail_disabled"
)

// Secret is a password or token. It prints as "[secret]", so that it can't
// slip into a log or an error by accident.
type Secret string

// String hides the secret from fmt's %s and %v.
func (Secret) String() string { return "[secret]" }

// GoString hides the secret from fmt's %#v.
func (Secret) GoString() string { return "[secret]" }

// MarshalText hides the secret from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// Login is everything needed to open a mailbox.
type Login struct {
	Account  AccountID
	Link     LinkID // "" while a link is only being tested
	Server   Server
	Username string
	Auth     AuthMethod
	Secret   Secret  // a password or an access token; "" where Grant leads to one
	Grant    GrantID // "" where there is none, or it is not stored yet
}

// Step is one step of a test of server settings, with the server's own words.
type Step struct {
	Name   string // resolve, connect, tls, greeting, login, capabilities, folders, sent, idle
	OK     bool
	Detail string
	Took   time.Duration
}

// Probe is what a test of server settings found. Err is nil where every step
// went well. Folders are those to watch as they stood at At, with Anchor and
// Position set to the highest UID there was: what decides which mail came
// after the link.
type Probe struct {
	Steps   []Step
	At      time.Time
	Folders []Folder
	Err     error
}
