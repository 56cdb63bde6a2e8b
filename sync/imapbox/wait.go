package imapbox

import (
	"context"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"mailsyncd.example/crm"
)

// handler rings when the server announces a change. It is called by
// imapclient's reader and must not wait.
func (b *Box) handler() *imapclient.UnilateralDataHandler {
	ring := func() {
		if b.changes == b.heard { // a count that did not change
			return
		}
		select {
		case b.ring <- struct{}{}:
		default:
		}
	}
	return &imapclient.UnilateralDataHandler{
		Expunge: func(uint32) { ring() },
		Mailbox: func(*imapclient.UnilateralDataMailbox) { ring() },
	}
}

// Wait waits until the server announces news of the open folder (RFC 2177), or
// has announced some that nobody has waited for, at most for so long. Where
// ctx ends it returns ctx's error, and the box is still good, unless the
// server does not let go in time.
func (b *Box) Wait(ctx context.Context, most time.Duration) (news bool, err error) {
	if b.broken != nil {
		return false, b.broken
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if b.changes == b.heard {
		err = b.idle(ctx, most)
	}
	news = b.changes != b.heard
	b.heard = b.changes
	if ctx.Err() != nil {
		return news, ctx.Err()
	}
	if crm.CodeOf(err) == "server_refused" {
		b.caps &^= capability("IDLE") // it can't after all
	}
	return news, err
}

// idle says IDLE, and DONE when there is a reason to.
func (b *Box) idle(ctx context.Context, most time.Duration) error {
	select { // a ring of a time before
	case <-b.ring:
	default:
	}
	// The end of the context ends the waiting, not the connection: it only
	// shortens the time that the server has for each step.
	hurried := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { b.wire.hurry(); close(hurried) })
	patience := b.wire.patience
	defer func() {
		if !stop() {
			<-hurried
		}
		b.wire.be(patience, false)
	}()
	return b.lend(context.WithoutCancel(ctx), func() error {
		idle, err := b.client.Idle()
		if err != nil {
			return err
		}
		b.wire.be(0, ctx.Err() != nil)
		b.listen(ctx, most)
		b.wire.be(patience, ctx.Err() != nil)
		if err := idle.Close(); err != nil {
			return err
		}
		return idle.Wait()
	})
}

// listen returns when there is a reason to stop waiting.
func (b *Box) listen(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-b.ring:
	case <-timer.C:
	case <-ctx.Done():
	case <-b.client.Closed():
	}
}
