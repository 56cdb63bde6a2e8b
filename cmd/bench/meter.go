package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// reading is what one measurement found.
type reading struct {
	CPU      time.Duration // of this process, user and system
	Wall     time.Duration
	Peak     int64 // bytes of memory that were resident at most
	Growth   int64 // bytes of resident memory added, once all is settled
	Astir    int64 // the same in the midst of work
	Imported int   // messages that came into the store
	Refused  int64 // bodies read that the rules refuse, by the receipts
}

// section is a stretch of work whose cost is measured; what comes before it
// (starting, logging in, opening the database) is not.
type section struct {
	cpu  time.Duration
	wall time.Time
}

// begin starts a section with as little garbage of others as can be.
func begin() section {
	runtime.GC()
	return section{cpu: cpuTime(), wall: time.Now()}
}

// end returns what the section has cost.
func (s section) end() (reading, error) {
	r := reading{CPU: cpuTime() - s.cpu, Wall: time.Since(s.wall)}
	var err error
	r.Peak, err = memory("VmHWM")
	return r, err
}

// cpuTime is the processor time that this process has used so far. Dovecot
// runs in processes of its own and is not in it.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // the arguments are constants
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// settled is the resident memory in bytes once garbage is gone, stacks have
// shrunk (by half with each collection) and freed memory is back with the
// system, as it is some minutes after any rush.
func settled() (int64, error) {
	for range 4 {
		debug.FreeOSMemory()
	}
	return memory("VmRSS")
}

// memory reads a line of /proc/self/status (proc(5)) in bytes.
func memory(name string) (int64, error) { return memoryOf("/proc/self/status", name) }

// memoryOf reads a line of a file about some process' memory in bytes.
func memoryOf(file, name string) (int64, error) {
	status, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("memory is measured on Linux only: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		value, ok := strings.CutPrefix(line, name+":")
		if !ok {
			continue
		}
		kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
		return kb << 10, err
	}
	return 0, fmt.Errorf("no %s in %s", name, file)
}
