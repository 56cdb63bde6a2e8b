package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/postgres"
)

func openAlone(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := postgres.OpenAlone(t.Context(), url, store.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func TestAlone(t *testing.T) {
	url := server.Database(t)
	first := openAlone(t, url)
	_, err := postgres.OpenAlone(t.Context(), url, store.Options{})
	wants(t, err, crm.Unavailable, "database_in_use")
	openAlone(t, server.Database(t)) // another database is another matter

	must(t, first.Close())
	must(t, openAlone(t, url).Ping(t.Context()))
}

// Those who share the work are there together, and keep off who would not.
func TestShared(t *testing.T) {
	url := server.Database(t)
	open := func() *store.Store {
		s, err := postgres.OpenShared(t.Context(), url, store.Options{})
		must(t, err)
		t.Cleanup(func() { must(t, s.Close()) })
		return s
	}
	first, second := open(), open()
	_, err := postgres.OpenAlone(t.Context(), url, store.Options{})
	wants(t, err, crm.Unavailable, "database_in_use")
	same(t, "connections cut", query[int](t, url, cut), 2)
	eventually(t, "the locks are back", func() error { return errors.Join(first.Ping(t.Context()), second.Ping(t.Context())) })
	must(t, first.Close())
	_, err = postgres.OpenAlone(t.Context(), url, store.Options{})
	wants(t, err, crm.Unavailable, "database_in_use")
	must(t, second.Close())
	openAlone(t, url)
	_, err = postgres.OpenShared(t.Context(), url, store.Options{})
	wants(t, err, crm.Unavailable, "database_in_use")
	if !strings.Contains(crm.DetailOf(err), "MAILSYNC_REDIS_URL for it too") {
		t.Errorf("it says %q", crm.DetailOf(err))
	}
}

// cut ends the connection that holds the lock, and returns once the server
// has let go of it.
const cut = `
	SELECT COUNT(pg_terminate_backend(pid, 10000)) FROM pg_locks
	WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

// Whoever loses the lock stops working; it works again once it has the lock
// again.
func TestLockIsLost(t *testing.T) {
	url := server.Database(t)
	first := openAlone(t, url)
	same(t, "connections cut", query[int](t, url, cut), 1)
	// The lock may be back before anybody has missed it.
	eventually(t, "lock", func() error { return first.Ping(t.Context()) })
	_, err := postgres.OpenAlone(t.Context(), url, store.Options{})
	wants(t, err, crm.Unavailable, "database_in_use")
}

// Whoever finds the lock taken stands by until the other has ended.
func TestLockIsTaken(t *testing.T) {
	url := server.Database(t)
	first := openAlone(t, url)
	var second *store.Store
	for second == nil { // the two race for it
		query[int](t, url, cut)
		var err error
		if second, err = postgres.OpenAlone(t.Context(), url, store.Options{}); err != nil {
			wants(t, err, crm.Unavailable, "database_in_use")
		}
	}
	eventually(t, "the first stops", func() error {
		if err := first.Ping(t.Context()); crm.CodeOf(err) != "database_in_use" {
			return errors.New("it works on")
		}
		return nil
	})
	_, err := first.Account(t.Context(), "acc_1")
	wants(t, err, crm.Unavailable, "database_in_use")
	wants(t, first.CreateAccount(t.Context(), crm.Account{ID: "acc_1"}), crm.Unavailable, "database_in_use")
	must(t, second.CreateAccount(t.Context(), crm.Account{ID: "acc_1", Status: crm.AccountActive, CreatedAt: now}))
	must(t, second.Close())
	eventually(t, "the first takes over", func() error { return first.Ping(t.Context()) })
}
