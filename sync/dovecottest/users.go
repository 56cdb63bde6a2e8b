package dovecottest

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"mailsyncd.example/crm/servertest"
)

// AddUser adds a user, known at once. The name is the login name and the
// address for Deliver.
func (s *Server) AddUser(name, password string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.accounts[name]; ok {
		return fmt.Errorf("user %q is there already", name)
	}
	s.accounts[name] = password
	return s.writeUser(name, password, time.Now())
}

// SetPassword changes a user's password and returns once the old one is good
// no more. Connections that stand stay open.
func (s *Server) SetPassword(name, password string) error {
	s.mu.Lock()
	s.accounts[name] = password
	// Dovecot reads a file again when size or modification time changed, to
	// the second, and looks no more than once a second.
	err := s.writeUser(name, password, time.Now().Add(2*time.Second))
	s.mu.Unlock()
	if err != nil {
		return err
	}
	deadline := time.After(2 * time.Minute)
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for {
		c, err := s.Client(name)
		if err == nil {
			return c.Close()
		}
		select {
		case <-deadline:
			return fmt.Errorf("the new password is not accepted: %w", err)
		case <-retry.C:
		}
	}
}

// Kick ends a user's connections.
func (s *Server) Kick(name string) error {
	_, err := s.Doveadm("kick", name)
	return err
}

// writeUser writes the user's own passwd-file. A file each, since Dovecot
// knows a new file at once but a changed one only a second later.
func (s *Server) writeUser(name, password string, mtime time.Time) error {
	file := filepath.Join(s.dir, "users", name)
	line := name + ":{PLAIN.B64}" + base64.StdEncoding.EncodeToString([]byte(password)) + "::::::\n"
	if err := os.WriteFile(file+"~", []byte(line), 0o644); err != nil {
		return err
	}
	if err := os.Chtimes(file+"~", mtime, mtime); err != nil {
		return err
	}
	return os.Rename(file+"~", file)
}

// Client logs a user in, in the clear, with go-imap's own client: for what a
// test wants to do to a mailbox from outside. The caller closes it.
func (s *Server) Client(user string) (*imapclient.Client, error) {
	c, err := imapclient.DialInsecure(servertest.Address(s.IMAPPort), nil)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	password := s.accounts[user]
	s.mu.Unlock()
	if err := c.Login(user, password).Wait(); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}
