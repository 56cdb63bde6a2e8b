package imapbox

import (
	"bytes"
	"cmp"
	"net"
	"strings"
	"sync"
	"time"

	"mailsyncd.example/sync/imapbox/talk"
)

// loan is the net.Conn that imapclient gets: the wire, for as long as one of
// its commands is under way, from the first byte of the command to the answer
// to it. The rest of the time its reader is parked here and the wire is ours.
//
// Of what the server says it passes on only what imapclient needs and is known
// to understand, in the plainest form, since anything else ends the connection
// or worse: an open parenthesis among the capabilities makes it spin for ever.
// It ignores imapclient's deadlines, which are none while it waits for an
// answer to begin, and leaves them to the wire.
type loan struct {
	box *Box

	mu     sync.Mutex
	change *sync.Cond // lent or closed has changed
	lent   bool
	closed bool
	tag    string // of the command under way
	asked  int    // continuations that imapclient waits for

	out      []byte      // what is to be passed on next
	found    talk.Found  // what SEARCH listed, kept until the command is done
	answered bool        // a SEARCH or ESEARCH came with the command
	last     talk.Status // how the command went
	err      error       // why reading failed
}

// welcome makes imapclient believe that it is logged in to a server that can
// do nothing out of the ordinary.
const welcome = "* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n"

func newLoan(b *Box) *loan {
	l := &loan{box: b, out: []byte(welcome)}
	l.change = sync.NewCond(&l.mu)
	return l
}

// Write is how imapclient sends a command, or more of one.
func (l *loan) Write(p []byte) (int, error) {
	l.mu.Lock()
	if !l.lent && string(p) == "DONE\r\n" {
		l.mu.Unlock()
		return len(p), nil // the server has ended IDLE before us
	}
	if !l.lent {
		tag, rest := talk.SplitTag(p)
		l.lent, l.tag, l.asked = true, string(tag), 0
		l.found, l.answered, l.last = talk.Found{}, false, talk.Status{}
		if bytes.HasPrefix(rest, []byte("IDLE")) {
			l.asked++
		}
		l.change.Broadcast()
	}
	if bytes.HasSuffix(p, []byte("}\r\n")) && !bytes.HasSuffix(p, []byte("+}\r\n")) {
		l.asked++
	}
	l.mu.Unlock()
	if err := l.box.wire.write(p); err != nil {
		return 0, l.failed(err)
	}
	return len(p), nil
}

// failed keeps why the wire can't be used any more: imapclient does not.
func (l *loan) failed(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = cmp.Or(l.err, err)
	return err
}

// Read is where imapclient's reader spends its life.
func (l *loan) Read(p []byte) (int, error) {
	for len(l.out) == 0 {
		if err := l.await(); err != nil {
			return 0, err
		}
		line, err := l.box.wire.Line()
		if err == nil {
			err = l.pass(line)
		}
		if err != nil {
			return 0, l.failed(err)
		}
	}
	n := copy(p, l.out)
	l.out = l.out[n:]
	return n, nil
}

// await returns once the wire is lent, or why it never will be again:
// imapclient reads several times before it believes an error.
func (l *loan) await() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.lent && !l.closed && l.err == nil {
		l.change.Wait()
	}
	if l.closed {
		return net.ErrClosed
	}
	return l.err
}

// pass decides what becomes of a line.
func (l *loan) pass(line []byte) error {
	tag, rest := talk.SplitTag(line)
	switch string(tag) {
	case "+":
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.asked > 0 {
			l.asked--
			l.put("+ go on")
		}
		return nil
	case "*":
		return l.passUntagged(rest)
	}
	if s, ok := talk.ParseStatus(rest); ok && string(tag) == l.tag {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.last, l.lent = s, false
		if s.Cond == "OK" {
			l.out = l.found.Append(l.out[:0])
			l.put(l.tag + " OK done")
		} else {
			l.put(l.tag + " NO refused")
		}
	}
	return nil
}

func (l *loan) passUntagged(rest []byte) error {
	word, more := talk.SplitTag(rest)
	l.box.untagged(rest)
	switch {
	case bytes.EqualFold(word, []byte("SEARCH")):
		numbers, _, _ := bytes.Cut(more, []byte("(")) // MODSEQ may follow
		l.answered = true
		return l.found.Add(numbers)
	case bytes.EqualFold(word, []byte("ESEARCH")):
		found, ours := l.isOurs(more)
		if !ours {
			return talk.PassOver(l.box.wire, rest)
		}
		found, err := talk.InOrder(found)
		if err != nil {
			return err
		}
		l.answered = true
		l.put(strings.TrimRight(`* ESEARCH (TAG "`+l.tag+`") `+string(found), " "))
		return nil
	}
	if kind, _ := talk.SplitTag(more); talk.IsNumber(word) && (bytes.EqualFold(kind, exists) || bytes.EqualFold(kind, expunge)) {
		l.put("* " + string(word) + " " + strings.ToUpper(string(kind)))
		return nil
	}
	return talk.PassOver(l.box.wire, rest)
}

// isOurs tells whether an ESEARCH answers our command: it may say to which one
// it belongs (RFC 4466 section 2.6.2). found is what follows that.
func (l *loan) isOurs(answer []byte) (found []byte, ours bool) {
	if len(answer) == 0 || answer[0] != '(' {
		return answer, true
	}
	correlator, found, _ := bytes.Cut(answer[1:], []byte(")"))
	_, tag, _ := bytes.Cut(correlator, []byte(" "))
	return bytes.TrimLeft(found, " "), string(bytes.Trim(tag, `"`)) == l.tag
}

func (l *loan) put(line string) {
	l.out = append(append(l.out, line...), "\r\n"...)
}

// Close is how imapclient gives up, and how its reader is sent home.
func (l *loan) Close() error {
	l.mu.Lock()
	l.closed = true
	l.change.Broadcast()
	l.mu.Unlock()
	l.box.wire.cut()
	return nil
}

func (l *loan) LocalAddr() net.Addr              { return l.box.wire.tcp.LocalAddr() }
func (l *loan) RemoteAddr() net.Addr             { return l.box.wire.tcp.RemoteAddr() }
func (l *loan) SetDeadline(time.Time) error      { return nil }
func (l *loan) SetReadDeadline(time.Time) error  { return nil }
func (l *loan) SetWriteDeadline(time.Time) error { return nil }
