package dovecottest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Seed fills a user's INBOX with messages faster than any server could, by
// writing a Maildir before the user first logs in: n messages with UIDs from 1
// on, a second apart in date and ending now.
func (s *Server) Seed(t testing.TB, user string, n int, message func(i int) []byte) {
	t.Helper()
	if err := s.seed(user, n, message); err != nil {
		t.Fatalf("seed %s: %v", user, err)
	}
}

func (s *Server) seed(user string, n int, message func(i int) []byte) error {
	home := filepath.Join(s.dir, "mail", user)
	for _, d := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(home, "box", d), 0o755); err != nil {
			return err
		}
	}
	start := time.Now().Add(-time.Duration(n) * time.Second)
	for i := range n {
		raw := message(i)
		at := start.Add(time.Duration(i) * time.Second)
		name := fmt.Sprintf("%d.M%06dP1.seed,S=%d:2,S", at.Unix(), i%1_000_000, len(raw))
		file := filepath.Join(home, "box", "cur", name)
		if err := os.WriteFile(file, raw, 0o644); err != nil {
			return err
		}
		if err := os.Chtimes(file, at, at); err != nil {
			return err
		}
	}
	if os.Geteuid() != 0 {
		return nil
	}
	return filepath.WalkDir(home, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, nobody, nobody)
	})
}
