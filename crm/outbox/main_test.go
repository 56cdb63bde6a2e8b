package outbox_test

import (
	"errors"
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"mailsyncd.example/crm/redistest"
	"mailsyncd.example/crm/store/postgrestest"
)

// Servers for all tests of this package, started by the first that needs them.
var (
	postgresql postgrestest.Server
	redisd     redistest.Server
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(tests{m}) }

// tests stops the servers before anybody looks for goroutines that were left.
type tests struct{ *testing.M }

func (t tests) Run() int {
	code := t.M.Run()
	if err := errors.Join(postgresql.Close(), redisd.Close()); err != nil {
		fmt.Println(err)
		return 1
	}
	return code
}
