package servertest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
)

// Ports are handed out from below those that Linux takes for connections and
// for who listens on port 0: nobody is given the port of a server by chance
// while that is down.
const (
	lowestPort  = 10_000
	highestPort = 32_000
)

// Ports are ports of the loopback interface. Until they are released nobody
// else who asks here is given them, whatever process that is: test binaries run
// side by side, and a server that is started again wants the port that it had.
type Ports struct {
	Numbers []int
	held    []io.Closer
}

// FreePorts finds ports on which nobody listens at the moment.
func FreePorts(n int) (*Ports, error) {
	p := &Ports{}
	var err error
	for range 100 * n {
		if len(p.Numbers) == n {
			return p, nil
		}
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		var held io.Closer
		if held, err = hold(port); err == nil {
			p.Numbers, p.held = append(p.Numbers, port), append(p.held, held)
		}
	}
	p.Release()
	return nil, fmt.Errorf("no free ports were found: %w", err)
}

// OnFreePorts starts a server for the first time, on ports that are free. One
// that does not come up is started again on others: somebody who does not ask
// here may have been faster to take one.
func OnFreePorts(n int, start func(numbers []int) error) (*Ports, error) {
	for tries := 1; ; tries++ {
		ports, err := FreePorts(n)
		if err != nil {
			return nil, err
		}
		if err = start(ports.Numbers); err == nil {
			return ports, nil
		}
		ports.Release()
		if tries == 5 {
			return nil, err
		}
	}
}

// hold takes a port for whoever asks here. The UDP port of the same number
// stands for it: servers have no use for that, and it is free again when the
// process that holds it ends, however it does.
func hold(port int) (io.Closer, error) {
	held, err := net.ListenPacket("udp", Address(port))
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", Address(port))
	if err != nil {
		_ = held.Close()
		return nil, err
	}
	return held, l.Close()
}

// Release gives the ports back. It may be called twice, and of nil.
func (p *Ports) Release() {
	if p == nil {
		return
	}
	for _, held := range p.held {
		_ = held.Close()
	}
	p.held = nil
}
