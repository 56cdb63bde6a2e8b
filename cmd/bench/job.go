package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"
)

// side is who does the work that is measured.
type side string

const (
	sideBare side = "bare"    // a socket and nothing else
	sideLib  side = "go-imap" // imapclient as it is
	sideOurs side = "ours"
)

// password opens every mailbox here.
const password = "bench"

// job is one measurement. It is done in a process of its own, so that neither
// Dovecot's helpers nor what was measured before are in its figures.
type job struct {
	Work   string // scan, import, look, idle, first
	Side   side
	Addr   string // of Dovecot, or of a wire to it
	TLS    bool
	CAFile string
	Users  []string

	Count    int           // messages to find, looks to take
	Wanted   []uint32      // UIDs of what the rules import, for those who can't judge
	Interval time.Duration // between looks
	Watch    time.Duration // how long to watch
	Profile  string        // file for a CPU profile; "" for none

	trusted *x509.CertPool // out of CAFile
}

// measureCommand is the argument with which the program starts itself for a
// job: the job comes in on standard input, the reading goes out on output.
const measureCommand = "measure"

// measure does a job in another process.
func (b *bench) measure(ctx context.Context, j job) (reading, error) {
	program, err := os.Executable()
	if err != nil {
		return reading{}, err
	}
	in, err := json.Marshal(b.complete(j))
	if err != nil {
		return reading{}, err
	}
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, program, measureCommand)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &said
	if err := cmd.Run(); err != nil {
		return reading{}, fmt.Errorf("%s by %s: %w: %s", j.Work, j.Side, err, said.String())
	}
	var r reading
	return r, json.Unmarshal(out.Bytes(), &r)
}

// complete fills in what all jobs have in common.
func (b *bench) complete(j job) job {
	j.CAFile = b.server.CAFile
	if j.Addr == "" {
		j.Addr = b.addr(j.TLS)
	}
	if b.profiles != "" && j.Side == sideOurs {
		b.profiled++
		j.Profile = filepath.Join(b.profiles, fmt.Sprintf("%02d-%s.cpu", b.profiled, j.Work))
	}
	return j
}

// serveJob is the other process.
func serveJob(ctx context.Context, in io.Reader, out io.Writer) error {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return err
	}
	var err error
	if j.trusted, err = trust(j.CAFile); err != nil {
		return err
	}
	if j.Profile != "" {
		f, err := os.Create(j.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	r, err := j.do(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// writeHeap writes a profile of what is in memory now, and of what has been
// allocated so far, beside that of the CPU.
func (j job) writeHeap() error {
	if j.Profile == "" {
		return nil
	}
	f, err := os.Create(strings.TrimSuffix(j.Profile, ".cpu") + ".heap")
	if err != nil {
		return err
	}
	defer f.Close()
	return pprof.Lookup("heap").WriteTo(f, 0)
}

func (j job) do(ctx context.Context) (reading, error) {
	switch j.Work + " by " + string(j.Side) {
	case "scan by bare", "import by bare":
		return j.scanBare()
	case "scan by go-imap", "import by go-imap":
		return j.scanLib()
	case "scan by ours", "import by ours":
		return j.scanOurs(ctx)
	case "look by bare":
		return j.lookBare()
	case "look by go-imap":
		return j.lookLib()
	case "look by ours":
		return j.lookOurs(ctx)
	case "first by ours":
		return j.firstOurs(ctx)
	case "idle by bare":
		return j.idleBare()
	case "idle by go-imap":
		return j.idleLib()
	case "idle by ours":
		return j.idleOurs(ctx)
	}
	return reading{}, fmt.Errorf("%s can't %s", j.Side, j.Work)
}
