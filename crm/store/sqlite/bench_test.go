package sqlite_test

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/sqlite"
)

// desk is a store with a linked mailbox, for benchmarks.
type desk struct {
	*store.Store
	b      *testing.B
	folder crm.Folder
	n      int // messages so far
}

func newDesk(b *testing.B) *desk {
	b.Helper()
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "mailsync.db"), store.Options{Sealer: glass{}})
	d := &desk{Store: s, b: b}
	d.must(err)
	b.Cleanup(func() { d.must(s.Close()) })
	ctx := b.Context()
	d.must(s.CreateAccount(ctx, crm.Account{ID: "acc_06gc8m3cfew5vzxmfh2kd8gtcw", Status: crm.AccountActive, MailEnabled: true, CreatedAt: now}))
	_, err = s.PutUser(ctx, crm.User{Account: d.account(), ID: "u1", Email: "u1@sample.example", Active: true, CreatedAt: now, UpdatedAt: now}, now)
	d.must(err)
	l, err := s.CreateLink(ctx, crm.Link{Account: d.account(), User: "u1", Username: "u1", LinkedAt: now}, "x", []crm.Folder{{Name: "INBOX", UIDValidity: 1}})
	d.must(err)
	fs, err := s.Folders(ctx, d.account(), l.Mailbox)
	d.must(err)
	d.folder = fs[0]
	return d
}

func (d *desk) account() crm.AccountID { return "acc_06gc8m3cfew5vzxmfh2kd8gtcw" }

func (d *desk) must(err error) {
	d.b.Helper()
	if err != nil {
		d.b.Fatal(err)
	}
}

// now moves on with the messages, as ids that begin with a time should.
func (d *desk) now() time.Time { return now.Add(time.Duration(d.n) * time.Second) }

// message is one of a conversation of three, with a text of 2 KB.
func (d *desk) message() *crm.Message {
	d.n++
	addr := crm.Address(fmt.Sprintf("c%d@customer.example", d.n/3%1000))
	id := func(n int) crm.HeaderID { return crm.HeaderID(fmt.Sprintf("CAF+%032d@mail.customer.example", n)) }
	m := &crm.Message{
		Direction: crm.Inbound, ReceivedAt: now.Add(time.Duration(d.n) * time.Second), Size: 5000,
		Raw:     crm.BlobRef(fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, d.n)))),
		Matches: []crm.Match{{Contact: crm.ContactID(addr[:8]), Address: addr}}, Correspondents: []crm.Address{addr},
		Letter: crm.Letter{
			Head: crm.Head{
				HeaderID: id(d.n), Subject: "Re: Your offer of the 12th", Date: now,
				From: []crm.Person{{Name: "Sato Hanako", Address: addr}}, To: []crm.Person{{Address: "u1@sample.example"}},
			},
			Text: strings.Repeat("Thank you for your offer. ", 80), Snippet: "Thank you for your offer.",
			Kind: crm.KindPersonal, Evidence: []string{"no sign of a machine"},
			Attachments: []crm.Attachment{{ID: "2", Filename: "order.pdf", ContentType: "application/pdf", Size: 4000}},
		},
	}
	for before := d.n - d.n%3; before < d.n; before++ {
		m.Letter.References = append(m.Letter.References, id(before))
	}
	return m
}

// arrivals is a page of n new messages.
func (d *desk) arrivals(n int) crm.Page {
	p := d.page(n)
	for i := range n {
		m := d.message()
		p.Arrivals = append(p.Arrivals, crm.Arrival{UID: p.From + 1 + crm.UID(i), Identity: sha256.Sum256([]byte(m.Letter.HeaderID)), Message: m})
	}
	return p
}

func (d *desk) page(n int) crm.Page {
	p := crm.Page{
		Account: d.account(), Mailbox: d.folder.Mailbox, Folder: d.folder.ID, UIDValidity: 1,
		From: d.folder.Position, Through: d.folder.Position + crm.UID(n), Receipt: crm.Receipt{Envelopes: int64(n)},
	}
	d.folder.Position = p.Through
	return p
}

// cpu is what this process has used so far, user and system.
func cpu() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// measure runs do and reports its CPU time per thing, of which each run has n.
func (d *desk) measure(n int, thing string, prepare func() func() error) {
	var used time.Duration
	for d.b.Loop() {
		d.b.StopTimer()
		do := prepare()
		d.b.StartTimer()
		before := cpu()
		d.must(do())
		used += cpu() - before
	}
	d.b.ReportMetric(float64(used.Microseconds())/float64(d.b.N*n), "cpu-µs/"+thing)
}

func BenchmarkRecord(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(n, " new messages"), func(b *testing.B) {
			d := newDesk(b)
			d.measure(n, "message", func() func() error {
				p := d.arrivals(n)
				return func() error { _, err := d.Record(b.Context(), p, d.now()); return err }
			})
		})
	}
	b.Run("500 refused messages", func(b *testing.B) {
		d := newDesk(b)
		d.measure(1, "page", func() func() error {
			p := d.page(500)
			for i := range crm.UID(5) { // five runs of 100
				p.Runs = append(p.Runs, crm.Run{Lo: p.From + 100*i + 1, Hi: p.From + 100*i + 100, Outcome: crm.Refusals[i]})
			}
			return func() error { _, err := d.Record(b.Context(), p, d.now()); return err }
		})
	})
	b.Run("100 copies", func(b *testing.B) {
		d := newDesk(b)
		p := d.arrivals(100)
		_, err := d.Record(b.Context(), p, d.now())
		d.must(err)
		d.measure(100, "message", func() func() error {
			q := d.page(100)
			for i, a := range p.Arrivals {
				q.Arrivals = append(q.Arrivals, crm.Arrival{UID: q.From + 1 + crm.UID(i), Identity: a.Identity})
			}
			return func() error { _, err := d.Record(b.Context(), q, d.now()); return err }
		})
	})
}

func BenchmarkFacts(b *testing.B) {
	d := newDesk(b)
	var cs []crm.Contact
	for i := range 20_000 {
		cs = append(cs, crm.Contact{
			Account: d.account(), ID: crm.ContactID(fmt.Sprint(i)), CreatedAt: now, UpdatedAt: now,
			Addresses: []crm.ContactAddress{{Address: crm.Address(fmt.Sprintf("c%d@customer.example", i)), Since: now}},
		})
	}
	_, err := d.PutContacts(b.Context(), cs)
	d.must(err)
	var asked []crm.Address
	for i := range 200 { // one in twenty is a contact's
		asked = append(asked, crm.Address(fmt.Sprintf("c%d@customer.example", i)))
		if i%20 != 0 {
			asked[i] = "x" + asked[i]
		}
	}
	d.measure(1, "window", func() func() error {
		return func() error { _, err := d.Facts(b.Context(), d.account(), asked); return err }
	})
}

func BenchmarkKnown(b *testing.B) {
	d := newDesk(b)
	var ids []crm.Identity
	for range 20 {
		p := d.arrivals(100)
		_, err := d.Record(b.Context(), p, d.now())
		d.must(err)
		ids = append(ids[:0:0], ids...)
		for _, a := range p.Arrivals[:5] {
			ids = append(ids, a.Identity)
		}
	}
	d.measure(1, "window", func() func() error {
		return func() error { _, err := d.Known(b.Context(), d.account(), ids); return err }
	})
}

func BenchmarkLooks(b *testing.B) {
	d := newDesk(b)
	looks := make([]crm.Looked, 100)
	for i := range looks {
		looks[i] = crm.Looked{Account: d.account(), Mailbox: d.folder.Mailbox, Status: crm.LinkLive, Mode: crm.ModeIdle, Synced: true}
	}
	d.measure(len(looks), "look", func() func() error {
		for i := range looks {
			looks[i].At = now.Add(time.Duration(b.N+i) * time.Second)
		}
		return func() error { return d.SaveLooks(b.Context(), looks) }
	})
}

func BenchmarkSyncFolders(b *testing.B) {
	d := newDesk(b)
	var listed []crm.Folder
	for i := range 20 {
		listed = append(listed, crm.Folder{Name: fmt.Sprint("Folder ", i), Role: crm.RoleOther, UIDValidity: 1})
	}
	d.measure(1, "look", func() func() error {
		return func() error {
			_, err := d.SyncFolders(b.Context(), d.account(), d.folder.Mailbox, listed, 0, now)
			return err
		}
	})
}

func BenchmarkCaller(b *testing.B) {
	d := newDesk(b)
	d.must(d.CreateToken(b.Context(), d.account(), "u1", crm.TokenHash{1}, now.Add(time.Hour)))
	d.measure(1, "request", func() func() error {
		return func() error { _, err := d.Caller(b.Context(), crm.TokenHash{1}, now); return err }
	})
}
