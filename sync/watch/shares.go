package watch

import (
	"context"
	"time"

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

const (
	// farewell is how long a keeper whose mailbox is another process's now has
	// to say goodbye to the server, before its connection is cut.
	farewell = time.Second
	// moment is how long to wait for what somebody else is doing just now.
	moment = time.Second
)

// alone is the Shares of a process that has the database to itself.
type alone struct{}

func (alone) Fence(crm.AccountID, crm.MailboxID) (crm.Fence, bool) { return 0, true }
func (alone) Changed() <-chan struct{}                             { return nil }
func (alone) Enter(crm.AccountID, crm.MailboxID) bool              { return true }
func (alone) Leave(crm.AccountID, crm.MailboxID)                   {}

// errMoving says that it is not, or not yet, this process that works a mailbox.
var errMoving = crm.E(crm.Unavailable, "mailbox_moving", "Another process is taking this mailbox over; try again.")

// moved tells whether what went wrong is that another process works the
// mailbox, or has done so meanwhile. That is nobody's failure.
func moved(err error) bool {
	switch crm.CodeOf(err) {
	case "mailbox_moving", "fenced", "stale_position":
		return true
	}
	return false
}

// fence returns the fence to write under now, errMoving where this process is
// not to write any more.
func (k *keeper) fence() (crm.Fence, error) {
	f, ours := k.w.o.Shares.Fence(k.place.account, k.place.mailbox)
	if !ours {
		return 0, errMoving
	}
	return f, nil
}

// handOver makes the keeper leave: what it does it ends at the next write, and
// says goodbye to the server.
func (k *keeper) handOver() {
	k.mu.Lock()
	first := !k.going
	k.going = true
	k.mu.Unlock()
	if first {
		k.poke()
		time.AfterFunc(farewell, k.leave)
	}
}

// giveWay waits a moment for whoever works the mailbox.
func (k *keeper) giveWay(ctx context.Context) {
	k.answer(errMoving)
	k.rest(ctx, moment)
}
