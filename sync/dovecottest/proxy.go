package dovecottest

import (
	"net"
	"sync"
	"testing"
	"time"

	"mailsyncd.example/crm/servertest"
)

// Proxy stands between a client and a server and carries bytes, of whatever
// protocol. It counts and records them, and plays bad networks: cut, stalled,
// slow. What is set applies to every connection, present and future.
type Proxy struct {
	listener net.Listener
	target   string
	wg       sync.WaitGroup
	done     chan struct{} // closed by Close

	mu       sync.Mutex
	change   *sync.Cond // stalled or done has changed
	conns    map[net.Conn]struct{}
	accepted int
	up, down int64 // bytes to the server and to the client
	stalled  bool
	rate     int   // bytes a second to the client; 0 is as fast as can be
	cutAt    int64 // connections are cut when down reaches it; 0 is never
	record   bool
	said     []byte // what clients said, while recording
	heard    []byte // what they were told
}

// NewProxy listens on a free port for connections to target ("host:port") and
// goes on until the test ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	return newProxy(t, servertest.Address(0), target)
}

func newProxy(t testing.TB, address, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, target: target, done: make(chan struct{}), conns: make(map[net.Conn]struct{})}
	p.change = sync.NewCond(&p.mu)
	p.wg.Go(p.accept)
	t.Cleanup(p.Close)
	return p
}

// Proxy returns a Proxy in front of one of the server's ports.
func (s *Server) Proxy(t testing.TB, port int) *Proxy {
	t.Helper()
	return NewProxy(t, servertest.Address(port))
}

// ProxyAt is Proxy on another address of the loopback interface ("127.0.0.2"):
// to its clients, another mail host.
func (s *Server) ProxyAt(t testing.TB, host string, port int) *Proxy {
	t.Helper()
	return newProxy(t, net.JoinHostPort(host, "0"), servertest.Address(port))
}

// Port is where the proxy listens, on Host unless it was made by ProxyAt.
func (p *Proxy) Port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// Addr is where the proxy listens, as host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Sent counts the bytes that clients sent.
func (p *Proxy) Sent() int64 { p.mu.Lock(); defer p.mu.Unlock(); return p.up }

// Received counts the bytes that clients were sent.
func (p *Proxy) Received() int64 { p.mu.Lock(); defer p.mu.Unlock(); return p.down }

// Accepted counts the connections that there have been.
func (p *Proxy) Accepted() int { p.mu.Lock(); defer p.mu.Unlock(); return p.accepted }

// Open counts the connections that stand.
func (p *Proxy) Open() int { p.mu.Lock(); defer p.mu.Unlock(); return len(p.conns) / 2 }

// Record starts to keep what is said, from nothing. It is of use where it is
// said in the clear.
func (p *Proxy) Record() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.record, p.said, p.heard = true, nil, nil
}

// Transcript returns what clients said and heard since Record.
func (p *Proxy) Transcript() (said, heard string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.said), string(p.heard)
}

// Stall keeps connections open and carries nothing, not even an end: the peer
// has vanished.
func (p *Proxy) Stall() { p.set(func() { p.stalled = true }) }

// Resume ends a Stall; what was held back is carried now.
func (p *Proxy) Resume() { p.set(func() { p.stalled = false }) }

// Slow limits what clients are sent to so many bytes a second; 0 ends it.
func (p *Proxy) Slow(rate int) { p.set(func() { p.rate = rate }) }

// CutAfter cuts every connection once clients have been sent n more bytes. It
// happens once.
func (p *Proxy) CutAfter(n int64) { p.set(func() { p.cutAt = p.down + n }) }

// Cut closes every connection that stands; new ones are welcome.
func (p *Proxy) Cut() { p.set(p.cut) }

// Close ends the proxy.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.set(func() { close(p.done); p.cut() })
	p.wg.Wait()
}

// set changes the proxy and wakes whoever waits for that.
func (p *Proxy) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.change.Broadcast()
}

// cut closes what stands; mu is held.
func (p *Proxy) cut() {
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

// accept takes connections and gives each its counterpart.
func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		if p.closed() {
			_ = client.Close()
			_ = server.Close()
		} else {
			p.accepted++
			p.conns[client], p.conns[server] = struct{}{}, struct{}{}
			p.wg.Go(func() { p.carry(server, client, false) })
			p.wg.Go(func() { p.carry(client, server, true) })
		}
		p.mu.Unlock()
	}
}

// carry moves bytes one way until either side ends.
func (p *Proxy) carry(to, from net.Conn, down bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.await()
		for b := buf[:n]; len(b) > 0; {
			portion, pause, cut := p.portion(b, down)
			if _, werr := to.Write(portion); werr != nil {
				err = werr
				break
			}
			if cut {
				p.Cut()
				break
			}
			p.rest(pause)
			b = b[len(portion):]
		}
		if err != nil {
			p.part(to, from)
			return
		}
	}
}

// await returns once bytes may be carried.
func (p *Proxy) await() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stalled && !p.closed() {
		p.change.Wait()
	}
}

// portion does the books: how many of the bytes go on now, how long to rest
// afterwards, and whether that was the end.
func (p *Proxy) portion(b []byte, down bool) (portion []byte, pause time.Duration, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !down {
		p.up += int64(len(b))
		if p.record {
			p.said = append(p.said, b...)
		}
		return b, 0, false
	}
	if p.rate > 0 {
		b = b[:min(len(b), max(1, p.rate/50))]
		pause = time.Duration(len(b)) * time.Second / time.Duration(p.rate)
	}
	if p.cutAt > 0 && p.down+int64(len(b)) >= p.cutAt {
		b = b[:p.cutAt-p.down]
		p.cutAt, cut = 0, true
	}
	p.down += int64(len(b))
	if p.record {
		p.heard = append(p.heard, b...)
	}
	return b, pause, cut
}

// rest waits as a slow network does, unless the proxy ends.
func (p *Proxy) rest(pause time.Duration) {
	if pause == 0 {
		return
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.done:
	}
}

// closed tells whether Close was called.
func (p *Proxy) closed() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// part ends both sides of a connection.
func (p *Proxy) part(a, b net.Conn) {
	_ = a.Close()
	_ = b.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, a)
	delete(p.conns, b)
}
