package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
)

// A wire to a server that answers each line with the line, in two portions.
func TestWire(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		for lines := bufio.NewScanner(c); lines.Scan(); {
			half := len(lines.Text()) / 2
			_, _ = fmt.Fprint(c, lines.Text()[:half])
			_, _ = fmt.Fprint(c, lines.Text()[half:], "\n")
		}
	}()
	w, err := newWire(l.Addr().String(), "mark")
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	c, err := net.Dial("tcp", w.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answers := bufio.NewReader(c)
	said := []string{"no", "a mark", "markmark", strings.Repeat("x", 100) + "mar"}
	size := 0
	for _, line := range said {
		if _, err := fmt.Fprintln(c, line); err != nil {
			t.Fatal(err)
		}
		if got, err := answers.ReadString('\n'); err != nil || got != line+"\n" {
			t.Fatalf("%q came back as %q, %v", line, got, err)
		}
		size += 2 * (len(line) + 1)
	}
	if got, want := w.read(), (counts{bytes: int64(size), turns: 4, marks: 3}); got != want {
		t.Errorf("the wire counted %+v, not %+v", got, want)
	}
}
