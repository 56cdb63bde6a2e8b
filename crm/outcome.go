package crm

// Outcome is what became of a UID. Every UID of every watched folder above its
// anchor has exactly one, so that "why is this mail not here?" has an answer.
type Outcome string

const (
	Imported Outcome = "imported" // it made a message
	Copied   Outcome = "copied"   // a further copy of a message that is here already
	Removed  Outcome = "removed"  // a copy of a message that was deleted in the CRM

	// Refused by the import rules.
	NoContact       Outcome = "no_contact"
	ContactOnlyInCc Outcome = "contact_only_in_cc"
	InternalOnly    Outcome = "internal_only"
	BeforeLink      Outcome = "before_link"
	BeforeContact   Outcome = "before_contact"
	Draft           Outcome = "draft" // not sent yet; once it is, it has another UID

	Vanished Outcome = "vanished" // no message had this UID any more (or ever) when it was read
	Trouble  Outcome = "problem"  // it could not be read; tried again, and listed meanwhile
)

// Refusals are the outcomes by which the import rules refuse a message.
var Refusals = [...]Outcome{NoContact, ContactOnlyInCc, InternalOnly, BeforeLink, BeforeContact, Draft}

// Run is a run of neighbouring UIDs, from Lo to Hi, both included, that share
// an outcome. Mail that is nobody's business leaves no more than this behind.
type Run struct {
	Lo, Hi  UID
	Outcome Outcome
}

// Page is a stretch of a folder's ledger with all that it brings: what
// intake hands to the store to be written in one transaction.
type Page struct {
	Account     AccountID
	Mailbox     MailboxID
	Folder      FolderID
	UIDValidity uint32
	Fence       Fence // under which the mailbox is worked
	// From is the position on which the page builds. The store refuses the
	// page where the folder stands elsewhere: somebody else was faster.
	From UID
	// Through is the position afterwards. A page with Through equal to From
	// settles UIDs that were passed before, in trouble or given up as
	// vanished: what it says of them takes the place of what the ledger said.
	Through  UID
	Runs     []Run      // refused and vanished UIDs
	Arrivals []Arrival  // UIDs of messages that the rules import, ascending
	Problems []Problem  // UIDs that could not be read
	Reported []Reported // what refused delivery reports say of contacts
	Receipt  Receipt    // what reading this page took
}

// Balance is what comparing a folder's ledger with the server came to.
type Balance struct {
	Account     AccountID
	Folder      FolderID
	UIDValidity uint32
	Fence       Fence // under which the mailbox is worked
	Unexplained int64 // UIDs on the server without an outcome
	Gone        []Run // UIDs of copies that the server has no more
}

// Arrival is a copy of a message that the rules import. Message is nil where
// the identity was known already and nothing was downloaded.
type Arrival struct {
	UID      UID
	Identity Identity
	Message  *Message
}

// Recorded tells what a page brought about. Outcomes has one entry for each of
// its arrivals: Imported, Copied or Removed.
type Recorded struct {
	Imported []MessageID
	Outcomes map[UID]Outcome
}
