package postgrestest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"mailsyncd.example/crm/store/postgrestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func exec(t *testing.T, url, statement string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		return err
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), statement)
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Databases are apart from each other, and outlive what happens to the server.
func TestServer(t *testing.T) {
	var s postgrestest.Server
	defer func() { must(t, s.Close()) }()
	one, other, empty := s.Database(t), s.Database(t), s.Empty(t)
	must(t, exec(t, one, `CREATE TABLE x AS SELECT 1`))
	if err := exec(t, other, `SELECT * FROM x`); err == nil {
		t.Error("two tests share a database")
	}
	must(t, exec(t, other, `SELECT * FROM accounts`))
	if err := exec(t, empty, `SELECT * FROM accounts`); err == nil {
		t.Error("the empty database is not empty")
	}
	must(t, s.Restart())
	must(t, exec(t, one, `SELECT * FROM x`))
	s.Kill()
	if err := exec(t, one, `SELECT 1`); err == nil {
		t.Error("a killed server answers")
	}
	must(t, s.Start())
	must(t, exec(t, one, `SELECT * FROM x`))
	must(t, exec(t, postgrestest.OverTCP(one, s.Address(), postgrestest.Password), `SELECT * FROM x`))
	if err := exec(t, postgrestest.OverTCP(one, s.Address(), "wrong"), `SELECT 1`); err == nil {
		t.Error("any password opens the database")
	}
}
