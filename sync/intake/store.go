package intake

import (
	"context"
	"io"
	"time"

	"mailsyncd.example/crm"
)

// Box is a mailbox on a server with one folder selected (EXAMINE). One
// goroutine at a time may use it. An error of kind crm.Unreachable or
// crm.Throttled ends its use; after any other it goes on.
type Box interface {
	// Envelopes reads the envelopes of the messages with UIDs from lo to hi,
	// ascending, and hands each over as it comes. UIDs that no message has
	// are left out. One that can't be read comes with its UID and the reason.
	Envelopes(ctx context.Context, lo, hi crm.UID, each func(crm.Envelope, error)) error
	// TypedEnvelopes is Envelopes, and tells of each whether it is a delivery
	// report.
	TypedEnvelopes(ctx context.Context, lo, hi crm.UID, each func(crm.Envelope, error)) error
	// Statuses reads the delivery status of delivery reports, of each at most
	// limit bytes, its transfer encoding undone. The bytes hold until each
	// returns. Messages that have none, or of which the server does not
	// deliver it, are left out; of these nothing but a part's header is read.
	Statuses(ctx context.Context, uids []crm.UID, limit int64, each func(crm.UID, []byte)) error
	// FirstUID finds the lowest UID, from lo on, that a message received on
	// or after the given day has (any message where day is zero); 0 where
	// there is none.
	FirstUID(ctx context.Context, lo crm.UID, day time.Time) (crm.UID, error)
	// Heads reads the header fields that make a message's identity.
	Heads(ctx context.Context, uids []crm.UID, each func(crm.UID, []byte)) error
	// Bodies reads whole messages, of each at most limit bytes; each must
	// read r to its end. UIDs that the server does not deliver are left out.
	Bodies(ctx context.Context, of []crm.Envelope, limit int64, each func(crm.UID, io.Reader) error) error
	// UIDs hands over every UID there is from lo to hi as runs, ascending.
	UIDs(ctx context.Context, lo, hi crm.UID, each func(lo, hi crm.UID)) error
	// Received tells the bytes that the server has sent on this connection.
	Received() int64
}

// Store is what intake needs of the database. Every method is one transaction.
type Store interface {
	// Facts tells which of these addresses are contacts' or internal.
	Facts(ctx context.Context, a crm.AccountID, addrs []crm.Address) (crm.Facts, error)
	// Known tells which of these identities the account has, or had.
	Known(ctx context.Context, a crm.AccountID, ids []crm.Identity) (map[crm.Identity]crm.Known, error)
	// Record writes a page: messages, contacts, threads, sightings, ledger,
	// position, counters and events, or nothing at all. What was reported is
	// told once, however many copies of the report there are, and not at all
	// where the account has switched that off meanwhile. Of copies that come
	// in at the same instant through several mailboxes one makes the message;
	// the unique key decides. crm.Conflict ("stale_position") where the
	// folder does not stand where the page begins, ("fenced") where somebody
	// works the mailbox under a higher fence than the page's, or ("no_link")
	// where no link of the mailbox stands any more. A page that settles (Through equal
	// to From) overwrites what the ledger said of its UIDs, cutting runs
	// where it must, and a problem whose UID it settles is gone.
	Record(ctx context.Context, p crm.Page, at time.Time) (crm.Recorded, error)
	// Ledger hands over the runs of a folder under its current UIDVALIDITY,
	// ascending.
	Ledger(ctx context.Context, a crm.AccountID, f crm.FolderID, each func(crm.Run)) error
	// OutcomeOf tells what became of a UID, "" where it has no outcome yet,
	// and of which message it is a copy. Copies of a message that was deleted
	// since are crm.Removed and belong to none.
	OutcomeOf(ctx context.Context, a crm.AccountID, f crm.FolderID, uid crm.UID) (crm.Outcome, crm.MessageID, error)
	// SaveBalance writes how many UIDs of a folder had no outcome, and ends
	// sightings at or below its position whose UIDs are gone. crm.Conflict
	// ("fenced") as above, ("stale_position") under another UIDVALIDITY.
	SaveBalance(ctx context.Context, b crm.Balance, at time.Time) error
}

// Blobs keeps raw messages: first the bytes, made durable, then the row that
// names them.
type Blobs interface {
	// Put keeps what r has to give. It is durable only after Sync.
	Put(ctx context.Context, a crm.AccountID, r io.Reader) (crm.BlobRef, int64, error)
	Open(ctx context.Context, a crm.AccountID, ref crm.BlobRef) (io.ReadCloser, error)
	// Sync makes durable what was Put under these names.
	Sync(ctx context.Context, a crm.AccountID, refs []crm.BlobRef) error
}
