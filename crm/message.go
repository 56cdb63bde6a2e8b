package crm

import "time"

// Identity is what makes two copies one message within an account; package
// dedupe computes it.
type Identity [32]byte

// Envelope is the little that is read of every message: what the import rules
// judge by.
type Envelope struct {
	UID        UID
	ReceivedAt time.Time // INTERNALDATE, exact to the second
	Size       int64     // RFC822.SIZE in bytes, as the server claims
	From, To   []Address
	Copied     []Address // Cc and Bcc
	Report     bool      // it is a delivery report (RFC 6522); known only where that is asked for
	Draft      bool      // it is not sent yet; known only where drafts lie among other mail, as on Gmail
}

// Direction tells who wrote to whom.
type Direction string

const (
	Inbound  Direction = "inbound"
	Outbound Direction = "outbound"
)

// MessageKind tells what wrote a message: only a personal one is an answer.
type MessageKind string

const (
	KindPersonal  MessageKind = "personal"
	KindAutoReply MessageKind = "auto_reply"
	KindBounce    MessageKind = "bounce"
	KindBulk      MessageKind = "bulk"
)

// Head is what a message's header says, decoded.
type Head struct {
	HeaderID   HeaderID // "" where there is none
	InReplyTo  []HeaderID
	References []HeaderID
	From       []Person
	To         []Person
	Cc         []Person
	Bcc        []Person
	Subject    string
	Date       time.Time // zero where there is none that can be read
}

// Letter is what could be read of a message's bytes. There is always one,
// however broken the bytes are.
type Letter struct {
	Head
	Text        string // UTF-8 without NUL; made from HTML where there is no text part
	HasHTML     bool
	Snippet     string // the beginning of what is new in Text, quotations left out
	Attachments []Attachment
	Kind        MessageKind
	Evidence    []string // why Kind is what it is, one reason each
	Suspect     string   // why the sender may be somebody else, in the words of the mailbox's server; "" when all is well
	Absence     Absence  // what an automatic reply says of its writer
	Bounces     []Bounce // the addresses that a bounce is about, each once
	Digest      [32]byte // of the decoded content, whatever its transfer encoding
	Degraded    []string // what could not be read, one reason each; empty for a sound message
}

// Attachment describes a part of a message; its bytes are read out of the raw
// message when somebody asks for them.
type Attachment struct {
	ID          string `json:"id"` // the part's number, "2" or "1.3" (RFC 3501 section 6.4.5)
	Filename    string `json:"filename"`
	ContentType string `json:"content_type"`
	ContentID   string `json:"content_id,omitempty"` // without brackets; set on images that the HTML shows
	Inline      bool   `json:"inline,omitempty"`
	Size        int64  `json:"size"` // decoded bytes
}

// BlobRef names raw bytes in the blob store: the SHA-256 of the bytes in
// lower-case hex.
type BlobRef string

// Message is one mail, once per account, however many copies there are.
type Message struct {
	Account    AccountID
	ID         MessageID
	Thread     ThreadID
	Identity   Identity
	Direction  Direction
	Letter     Letter
	ReceivedAt time.Time // INTERNALDATE of the copy that was imported
	ImportedAt time.Time
	Matches    []Match
	// Correspondents are the addresses of From, To and Cc that are not
	// internal: what a thread must share to take the message.
	Correspondents []Address
	Raw            BlobRef
	Size           int64 // bytes of the raw message that are kept
	Sightings      []Sighting
}

// Sighting is one copy of a message.
type Sighting struct {
	Mailbox     MailboxID
	Folder      FolderID
	FolderName  string
	UIDValidity uint32
	UID         UID
}

// Known is what the account knows of an identity.
type Known struct {
	Message MessageID
	Deleted bool // deleted in the CRM: never to be imported again
}

// MessageQuery selects messages of an account, newest first.
type MessageQuery struct {
	Contact  ContactID
	HeaderID HeaderID
	Thread   ThreadID
	WithText bool // read the texts too
	Paging
}

// Usage is what an account's mail takes up, by month of import.
type Usage struct {
	Month    string // 2026-11
	Messages int64
	Bytes    int64
}
