package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
)

// bare is the least that can be a client: it sends commands and throws the
// answers away. What it costs is what the protocol and the socket cost.
type bare struct {
	conn net.Conn
	r    *bufio.Reader
	tag  int
}

// dial opens a socket to where a job's Dovecot is, in TLS where the job says so.
func (j job) dial() (net.Conn, error) {
	if !j.TLS {
		return net.Dial("tcp", j.Addr)
	}
	return tls.Dial("tcp", j.Addr, &tls.Config{RootCAs: j.trusted})
}

// trust reads the authority that signed Dovecot's certificate.
func trust(caFile string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in " + caFile)
	}
	return pool, nil
}

// openBare connects and logs in.
func openBare(j job, user string) (*bare, error) {
	conn, err := j.dial()
	if err != nil {
		return nil, err
	}
	b := &bare{conn: conn, r: bufio.NewReader(conn)}
	if _, err = b.line(); err == nil { // the greeting
		err = b.do("LOGIN %s %s", user, password)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return b, nil
}

// do sends a command and reads to the end of its answer.
func (b *bare) do(format string, args ...any) error {
	b.tag++
	tag := fmt.Sprintf("a%d ", b.tag)
	if _, err := fmt.Fprintf(b.conn, tag+format+"\r\n", args...); err != nil {
		return err
	}
	for {
		line, err := b.line()
		switch {
		case err != nil:
			return err
		case bytes.HasPrefix(line, []byte(tag+"OK")):
			return nil
		case bytes.HasPrefix(line, []byte(tag)):
			return fmt.Errorf("%s: %s", fmt.Sprintf(format, args...), line)
		}
	}
}

// line reads a line, and throws away the literal that it announces.
func (b *bare) line() ([]byte, error) {
	line, err := b.r.ReadSlice('\n')
	if err != nil || !bytes.HasSuffix(line, []byte("}\r\n")) {
		return line, err
	}
	size, err := strconv.Atoi(string(line[bytes.LastIndexByte(line, '{')+1 : len(line)-3]))
	if err == nil {
		_, err = b.r.Discard(size) // and with it the buffer that line is in
	}
	return nil, err
}

// idle begins to wait for news (RFC 2177).
func (b *bare) idle() error {
	b.tag++
	if _, err := fmt.Fprintf(b.conn, "a%d IDLE\r\n", b.tag); err != nil {
		return err
	}
	_, err := b.line()
	return err
}

// wake ends the waiting.
func (b *bare) wake() error {
	if _, err := b.conn.Write([]byte("DONE\r\n")); err != nil {
		return err
	}
	for {
		line, err := b.line()
		if err != nil || line[0] == 'a' {
			return err
		}
	}
}
