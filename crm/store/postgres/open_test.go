package postgres_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/postgres"
	"mailsyncd.example/crm/store/postgrestest"
)

func TestOpenFails(t *testing.T) {
	url := server.Database(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	nobody := free.Addr().String()
	must(t, free.Close())
	execute(t, url, `CREATE ROLE guest LOGIN`)
	t.Cleanup(func() { execute(t, server.URL("postgres"), `DROP ROLE guest`) })
	latin := strings.Replace(url, "/test", "/latin_test", 1)
	name := latin[strings.Index(latin, "/latin_test")+1 : strings.Index(latin, "?")]
	execute(t, url, `CREATE DATABASE `+name+` ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`)
	t.Cleanup(func() { execute(t, url, `DROP DATABASE `+name) })

	for name, c := range map[string]struct {
		url  string
		kind crm.Kind
		code string
	}{
		"no URL":            {"postgres://user:opensesame@host:port:port/x", crm.Invalid, "database_url_bad"},
		"nobody there":      {postgrestest.OverTCP(url, nobody, postgrestest.Password), crm.Unavailable, "database_unreachable"},
		"wrong password":    {postgrestest.OverTCP(url, server.Address(), "wrong"), crm.Unavailable, "database_refused"},
		"no such database":  {server.URL("nothing"), crm.Unavailable, "database_refused"},
		"another encoding":  {latin, crm.Unavailable, "database_refused"},
		"a foreign one's":   {strings.Replace(server.Empty(t), "user=postgres", "user=guest", 1), crm.Unavailable, "database_refused"},
		"a read-only one's": {url + "&default_transaction_read_only=on", crm.Unavailable, "database_refused"},
	} {
		t.Run(name, func(t *testing.T) {
			do := func(err error) {
				t.Helper()
				wants(t, err, c.kind, c.code)
				if err != nil && strings.Contains(err.Error(), postgrestest.Password) {
					t.Errorf("the error tells the password: %v", err)
				}
			}
			if name == "a read-only one's" {
				s := open(t, c.url, store.Options{})
				do(s.CreateAccount(t.Context(), crm.Account{ID: "acc_1", CreatedAt: now}))
				return
			}
			_, err := postgres.Open(t.Context(), c.url, store.Options{})
			do(err)
			_, err = postgres.OpenAlone(t.Context(), c.url, store.Options{})
			do(err)
			do(postgres.Migrate(t.Context(), c.url))
		})
	}
}

// The right password is taken, over TCP.
func TestOpenOverTCP(t *testing.T) {
	url := postgrestest.OverTCP(server.Database(t), server.Address(), postgrestest.Password)
	must(t, open(t, url, store.Options{}).Ping(t.Context()))
}

// A server that takes the connection and says nothing is given up.
func TestSilentServer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer silent.Close()
	url := postgrestest.OverTCP("postgres:///x", silent.Addr().String(), "x") + "&connect_timeout=1"
	_, err = postgres.Open(t.Context(), url, store.Options{})
	wants(t, err, crm.Unavailable, "database_unreachable")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := postgres.Open(ctx, url, store.Options{}); err == nil {
		t.Error("opened after it was cancelled")
	}
}

// The store says that the server is gone, and goes on when it is back.
func TestServerRestarts(t *testing.T) {
	var own postgrestest.Server
	defer func() { must(t, own.Close()) }()
	url := own.Database(t)
	shared, alone := open(t, url, store.Options{}), openAlone(t, url)
	must(t, shared.CreateAccount(t.Context(), crm.Account{ID: "acc_1", Status: crm.AccountActive, CreatedAt: now}))
	for name, stop := range map[string]func(){"stopped": own.Stop, "killed": own.Kill} {
		stop()
		for _, s := range []*store.Store{shared, alone} {
			_, err := s.Account(t.Context(), "acc_1")
			wants(t, err, crm.Unavailable, "database_unreachable")
			wants(t, s.DeleteAccount(t.Context(), "acc_none", now), crm.Unavailable, "database_unreachable")
			wants(t, s.Ping(t.Context()), crm.Unavailable, "database_unreachable")
		}
		must(t, own.Start())
		for _, s := range []*store.Store{shared, alone} {
			eventually(t, name, func() error { _, err := s.Account(t.Context(), "acc_1"); return err })
		}
	}
}

// eventually calls do until it succeeds.
func eventually(t *testing.T, what string, do func() error) {
	t.Helper()
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	limit := time.After(30 * time.Second)
	for {
		err := do()
		if err == nil {
			return
		}
		select {
		case <-retry.C:
		case <-limit:
			t.Fatalf("%s: %v", what, err)
		}
	}
}
