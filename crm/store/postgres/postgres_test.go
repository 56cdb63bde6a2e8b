package postgres_test

import (
	"reflect"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/postgres"
	"mailsyncd.example/crm/store/postgrestest"
	"mailsyncd.example/crm/store/storetest"
)

// server is for all tests of this package.
var server postgrestest.Server

func TestMain(m *testing.M) { goleak.VerifyTestMain(server.Around(m)) }

var now = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func wants(t *testing.T, err error, kind crm.Kind, code string) {
	t.Helper()
	if crm.KindOf(err) != kind || crm.CodeOf(err) != code {
		t.Errorf("error %v, want %s, %s", err, kind, code)
	}
}

// open opens a store for as long as the test runs.
func open(t testing.TB, url string, o store.Options) *store.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, o)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func TestPromise(t *testing.T) {
	storetest.Run(t, func(t *testing.T, o store.Options) *store.Store {
		return open(t, server.Database(t), o)
	})
}

// PostgreSQL refuses a NUL and what is no UTF-8; a message must not be lost
// for one byte of what it says.
func TestOddText(t *testing.T) {
	s := open(t, server.Database(t), store.Options{})
	must(t, s.CreateAccount(t.Context(), crm.Account{ID: "acc_1", Name: "a\x00b\xffc", Status: crm.AccountActive, CreatedAt: now}))
	a, err := s.Account(t.Context(), "acc_1")
	must(t, err)
	same(t, "name", a.Name, "a\uFFFDb\uFFFDc")
	_, err = s.Account(t.Context(), "acc_\x00")
	wants(t, err, crm.NotFound, "account_not_found")
}

// A transaction that another one stood in the way of is run again: here each
// waits for what the other holds.
func TestDeadlock(t *testing.T) {
	url := server.Database(t)
	// Who has waited for so long looks whether there is a deadlock, once. The
	// store is the one to find it: the other side comes to wait within its time,
	// and has more patience.
	s := open(t, url+"&deadlock_timeout=5s", store.Options{})
	for _, id := range []crm.AccountID{"acc_1", "acc_2"} {
		must(t, s.CreateAccount(t.Context(), crm.Account{ID: id, Status: crm.AccountActive, CreatedAt: now}))
	}
	ctx, conn := connect(t, url)
	defer conn.Close(ctx)
	for _, statement := range []string{`SET deadlock_timeout = '5min'`, `BEGIN`, `SELECT 1 FROM accounts WHERE id = 'acc_2' FOR UPDATE`} {
		_, err := conn.Exec(ctx, statement)
		must(t, err)
	}
	done := make(chan int, 1)
	go func() {
		created, err := s.PutContacts(t.Context(), []crm.Contact{
			{Account: "acc_1", ID: "c1", CreatedAt: now, UpdatedAt: now}, {Account: "acc_2", ID: "c2", CreatedAt: now, UpdatedAt: now},
		})
		if err != nil {
			t.Error(err)
		}
		done <- created
	}()
	awaitWaiter(t, url)
	_, err := conn.Exec(ctx, `SELECT 1 FROM accounts WHERE id = 'acc_1' FOR UPDATE`)
	must(t, err)
	_, err = conn.Exec(ctx, `COMMIT`)
	must(t, err)
	same(t, "contacts made", <-done, 2)
	same(t, "contacts", query[int](t, url, `SELECT COUNT(*) FROM contacts`), 2)
}

// An account that has to wait keeps no other waiting, however many of its
// changes do.
func TestAccountsDoNotWaitForEachOther(t *testing.T) {
	url := server.Database(t)
	s := open(t, url, store.Options{})
	for _, id := range []crm.AccountID{"acc_1", "acc_2"} {
		must(t, s.CreateAccount(t.Context(), crm.Account{ID: id, Status: crm.AccountActive, CreatedAt: now}))
	}
	ctx, conn := connect(t, url)
	defer conn.Close(ctx)
	_, err := conn.Exec(ctx, `BEGIN; SELECT 1 FROM accounts WHERE id = 'acc_1' FOR UPDATE`)
	must(t, err)
	var waiting sync.WaitGroup
	for range 50 {
		waiting.Go(func() {
			if err := s.UpdateAccount(t.Context(), crm.Account{ID: "acc_1", Status: crm.AccountActive, MailEnabled: true}, now); err != nil {
				t.Error(err)
			}
		})
	}
	awaitWaiter(t, url)
	must(t, s.UpdateAccount(t.Context(), crm.Account{ID: "acc_2", Status: crm.AccountActive, MailEnabled: true}, now))
	_, err = conn.Exec(ctx, `COMMIT`)
	must(t, err)
	waiting.Wait()
}

// awaitWaiter returns once somebody waits for a lock.
func awaitWaiter(t *testing.T, url string) {
	t.Helper()
	ctx, conn := connect(t, url)
	defer conn.Close(ctx)
	for waiting := false; !waiting; {
		must(t, conn.QueryRow(ctx, `
			SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waiting))
	}
}
