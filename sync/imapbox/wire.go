package imapbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"mailsyncd.example/sync/imapbox/talk"
)

const (
	// restBuffer is what a connection holds while nothing is said, and
	// fullBuffer what it grows to while much is: a TLS record has 16 KB.
	restBuffer = 512
	fullBuffer = 32 << 10
	// maxLine bounds a line: the longest are answers to SEARCH.
	maxLine = 4 << 20
)

var errCut = errors.New("the connection ended in the middle of an answer")

// wire is the server's side of the conversation: lines, and the literals in
// between (RFC 3501 section 4.3). Whatever it hands out as a slice holds until
// the next call. Each read and each write has a deadline, so that a peer gone
// without a word is noticed.
type wire struct {
	sock net.Conn     // with TLS, where that was agreed
	tcp  *countedConn // beneath it

	mu       sync.Mutex    // so that a change of patience is never overlooked
	patience time.Duration // how long to wait for the next byte; 0 is for ever
	hurried  bool          // somebody wants to be gone: haste is enough patience

	buf  []byte
	r, w int // what was read and not yet handed out: buf[r:w]
}

// countedConn counts what the server sends.
type countedConn struct {
	net.Conn
	received atomic.Int64
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.received.Add(int64(n))
	return n, err
}

func newWire(conn net.Conn, patience time.Duration) *wire {
	c := &countedConn{Conn: conn}
	return &wire{sock: c, tcp: c, patience: patience}
}

// haste is how long the server may take for what keeps somebody from leaving.
const haste = 2 * time.Second

// be changes how long to wait, for a read that is under way as well.
func (w *wire) be(patience time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.patience = patience
	_ = w.sock.SetReadDeadline(w.deadline())
}

// hurry shortens the wait, whatever it is, until there is no hurry any more.
func (w *wire) hurry(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hurried = on
	_ = w.sock.SetReadDeadline(w.deadline())
}

// deadline is the time by which the peer must have moved.
func (w *wire) deadline() time.Time {
	d := w.patience
	if w.hurried && (d == 0 || d > haste) {
		d = haste
	}
	if d == 0 {
		return time.Time{}
	}
	return time.Now().Add(d)
}

// arm sets the deadline for the read or write that follows. The lock is held
// across looking up the patience and setting the deadline, or a change in
// between would be undone, and a vanished peer could be waited for for ever.
func (w *wire) arm(set func(time.Time) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return set(w.deadline())
}

// write writes to the server.
func (w *wire) write(p []byte) error {
	if err := w.arm(w.sock.SetWriteDeadline); err != nil {
		return err
	}
	_, err := w.sock.Write(p)
	return err
}

// cut closes the connection without a word. It never waits, as closing a TLS
// connection in good order would, and makes every read and write return.
func (w *wire) cut() { _ = w.tcp.Close() }

// fill reads more into the buffer, which grows where it is full.
func (w *wire) fill() error {
	if w.r == w.w {
		w.r, w.w = 0, 0
	}
	if w.w == len(w.buf) {
		if w.r > 0 {
			w.w = copy(w.buf, w.buf[w.r:w.w])
			w.r = 0
		} else if err := w.grow(); err != nil {
			return err
		}
	}
	n, err := w.readSock(w.buf[w.w:])
	w.w += n
	if n > 0 {
		if w.w == len(w.buf) && len(w.buf) < fullBuffer {
			return w.grow()
		}
		return nil
	}
	return err
}

// readSock reads from the connection, past the buffer.
func (w *wire) readSock(p []byte) (int, error) {
	if err := w.arm(w.sock.SetReadDeadline); err != nil {
		return 0, err
	}
	return w.sock.Read(p)
}

// grow doubles the buffer and moves what is in it to the front. A buffer is as
// large as what comes needs it to be: most mailboxes only ever wait.
func (w *wire) grow() error {
	size := max(restBuffer, 2*len(w.buf))
	if size > 2*maxLine {
		return talk.ErrTooLong
	}
	bigger := make([]byte, size)
	w.w = copy(bigger, w.buf[w.r:w.w])
	w.r, w.buf = 0, bigger
	return nil
}

// rest gives back a buffer that has grown, once nothing is in it.
func (w *wire) rest() {
	if w.r == w.w && len(w.buf) > restBuffer {
		w.buf, w.r, w.w = nil, 0, 0
	}
}

// Line returns the next line without its end.
func (w *wire) Line() ([]byte, error) {
	seen := 0
	for {
		if i := bytes.IndexByte(w.buf[w.r+seen:w.w], '\n'); i >= 0 {
			line := w.buf[w.r : w.r+seen+i]
			w.r += seen + i + 1
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		if seen = w.w - w.r; seen > maxLine {
			return nil, fmt.Errorf("%w: a line of over %d bytes", talk.ErrTooLong, maxLine)
		}
		if err := w.fill(); err != nil {
			return nil, inTheMiddle(err, seen > 0)
		}
	}
}

// Take returns the next n bytes, at most talk.MaxHeld.
func (w *wire) Take(n int64) ([]byte, error) {
	if n > talk.MaxHeld {
		return nil, fmt.Errorf("%w: %d bytes in one piece", talk.ErrTooLong, n)
	}
	for int64(w.w-w.r) < n {
		if err := w.fill(); err != nil {
			return nil, inTheMiddle(err, true)
		}
	}
	p := w.buf[w.r : w.r+int(n)]
	w.r += int(n)
	return p, nil
}

// Read reads at most len(p) bytes, whatever they are.
func (w *wire) Read(p []byte) (int, error) {
	if w.r == w.w {
		if len(p) >= fullBuffer/2 { // no need to copy it twice
			n, err := w.readSock(p)
			if n > 0 {
				err = nil
			}
			return n, inTheMiddle(err, true)
		}
		if err := w.fill(); err != nil {
			return 0, inTheMiddle(err, true)
		}
	}
	n := copy(p, w.buf[w.r:w.w])
	w.r += n
	return n, nil
}

// Skip passes over n bytes.
func (w *wire) Skip(n int64) error {
	for n > 0 {
		if w.r == w.w {
			if err := w.fill(); err != nil {
				return inTheMiddle(err, true)
			}
		}
		step := min(n, int64(w.w-w.r))
		w.r += int(step)
		n -= step
	}
	return nil
}

// inTheMiddle makes an end of the connection that cuts something off look
// like what it is.
func inTheMiddle(err error, begun bool) error {
	if begun && errors.Is(err, io.EOF) {
		return errCut
	}
	return err
}
