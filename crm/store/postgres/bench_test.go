package postgres_test

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/postgrestest"
	"mailsyncd.example/crm/store/sqlite"
)

// desk is a store with a linked mailbox. Both engines write to the disk as
// they do in earnest: every commit is synced.
type desk struct {
	*store.Store
	b      *testing.B
	folder crm.Folder
	n      int // messages so far
}

// glass seals nothing.
type glass struct{}

func (glass) Seal(plain, _ []byte) ([]byte, error)  { return plain, nil }
func (glass) Open(sealed, _ []byte) ([]byte, error) { return sealed, nil }

// onBoth runs a benchmark on both engines, one after the other.
func onBoth(b *testing.B, run func(b *testing.B, d *desk)) {
	durable := postgrestest.Server{Durable: true}
	b.Cleanup(func() { must(b, durable.Close()) })
	o := store.Options{Sealer: glass{}}
	b.Run("sqlite", func(b *testing.B) {
		s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "mailsync.db"), o)
		must(b, err)
		defer func() { must(b, s.Close()) }()
		run(b, newDesk(b, s))
	})
	b.Run("postgres", func(b *testing.B) {
		run(b, newDesk(b, open(b, durable.Database(b), o)))
	})
}

const benchAccount = crm.AccountID("acc_06gc8m3cfew5vzxmfh2kd8gtcw")

func newDesk(b *testing.B, s *store.Store) *desk {
	ctx := b.Context()
	must(b, s.CreateAccount(ctx, crm.Account{ID: benchAccount, Status: crm.AccountActive, MailEnabled: true, CreatedAt: now}))
	_, err := s.PutUser(ctx, crm.User{Account: benchAccount, ID: "u1", Email: "u1@sample.example", Active: true, CreatedAt: now, UpdatedAt: now}, now)
	must(b, err)
	l, err := s.CreateLink(ctx, crm.Link{Account: benchAccount, User: "u1", Username: "u1", LinkedAt: now}, "x", []crm.Folder{{Name: "INBOX", UIDValidity: 1}})
	must(b, err)
	fs, err := s.Folders(ctx, benchAccount, l.Mailbox)
	must(b, err)
	return &desk{Store: s, b: b, folder: fs[0]}
}

// page is a page of n new messages, each of a conversation of three and with
// a text of 2 KB.
func (d *desk) page(n int) crm.Page {
	p := crm.Page{
		Account: benchAccount, Mailbox: d.folder.Mailbox, Folder: d.folder.ID, UIDValidity: 1,
		From: d.folder.Position, Through: d.folder.Position + crm.UID(n), Receipt: crm.Receipt{Envelopes: int64(n)},
	}
	d.folder.Position = p.Through
	for i := range n {
		m := d.message()
		p.Arrivals = append(p.Arrivals, crm.Arrival{UID: p.From + 1 + crm.UID(i), Identity: sha256.Sum256([]byte(m.Letter.HeaderID)), Message: m})
	}
	return p
}

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
			Text: strings.Repeat("Thank you for your offer. ", 80), Snippet: "Thank you for your offer.", Kind: crm.KindPersonal,
		},
	}
	for before := d.n - d.n%3; before < d.n; before++ {
		m.Letter.References = append(m.Letter.References, id(before))
	}
	return m
}

func BenchmarkRecord(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			onBoth(b, func(b *testing.B, d *desk) {
				for b.Loop() {
					b.StopTimer()
					p := d.page(n)
					b.StartTimer()
					_, err := d.Record(b.Context(), p, now)
					must(b, err)
				}
				b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "messages/s")
			})
		})
	}
}

func BenchmarkFacts(b *testing.B) {
	onBoth(b, func(b *testing.B, d *desk) {
		var cs []crm.Contact
		for i := range 20_000 {
			cs = append(cs, crm.Contact{
				Account: benchAccount, ID: crm.ContactID(fmt.Sprint(i)), CreatedAt: now, UpdatedAt: now,
				Addresses: []crm.ContactAddress{{Address: crm.Address(fmt.Sprintf("c%d@customer.example", i)), Since: now}},
			})
		}
		_, err := d.PutContacts(b.Context(), cs)
		must(b, err)
		var asked []crm.Address
		for i := range 200 { // one in twenty is a contact's
			addr := fmt.Sprintf("c%d@customer.example", i)
			if i%20 != 0 {
				addr = "x" + addr
			}
			asked = append(asked, crm.Address(addr))
		}
		for b.Loop() {
			_, err := d.Facts(b.Context(), benchAccount, asked)
			must(b, err)
		}
	})
}
