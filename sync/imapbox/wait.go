package imapbox

import (
	"context"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox/talk"
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

// promptly is how long the server may take to end a wait that somebody else's
// wish has ended: who has one is not to wait a minute for a peer that vanished,
// and a server under load is not to be taken for that.
const promptly = 15 * time.Second

// Wait waits until the server announces news of the open folder (RFC 2177), or
// has announced some that nobody has waited for, at most for so long, or until
// enough, which may be nil, is closed: then there is something else to do with
// the box, and a server that is slow is given its time. Where ctx ends somebody
// wants to be gone: it returns ctx's error, and the box is still good, unless
// the server does not let go within moments.
func (b *Box) Wait(ctx context.Context, most time.Duration, enough <-chan struct{}) (news bool, err error) {
	if b.broken != nil {
		return false, b.broken
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if b.changes == b.heard && !closed(enough) {
		err = b.idle(ctx, most, enough)
	}
	news = b.changes != b.heard
	b.heard = b.changes
	if ctx.Err() != nil {
		return news, ctx.Err()
	}
	if crm.CodeOf(err) == "server_refused" {
		b.caps &^= talk.Capability("IDLE") // it can't after all
	}
	return news, err
}

// idle says IDLE, and DONE when there is a reason to.
func (b *Box) idle(ctx context.Context, most time.Duration, enough <-chan struct{}) error {
	select { // a ring of a time before
	case <-b.ring:
	default:
	}
	// The end of the context ends the waiting, not the connection: it only
	// shortens the time that the server has for each step.
	hurried := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { b.wire.hurry(true); close(hurried) })
	patience := b.wire.patience
	defer func() {
		if !stop() {
			<-hurried
		}
		b.wire.hurry(false)
		b.wire.be(patience)
	}()
	return b.lend(context.WithoutCancel(ctx), func() error {
		idle, err := b.client.Idle()
		if err != nil {
			return err
		}
		b.wire.be(0)
		b.listen(ctx, most, enough)
		if closed(enough) {
			b.wire.be(min(patience, promptly))
		} else {
			b.wire.be(patience)
		}
		if err := idle.Close(); err != nil {
			return err
		}
		return idle.Wait()
	})
}

// closed tells whether a channel on which nothing is sent is closed.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// listen returns when there is a reason to stop waiting.
func (b *Box) listen(ctx context.Context, most time.Duration, enough <-chan struct{}) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-b.ring:
	case <-timer.C:
	case <-enough:
	case <-ctx.Done():
	case <-b.client.Closed():
	}
}
