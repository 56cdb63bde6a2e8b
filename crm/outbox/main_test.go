package outbox_test

import (
	"testing"

	"mailsyncd.example/crm/redistest"
	"mailsyncd.example/crm/servertest"
	"mailsyncd.example/crm/store/postgrestest"
)

// Servers for all tests of this package, started by the first that needs them.
var (
	postgresql postgrestest.Server
	redisd     redistest.Server
)

func TestMain(m *testing.M) { servertest.Main(m, &postgresql, &redisd) }
