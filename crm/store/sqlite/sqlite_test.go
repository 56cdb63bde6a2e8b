package sqlite_test

import (
	"path/filepath"
	"testing"

	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/sqlite"
	"mailsyncd.example/crm/store/storetest"
)

func open(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "mailsync.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) { storetest.Run(t, open) }
