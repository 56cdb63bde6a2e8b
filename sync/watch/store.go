package watch

import (
	"context"
	"time"

	"mailsyncd.example/crm"
)

// Store is what watch needs of the database. Every method is one transaction.
type Store interface {
	// ActiveMailboxes hands over the mailboxes with a link that stands, all
	// accounts together.
	ActiveMailboxes(ctx context.Context, each func(crm.AccountID, crm.MailboxID)) error
	// Standing returns a mailbox with the credentials that may open it;
	// crm.NotFound where no link of it stands any more.
	Standing(ctx context.Context, a crm.AccountID, m crm.MailboxID) (crm.Standing, error)
	// Folders are the folders of a mailbox that the server listed last.
	Folders(ctx context.Context, a crm.AccountID, m crm.MailboxID) ([]crm.Folder, error)
	// SyncFolders makes the stored folders those that the server lists:
	// new ones start at position and anchor 0; one with another UIDVALIDITY
	// starts again there, and the sightings of the old one end; one that is
	// not listed any more gets GoneAt. It returns those listed, as stored.
	// crm.Conflict ("fenced") where there is something to write and somebody
	// works the mailbox under a higher fence.
	SyncFolders(ctx context.Context, a crm.AccountID, m crm.MailboxID, listed []crm.Folder, fence crm.Fence, at time.Time) ([]crm.Folder, error)
	// DueProblems lists UIDs in trouble that are to be tried again by now.
	DueProblems(ctx context.Context, a crm.AccountID, m crm.MailboxID, now time.Time) ([]crm.Problem, error)
	// Reject marks a link whose credential the server refused for good, and
	// tells its user by an event. crm.Conflict ("fenced") as above.
	Reject(ctx context.Context, a crm.AccountID, l crm.LinkID, detail string, fence crm.Fence, at time.Time) error
	// TransferLink takes a link to where its preset wants it, with the secret
	// that it has where none is given. Where the preset wants it somewhere else
	// meanwhile, it stays. crm.Conflict ("fenced") as above.
	TransferLink(ctx context.Context, a crm.AccountID, l crm.LinkID, to crm.Transfer, secret crm.Secret, fence crm.Fence, at time.Time) (crm.Link, error)
	// KeepLink notes why a link could not be taken there.
	KeepLink(ctx context.Context, a crm.AccountID, l crm.LinkID, to crm.Transfer) error
	// SaveLooks writes the results of looks: health of the mailboxes, status
	// of their links, and an event where a link's status turned. Those of
	// mailboxes that somebody works under a higher fence are left out.
	SaveLooks(ctx context.Context, looks []crm.Looked) error
}
