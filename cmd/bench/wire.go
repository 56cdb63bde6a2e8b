package main

import (
	"bytes"
	"net"
	"sync"
)

// wire is the network between a client and Dovecot. It carries bytes and keeps
// the books, the same for every client.
type wire struct {
	listener net.Listener
	target   string
	mark     []byte
	wg       sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	counts counts
	asked  bool // the last bytes went to the server
}

// counts are a wire's books.
type counts struct {
	bytes int64 // both ways
	turns int64 // how often clients spoke after they had been answered: round trips
	marks int64 // how often the mark went by, in the clear
}

func (c counts) minus(o counts) counts {
	return counts{c.bytes - o.bytes, c.turns - o.turns, c.marks - o.marks}
}

// newWire makes a wire to target that counts how often mark is carried to
// clients; an empty mark is not looked for.
func newWire(target, mark string) (*wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{listener: l, target: target, mark: []byte(mark), conns: map[net.Conn]struct{}{}}
	w.wg.Go(w.accept)
	return w, nil
}

func (w *wire) addr() string { return w.listener.Addr().String() }

func (w *wire) read() counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts
}

// close ends the wire and every connection over it.
func (w *wire) close() {
	_ = w.listener.Close()
	w.mu.Lock()
	for c := range w.conns {
		_ = c.Close()
	}
	w.mu.Unlock()
	w.wg.Wait()
}

func (w *wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", w.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		w.mu.Lock()
		w.conns[client], w.conns[server] = struct{}{}, struct{}{}
		w.mu.Unlock()
		w.wg.Go(func() { w.carry(server, client, true) })
		w.wg.Go(func() { w.carry(client, server, false) })
	}
}

// carry moves bytes one way until either side ends, then ends the other.
func (w *wire) carry(to, from net.Conn, up bool) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	kept := 0 // bytes of a mark that the last portion may have begun
	for {
		n, err := from.Read(buf[kept:])
		seen := buf[:kept+n]
		w.count(seen, n, up)
		if n > 0 {
			if _, err := to.Write(seen[kept:]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
		kept = copy(buf, seen[len(seen)-min(len(seen), max(0, len(w.mark)-1)):])
	}
}

func (w *wire) count(seen []byte, n int, up bool) {
	marks := 0
	if !up && len(w.mark) > 0 {
		marks = bytes.Count(seen, w.mark)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts.bytes += int64(n)
	w.counts.marks += int64(marks)
	if up && n > 0 && !w.asked {
		w.counts.turns++
	}
	if n > 0 {
		w.asked = up
	}
}
