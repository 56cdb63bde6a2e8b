package intake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
	"mailsyncd.example/crm/blob"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/sqlite"
	"mailsyncd.example/dedupe"
	"mailsyncd.example/sync/intake"
)

// errBroken is what a box says when its connection broke.
var errBroken = crm.E(crm.Unreachable, "connection_lost", "The connection to the mail server was lost.")

// shelf is a folder on a server whose faults a test can choose: what a real
// server does once in a million messages. Real servers are for package watch.
type shelf struct {
	mails    map[crm.UID]*letterOn
	poison   map[crm.UID]bool   // reading it breaks the connection
	mute     map[crm.UID]bool   // its body is not delivered
	garbled  map[crm.UID]bool   // its envelope can't be read
	lazy     map[crm.UID]bool   // its head is not delivered
	reports  map[crm.UID]string // delivery reports, with what their status says
	typed    int                // calls of TypedEnvelopes
	statused []crm.UID          // reports whose status was asked for, in order
	fragile  bool               // asking for a status breaks the connection
	claims   int64              // RFC822.SIZE instead of the truth, where not 0
	received int64
	fetched  []crm.UID // bodies, in order
	asked    int       // calls
}

type letterOn struct {
	raw []byte
	at  time.Time
}

func newShelf() *shelf {
	return &shelf{
		mails: map[crm.UID]*letterOn{}, poison: map[crm.UID]bool{}, mute: map[crm.UID]bool{},
		garbled: map[crm.UID]bool{}, lazy: map[crm.UID]bool{}, reports: map[crm.UID]string{},
	}
}

// put puts a message from Ken (or from somebody else) on the shelf.
func (s *shelf) put(uid crm.UID, from, subject string) {
	raw := fmt.Sprintf("Message-ID: <%s@customer.example>\r\nDate: Mon, 2 Mar 2026 10:00:00 +0900\r\nFrom: %s\r\nTo: aoi@acme.example\r\nSubject: %s\r\n\r\nHello, %s.\r\n", subject, from, subject, subject)
	s.mails[uid] = &letterOn{raw: []byte(raw), at: linkedAt.Add(time.Hour)}
}

func (s *shelf) from(lo, hi crm.UID) []crm.UID {
	var all []crm.UID
	for uid := range s.mails {
		if lo <= uid && uid <= hi {
			all = append(all, uid)
		}
	}
	slices.Sort(all)
	return all
}

func (s *shelf) Envelopes(_ context.Context, lo, hi crm.UID, each func(crm.Envelope, error)) error {
	s.asked++
	for _, uid := range s.from(lo, hi) {
		if s.poison[uid] {
			return errBroken
		}
		if s.garbled[uid] {
			each(crm.Envelope{UID: uid}, errors.New("garbled"))
			continue
		}
		m := s.mails[uid]
		env := crm.Envelope{UID: uid, ReceivedAt: m.at, Size: int64(len(m.raw))}
		if s.claims != 0 {
			env.Size = s.claims
		}
		for line := range bytes.Lines(m.raw) {
			if v, ok := bytes.CutPrefix(line, []byte("From: ")); ok {
				env.From = address.List(string(bytes.TrimSpace(v)))
			}
			if v, ok := bytes.CutPrefix(line, []byte("To: ")); ok {
				env.To = address.List(string(bytes.TrimSpace(v)))
			}
		}
		s.received += 200
		each(env, nil)
	}
	return nil
}

func (s *shelf) TypedEnvelopes(ctx context.Context, lo, hi crm.UID, each func(crm.Envelope, error)) error {
	s.typed++
	return s.Envelopes(ctx, lo, hi, func(env crm.Envelope, err error) {
		_, env.Report = s.reports[env.UID]
		each(env, err)
	})
}

func (s *shelf) Statuses(_ context.Context, uids []crm.UID, limit int64, each func(crm.UID, []byte)) error {
	s.asked++
	s.statused = append(s.statused, uids...)
	if s.fragile {
		return errBroken
	}
	for _, uid := range uids {
		content := s.reports[uid]
		content = content[:min(len(content), int(limit))]
		s.received += int64(len(content))
		if content != "" {
			each(uid, []byte(content))
		}
	}
	return nil
}

func (s *shelf) FirstUID(_ context.Context, lo crm.UID, day time.Time) (crm.UID, error) {
	s.asked++
	for _, uid := range s.from(lo, ^crm.UID(0)) {
		if !s.mails[uid].at.Before(day.Truncate(24 * time.Hour)) {
			return uid, nil
		}
	}
	return 0, nil
}

func (s *shelf) Heads(_ context.Context, uids []crm.UID, each func(crm.UID, []byte)) error {
	s.asked++
	for _, uid := range uids {
		if m := s.mails[uid]; m != nil && !s.lazy[uid] {
			head, _, _ := bytes.Cut(m.raw, []byte("\r\n\r\n"))
			each(uid, append(head, "\r\n\r\n"...))
		}
	}
	return nil
}

func (s *shelf) Bodies(_ context.Context, of []crm.Envelope, limit int64, each func(crm.UID, io.Reader) error) error {
	s.asked++
	for _, env := range of {
		uid := env.UID
		m := s.mails[uid]
		if m == nil || s.mute[uid] {
			continue
		}
		s.fetched = append(s.fetched, uid)
		s.received += min(limit, int64(len(m.raw)))
		if err := each(uid, io.LimitReader(bytes.NewReader(m.raw), limit)); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) UIDs(_ context.Context, lo, hi crm.UID, each func(lo, hi crm.UID)) error {
	for _, uid := range s.from(lo, hi) {
		each(uid, uid)
	}
	return nil
}

func (s *shelf) Received() int64 { return s.received }

// linkedAt is when the mailbox of every test was linked.
var linkedAt = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// desk is an account with a linked mailbox, and a journey into it.
type desk struct {
	t       *testing.T
	store   *store.Store
	options intake.Options
	stretch intake.Stretch
	account crm.AccountID
	shelf   *shelf
	now     time.Time
	seen    map[crm.UID]crm.Outcome
}

// plainSealer keeps nothing secret: no test here has a secret.
type plainSealer struct{}

func (plainSealer) Seal(plain, _ []byte) ([]byte, error)  { return plain, nil }
func (plainSealer) Open(sealed, _ []byte) ([]byte, error) { return sealed, nil }

func newDesk(t *testing.T) *desk {
	t.Helper()
	ctx := t.Context()
	dir := t.TempDir()
	d := &desk{t: t, account: "acc_1", shelf: newShelf(), now: linkedAt.Add(2 * time.Hour), seen: map[crm.UID]crm.Outcome{}}
	var err error
	d.store, err = sqlite.Open(ctx, filepath.Join(dir, "mailsync.db"), store.Options{Sealer: plainSealer{}})
	must(t, err)
	t.Cleanup(func() { must(t, d.store.Close()) })
	blobs, err := blob.Open(filepath.Join(dir, "blobs"))
	must(t, err)
	must(t, d.store.CreateAccount(ctx, crm.Account{
		ID: d.account, Name: "Acme", Status: crm.AccountActive, MailEnabled: true,
		ContactVisibility: crm.VisibleAll, CreatedAt: linkedAt,
	}))
	_, err = d.store.PutUser(ctx, crm.User{
		Account: d.account, ID: "aoi", Email: "aoi@acme.example", Role: crm.RoleUser, Active: true,
	}, linkedAt)
	must(t, err)
	_, err = d.store.PutContacts(ctx, []crm.Contact{{
		Account: d.account, ID: "ken", Name: "Ken",
		Addresses: []crm.ContactAddress{{Address: "ken@customer.example", Since: linkedAt}},
	}})
	must(t, err)
	link, err := d.store.CreateLink(ctx, crm.Link{
		Account: d.account, User: "aoi", Address: "aoi@acme.example", Username: "aoi", Auth: crm.AuthPassword,
		Server: crm.Server{Host: "mail.example", Port: 993, Security: crm.SecurityTLS}, LinkedAt: linkedAt,
	}, "", []crm.Folder{{Name: "INBOX", Role: crm.RoleInbox, UIDValidity: 7, Anchored: true}})
	must(t, err)
	folders, err := d.store.Folders(ctx, d.account, link.Mailbox)
	must(t, err)
	d.stretch = intake.Stretch{Box: d.shelf, Folder: folders[0], Since: linkedAt}
	d.options = intake.Options{
		Store: d.store, Blobs: blobs, Claims: dedupe.NewClaims(), Now: func() time.Time { return d.now },
		Observe: func(s intake.Seen) { d.seen[s.Envelope.UID] = s.Outcome },
	}
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// advance reads through to a UID and remembers how far it came.
func (d *desk) advance(through crm.UID) error {
	d.stretch.Through = through
	done, err := intake.New(d.options).Advance(d.t.Context(), d.stretch)
	d.stretch.Folder = done.Folder
	return err
}

// messages are the account's messages by subject.
func (d *desk) messages() map[string]crm.Message {
	d.t.Helper()
	part, err := d.store.ListMessages(d.t.Context(), d.account, crm.MessageQuery{Paging: crm.Paging{Limit: 10000}})
	must(d.t, err)
	all := map[string]crm.Message{}
	for _, m := range part.Items {
		all[m.Letter.Subject] = m
	}
	return all
}

// health is the mailbox's.
func (d *desk) health() crm.Health {
	d.t.Helper()
	h, err := d.store.Health(d.t.Context(), d.account, d.stretch.Folder.Mailbox)
	must(d.t, err)
	return h
}
