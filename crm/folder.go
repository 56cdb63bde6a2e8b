package crm

import "time"

// UID is a message's number in a folder (RFC 3501 section 2.3.1.1): it grows,
// and names one message for as long as the folder's UIDVALIDITY stands.
type UID uint32

// Listing is a folder as the server lists it.
type Listing struct {
	Name        string   // UTF-8, as people see it
	Attrs       []string // as sent: \Sent, \HasNoChildren, …
	Delimiter   string   // "" in a flat hierarchy
	UIDValidity uint32   // 0 where the server did not say
	UIDNext     UID      // 0 where the server did not say
	Messages    uint32
}

// Selected is what a server says of a folder when it opens it.
type Selected struct {
	UIDValidity uint32
	UIDNext     UID
	Messages    uint32
}

// FolderRole is what a folder is for.
type FolderRole string

const (
	RoleInbox  FolderRole = "inbox"
	RoleSent   FolderRole = "sent"
	RoleAll    FolderRole = "all"
	RoleJunk   FolderRole = "junk"
	RoleTrash  FolderRole = "trash"
	RoleDrafts FolderRole = "drafts"
	RoleOther  FolderRole = "other"
)

// Folder is an IMAP mailbox inside a mailbox that is watched, and how far it
// has been read.
type Folder struct {
	Account     AccountID
	ID          FolderID
	Mailbox     MailboxID
	Name        string
	Role        FolderRole
	UIDValidity uint32
	// Anchor is the highest UID there was when the mailbox was linked: what
	// is above it came later, whatever its date says (within reason). 0 for
	// a folder that was empty then, and for one that appeared after the
	// link, where the date alone decides: Anchored tells them apart.
	Anchor   UID
	Anchored bool
	// Position is the watermark: every UID from Anchor to here has its
	// outcome in the ledger. It moves only in the transaction that records
	// those outcomes.
	Position UID
	GoneAt   time.Time // zero while the server lists the folder
}
