package watch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

// A host that is away is knocked at for all who wait, and only while they do.
func TestKnocks(t *testing.T) {
	var knocked atomic.Int64
	var up atomic.Bool
	asked := make(chan struct{}, 1) // who knocks waits for nobody
	n := newKnocks(func(context.Context, crm.Server) error {
		knocked.Add(1)
		select {
		case asked <- struct{}{}:
		default:
		}
		if !up.Load() {
			return errors.New("nobody there")
		}
		return nil
	})
	n.every = time.Millisecond
	host := crm.Server{Host: "imap.acme.example", Port: 993, Security: crm.SecurityTLS}
	one, leaveOne := n.await(host)
	two, leaveTwo := n.await(host)
	other, leaveOther := n.await(crm.Server{Host: "imap.other.example"})
	leaveOther()
	<-asked
	leaveOne()
	<-asked
	up.Store(true)
	<-one // both hear of it, whoever left
	<-two
	leaveTwo()
	select {
	case <-other:
		t.Error("another host is back")
	default:
	}
	if len(n.away) != 0 {
		t.Errorf("%d hosts are knocked at and nobody waits", len(n.away))
	}

	up.Store(false)
	again, leave := n.await(host)
	defer leave()
	<-asked
	up.Store(true)
	<-again
}

// Where nobody can knock, waits are what they were.
func TestNobodyKnocks(t *testing.T) {
	back, leave := newKnocks(nil).await(crm.Server{})
	defer leave()
	if back != nil {
		t.Error("somebody knocks")
	}
}

func TestMarkAway(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"refused":            {crm.Wrap(crm.Unreachable, "connect_failed", "x", refused), true},
		"no name":            {crm.Wrap(crm.Unreachable, "host_unknown", "x", &net.DNSError{}), true},
		"a connection broke": {crm.Wrap(crm.Unreachable, "connection_lost", "x", &net.OpError{Op: "read", Err: errors.New("reset")}), false},
		"the guard":          {crm.E(crm.Forbidden, "host_not_allowed", "x"), false},
		"wrapped again":      {fmt.Errorf("x: %w", refused), true},
		"none":               {nil, false},
	} {
		server := crm.Server{Host: "imap.acme.example"}
		marked := markAway(server, c.err)
		away, got := errors.AsType[*awayError](marked)
		if got != c.want || got && away.server != server || crm.CodeOf(marked) != crm.CodeOf(c.err) {
			t.Errorf("%s: %v", name, marked)
		}
	}
}
