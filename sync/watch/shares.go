package watch

import (
	"context"

	"mailsyncd.example/crm"
)

// Shares says which mailboxes are this process's to work. Its methods answer
// from memory and never wait; any number of goroutines may call them.
type Shares interface {
	// Fence returns the token under which this process works the mailbox,
	// above 0; false where another one does, or nobody yet, and from the
	// moment at which the mailbox is to be given away.
	Fence(a crm.AccountID, m crm.MailboxID) (crm.Fence, bool)
	// Changed returns the channel that holds a value when answers of Fence
	// may have changed; it is always the same one.
	Changed() <-chan struct{}
	// Enter says that somebody of this process is about to stand at the
	// mailbox; false where Fence says false. Nobody else is given the mailbox
	// of free will before Leave.
	Enter(a crm.AccountID, m crm.MailboxID) bool
	// Leave ends what an Enter that said true has begun: the session is over
	// and nothing more will be written.
	Leave(a crm.AccountID, m crm.MailboxID)
}

// Elsewhere reaches the process that works a mailbox. Errors come through with
// kind, code and sentence; crm.Unavailable where nobody answers in time.
type Elsewhere interface {
	// Look is Watcher.Look of that process.
	Look(ctx context.Context, a crm.AccountID, m crm.MailboxID) error
	// Balance is Watcher.Balance of that process.
	Balance(ctx context.Context, a crm.AccountID, m crm.MailboxID) error
}
