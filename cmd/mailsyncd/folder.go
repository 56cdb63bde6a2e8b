package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"mailsyncd.example/crm"
)

// Where things stand in the data folder.
func (c Config) operatorTokenFile() string { return filepath.Join(c.DataDir, "operator-token") }
func (c Config) keysetFile() string        { return filepath.Join(c.DataDir, "keyset.json") }

// Validate is called by kong once all values are known.
func (c Config) Validate() error {
	if err := c.checkDatabaseURL(); err != nil {
		return err
	}
	if err := c.checkBlobURL(); err != nil {
		return err
	}
	if err := c.checkRedisURL(); err != nil {
		return err
	}
	if c.HostConns <= 0 || c.HostLogins <= 0 {
		return fmt.Errorf("--host-connections, --host-logins: give a number above zero")
	}
	if c.PollInterval <= 0 {
		return fmt.Errorf("--poll-interval: give a time above zero, such as 3m")
	}
	return nil
}

// prepareFolder makes the data folder, for its owner alone.
func (c Config) prepareFolder() error {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return errUnwritable(c.DataDir, err)
	}
	return nil
}

// freeSpace tells how many bytes are free in a folder for who runs this.
func freeSpace(dir string) (uint64, error) {
	var s syscall.Statfs_t
	err := syscall.Statfs(dir, &s)
	return s.Bavail * uint64(s.Bsize), err
}

// operatorToken returns the token that manages accounts: the one given, or the
// one in the data folder, which is made on first start.
func (c Config) operatorToken() (crm.Secret, error) {
	if c.OperatorToken != "" {
		return crm.Secret(c.OperatorToken), nil
	}
	content, err := os.ReadFile(c.operatorTokenFile())
	if errors.Is(err, fs.ErrNotExist) {
		return c.makeOperatorToken()
	}
	if err != nil {
		return "", errUnwritable(c.DataDir, err)
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return "", crm.E(crm.Invalid, "operator_token_missing", c.operatorTokenFile()+" holds no token; put the old one back, or remove the file and a new one is made.")
	}
	return crm.Secret(token), nil
}

func (c Config) makeOperatorToken() (crm.Secret, error) {
	var random [24]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	token := "mso_" + base64.RawURLEncoding.EncodeToString(random[:])
	// Written aside first: a crash must not leave half a token behind.
	aside := c.operatorTokenFile() + ".new"
	if err := os.WriteFile(aside, []byte(token+"\n"), 0o600); err != nil {
		return "", errUnwritable(c.DataDir, err)
	}
	if err := os.Rename(aside, c.operatorTokenFile()); err != nil {
		return "", errUnwritable(c.DataDir, err)
	}
	return crm.Secret(token), nil
}
