package imapbox_test

import (
	"fmt"
	"io"
	"runtime"
	"syscall"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/imapbox"
)

// cpu is the processor time that this process has used so far, without that
// of Dovecot.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// seeded is a Dovecot with n messages in the INBOX, read once so that its
// index is warm, and an open box.
func seeded(b *testing.B, n, size int) *imapbox.Box {
	s := start(b)
	s.Seed(b, user, n, func(i int) []byte {
		return mail(fmt.Sprintf("Kunde %d <kunde%d@customer%d.example>", i, i, i%500), "Info <"+user+">", size)
	})
	box := dial(b, imapbox.Dialer{RootCAs: s.CAPool}, s.Login(user, crm.SecurityTLS))
	_, err := box.Examine(b.Context(), "INBOX")
	must(b, err)
	envelopes(b, box, 1, crm.UID(n))
	return box
}

// per reports what each of n took.
func per(b *testing.B, each string, n int, used time.Duration, bytes int64) {
	b.ReportMetric(float64(used.Nanoseconds())/float64(n)/1000, "cpu-µs/"+each)
	b.ReportMetric(float64(bytes)/float64(n), "wire-B/"+each)
	b.ReportMetric(0, "ns/op")
}

func BenchmarkEnvelopes(b *testing.B) {
	const n = 20_000
	box := seeded(b, n, 1000)
	begun, received, count := cpu(), box.Received(), 0
	for b.Loop() {
		must(b, box.Envelopes(b.Context(), 1, n, func(crm.Envelope, error) { count++ }))
	}
	per(b, "msg", count, cpu()-begun, box.Received()-received)
	if count%n != 0 {
		b.Errorf("%d envelopes", count)
	}
}

func BenchmarkBodies(b *testing.B) {
	const n, size = 2_000, 50_000
	box := seeded(b, n, size)
	of := envelopes(b, box, 1, n)
	begun, received, count := cpu(), box.Received(), 0
	for b.Loop() {
		must(b, box.Bodies(b.Context(), of, 1<<20, func(_ crm.UID, r io.Reader) error {
			count++
			_, err := io.Copy(io.Discard, r)
			return err
		}))
	}
	per(b, "msg", count, cpu()-begun, box.Received()-received)
}

func BenchmarkFoldersUnchanged(b *testing.B) {
	var opts []dovecottest.Option
	for i := range 19 {
		opts = append(opts, dovecottest.Folder(fmt.Sprintf("Folder%02d", i), ""))
	}
	s := start(b, opts...)
	box := dial(b, imapbox.Dialer{RootCAs: s.CAPool}, s.Login(user, crm.SecurityTLS))
	begun, received, count := cpu(), box.Received(), 0
	for b.Loop() {
		list, err := box.Folders(b.Context())
		must(b, err)
		if len(list) != 20 {
			b.Fatalf("%d folders", len(list))
		}
		count++
	}
	per(b, "look", count, cpu()-begun, box.Received()-received)
}

// BenchmarkIdle measures what a mailbox costs that waits for news: memory that
// the process has from the system, per connection.
func BenchmarkIdle(b *testing.B) {
	const n = 1000
	s := start(b, dovecottest.Setting("service imap {", "  client_limit = 200", "}"))
	d := imapbox.Dialer{RootCAs: s.CAPool}
	for b.Loop() {
		before := inUse()
		boxes := make([]*imapbox.Box, n)
		waiting := make(chan error, n)
		for i := range boxes {
			box, err := d.Connect(b.Context(), s.Login(user, crm.SecurityTLS))
			must(b, err)
			_, err = box.Examine(b.Context(), "INBOX")
			must(b, err)
			boxes[i] = box
			go func() {
				_, err := box.Wait(b.Context(), time.Hour, nil)
				waiting <- err
			}()
		}
		b.ReportMetric(float64(inUse()-before)/n/1024, "KB/conn")
		s.Deliver(b, user, mail("a@c.example", user, 10))
		for range boxes {
			must(b, <-waiting)
		}
		for _, box := range boxes {
			box.Close()
		}
	}
	b.ReportMetric(0, "ns/op")
}

// inUse is the heap and the stacks in use.
func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
