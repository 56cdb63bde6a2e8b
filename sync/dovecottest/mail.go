package dovecottest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"mailsyncd.example/crm/servertest"
)

// Deliver hands a message to Dovecot by LMTP, as a mail server would: it is in
// the recipient's INBOX when Deliver returns, with the present as its
// INTERNALDATE. It belongs into the test's own goroutine; others use LMTP.
func (s *Server) Deliver(t testing.TB, rcpt string, raw []byte) {
	t.Helper()
	c, err := s.takeLMTP()
	if err == nil {
		err = c.Deliver(rcpt, raw)
	}
	if err != nil {
		t.Fatalf("deliver to %s: %v", rcpt, err)
	}
	s.mu.Lock()
	s.lmtp = append(s.lmtp, c)
	s.mu.Unlock()
}

// takeLMTP returns an idle connection, or a new one where none is left.
func (s *Server) takeLMTP() (*LMTP, error) {
	s.mu.Lock()
	if n := len(s.lmtp); n > 0 {
		c := s.lmtp[n-1]
		s.lmtp = s.lmtp[:n-1]
		s.mu.Unlock()
		return c, nil
	}
	s.mu.Unlock()
	return s.LMTP()
}

// LMTP is a connection over which messages are delivered one after the other
// (RFC 2033). One goroutine at a time may use it.
type LMTP struct {
	conn net.Conn
	text *textproto.Reader
	out  bytes.Buffer
}

// LMTP opens a connection for deliveries in bulk; the caller closes it.
func (s *Server) LMTP() (*LMTP, error) {
	conn, err := net.Dial("tcp", servertest.Address(s.LMTPPort))
	if err != nil {
		return nil, err
	}
	c := &LMTP{conn: conn, text: textproto.NewReader(bufio.NewReader(conn))}
	_, _, err = c.text.ReadResponse(220)
	if err == nil {
		if _, err = conn.Write([]byte("LHLO test\r\n")); err == nil {
			_, _, err = c.text.ReadResponse(250)
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// Deliver delivers one message and returns once it is stored. After an error
// the connection is closed.
func (c *LMTP) Deliver(rcpt string, raw []byte) error {
	c.out.Reset()
	fmt.Fprintf(&c.out, "MAIL FROM:<>\r\nRCPT TO:<%s>\r\nDATA\r\n", rcpt)
	err := c.round(250, 250, 354)
	if err == nil {
		c.out.Reset()
		dot := textproto.NewWriter(bufio.NewWriter(&c.out)).DotWriter()
		_, _ = dot.Write(raw) // into memory: can't fail
		_ = dot.Close()
		err = c.round(250)
	}
	if err != nil {
		_ = c.conn.Close()
	}
	return err
}

// round writes what is waiting and reads the replies, which must have these
// codes.
func (c *LMTP) round(codes ...int) error {
	if _, err := c.conn.Write(c.out.Bytes()); err != nil {
		return err
	}
	for _, code := range codes {
		if _, _, err := c.text.ReadResponse(code); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the connection.
func (c *LMTP) Close() error { return c.conn.Close() }

// Append puts a message into a folder (made where it is missing) with date as
// its INTERNALDATE, the present where date is zero, and returns its UID.
func (s *Server) Append(t testing.TB, user, folder string, raw []byte, date time.Time) imap.UID {
	t.Helper()
	uid, err := s.append(user, folder, raw, date)
	if err != nil {
		t.Fatalf("append to %s of %s: %v", folder, user, err)
	}
	return uid
}

// append is Append without a test to fail.
func (s *Server) append(user, folder string, raw []byte, date time.Time) (imap.UID, error) {
	c, err := s.Client(user)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if !strings.EqualFold(folder, "INBOX") {
		var no *imap.Error
		err := c.Create(folder, nil).Wait()
		if err != nil && !(errors.As(err, &no) && no.Code == imap.ResponseCodeAlreadyExists) {
			return 0, err
		}
	}
	cmd := c.Append(folder, int64(len(raw)), &imap.AppendOptions{Time: date})
	if _, err := cmd.Write(raw); err != nil {
		return 0, err
	}
	if err := cmd.Close(); err != nil {
		return 0, err
	}
	data, err := cmd.Wait()
	if err != nil {
		return 0, err
	}
	return data.UID, nil
}
