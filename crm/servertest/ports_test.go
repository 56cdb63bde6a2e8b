package servertest

import (
	"net"
	"testing"
)

func TestPortsAreTheirHolders(t *testing.T) {
	one, err := FreePorts(3)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Release()
	for _, port := range one.Numbers {
		if held, err := hold(port); err == nil {
			t.Errorf("port %d is given to another one", port)
			held.Close()
		}
		for range 2 { // a server, and the same one started again
			l, err := net.Listen("tcp", Address(port))
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
		}
	}
	one.Release()
	held, err := hold(one.Numbers[0])
	if err != nil {
		t.Fatalf("a port that was released: %v", err)
	}
	held.Close()
}

func TestAPortInUseIsNotGiven(t *testing.T) {
	l, err := net.Listen("tcp", Address(0))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if held, err := hold(l.Addr().(*net.TCPAddr).Port); err == nil {
		t.Error("a port on which somebody listens is given")
		held.Close()
	}
	var none *Ports
	none.Release()
}
