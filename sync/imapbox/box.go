package imapbox

import (
	"bytes"
	"context"
	"strconv"

	"github.com/emersion/go-imap/v2/imapclient"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox/talk"
)

// Box is an open mailbox. One goroutine at a time may use it; Received may be
// called by any. An error of kind crm.Unreachable or crm.Throttled, or the end
// of a context (but in Wait), ends its use: after the former the connection is
// closed, or ought to be. After any other error it goes on.
type Box struct {
	wire   *wire
	loan   *loan
	client *imapclient.Client
	caps   talk.Caps

	// What has become of the connection.
	tag     int    // of the last command of our own
	garbled bool   // something came that might have been part of an answer
	bye     string // the server's farewell, if it came
	alert   string // what the server wanted people to know last
	broken  error  // why the connection can't be used any more

	// What is known of the open folder.
	open    string        // its name as the server has it; "" while none is open
	next    crm.UID       // UIDNEXT when it was opened
	exists  uint32        // messages in it, as the server said last
	changes int           // changes that the server has announced
	heard   int           // of these, how many somebody has waited for
	ring    chan struct{} // holds a value when there are more of the former
}

// Idles tells whether the server announces news.
func (b *Box) Idles() bool { return b.caps.Has("IDLE") }

// Gmail tells whether the server is Gmail.
func (b *Box) Gmail() bool { return b.caps.Has("X-GM-EXT-1") }

// Received tells the bytes that the server has sent on this connection, TLS
// and all.
func (b *Box) Received() int64 { return b.wire.tcp.received.Load() }

// Close says goodbye, if the connection still stands, and closes it. Servers
// count connections; one that is only dropped may count for minutes.
func (b *Box) Close() {
	if b.broken == nil {
		b.wire.hurry(true)
		_ = b.client.Logout().Wait() // it is closed in any case
	}
	b.wire.cut()
	_ = b.client.Close()
	b.broken = crm.E(crm.Unreachable, "connection_lost", "The connection to the mail server is closed.")
}

// do runs f, which talks to the server, and cuts the connection when ctx ends.
func (b *Box) do(ctx context.Context, f func() error) error {
	if b.broken != nil {
		return b.broken
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, b.wire.cut)
	err := f()
	b.wire.rest()
	if !stop() {
		b.broken = crm.Wrap(crm.Unreachable, "connection_lost", "The connection was closed by request.", ctx.Err())
		return ctx.Err()
	}
	return err
}

// fail makes the error of a read or write that failed, and ends the use of
// the box.
func (b *Box) fail(err error) error {
	if b.broken == nil {
		b.broken = lost(err, b.bye, b.alert)
		b.wire.cut()
	}
	return b.broken
}

var exists, expunge = []byte("EXISTS"), []byte("EXPUNGE")

// untagged takes note of what the server says unasked.
func (b *Box) untagged(line []byte) {
	word, rest := talk.SplitTag(line)
	if talk.IsNumber(word) {
		kind, _ := talk.SplitTag(rest)
		switch {
		case bytes.EqualFold(kind, exists):
			n, _ := strconv.ParseUint(string(word), 10, 32)
			if uint32(n) != b.exists { // many repeat it for no reason
				b.changes++
			}
			b.exists = uint32(n)
		case bytes.EqualFold(kind, expunge):
			b.changes++
			b.exists -= min(b.exists, 1)
		}
		return
	}
	s, ok := talk.ParseStatus(line)
	switch {
	case !ok:
	case s.Cond == "BYE":
		b.bye = s.Words()
	case s.Code == "ALERT":
		b.alert = s.Words()
	case s.Code == "CAPABILITY":
		b.learn(s.Args)
	}
}

// learn replaces the known capabilities.
func (b *Box) learn(list string) { b.caps = talk.ReadCaps(list) }
