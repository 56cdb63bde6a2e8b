package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
)

// house is an account with what a test needs of it. Its clock stands still
// until the test moves it.
type house struct {
	*store.Store
	t       *testing.T
	account crm.AccountID
	now     time.Time
	letters int
}

// newHouse opens a store with one account in it.
func newHouse(t *testing.T, open Opener) *house {
	return newHouseIn(t, open(t, store.Options{Sealer: &box{key: 1}}), "acc_1")
}

// newHouseIn adds an account to a store.
func newHouseIn(t *testing.T, s *store.Store, account crm.AccountID) *house {
	t.Helper()
	h := &house{Store: s, t: t, account: account, now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	h.must(s.CreateAccount(t.Context(), h.sampleAccount()))
	return h
}

func (h *house) sampleAccount() crm.Account {
	return crm.Account{
		ID: h.account, Name: "Sample KK", Status: crm.AccountActive, MailEnabled: true,
		ContactVisibility: crm.VisibleAll, CreatedAt: h.now,
	}
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) pass(d time.Duration) { h.now = h.now.Add(d) }

// value is the first of two results; the test ends where the second is an error.
func value[T any](v T, err error) func(*house) T {
	return func(h *house) T {
		h.t.Helper()
		h.must(err)
		return v
	}
}

func (h *house) user(id crm.UserID) crm.User {
	h.t.Helper()
	u := crm.User{
		Account: h.account, ID: id, Email: crm.Address(id + "@sample.example"), Name: "User " + string(id),
		Role: crm.RoleUser, Active: true, CreatedAt: h.now, UpdatedAt: h.now,
	}
	_, err := h.PutUser(h.t.Context(), u, h.now)
	h.must(err)
	return u
}

func (h *house) contact(id crm.ContactID, addrs ...crm.Address) crm.Contact {
	h.t.Helper()
	c := crm.Contact{Account: h.account, ID: id, Name: "Contact " + string(id), CreatedAt: h.now, UpdatedAt: h.now}
	for _, a := range addrs {
		c.Addresses = append(c.Addresses, crm.ContactAddress{Address: a, Since: h.now})
	}
	_, err := h.PutContacts(h.t.Context(), []crm.Contact{c})
	h.must(err)
	return c
}

// linkOf is a link that a user could make to the mailbox of a name.
func (h *house) linkOf(user crm.UserID, mailbox string) crm.Link {
	return crm.Link{
		Account: h.account, User: user, Address: crm.Address(mailbox + "@sample.example"),
		Server:   crm.Server{Host: "imap.sample.example", Port: 993, Security: crm.SecurityTLS},
		Username: mailbox, Auth: crm.AuthPassword, LinkedAt: h.now,
	}
}

// link makes a user and links them to the mailbox of a name, with the folders
// INBOX and Sent, which are empty.
func (h *house) link(user crm.UserID, mailbox string) crm.Link {
	h.t.Helper()
	h.user(user)
	l, err := h.CreateLink(h.t.Context(), h.linkOf(user, mailbox), crm.Secret("secret of "+user), []crm.Folder{
		{Name: "INBOX", Role: crm.RoleInbox, UIDValidity: 1, Anchored: true},
		{Name: "Sent", Role: crm.RoleSent, UIDValidity: 1, Anchored: true},
	})
	h.must(err)
	return l
}

func (h *house) folder(m crm.MailboxID, name string) crm.Folder {
	h.t.Helper()
	for _, f := range value(h.Folders(h.t.Context(), h.account, m))(h) {
		if f.Name == name {
			return f
		}
	}
	h.t.Fatalf("no folder %s", name)
	return crm.Folder{}
}

// active are the mailboxes with a link that stands, of all accounts.
func (h *house) active() []crm.MailboxID {
	h.t.Helper()
	var all []crm.MailboxID
	h.must(h.ActiveMailboxes(h.t.Context(), func(_ crm.AccountID, m crm.MailboxID) { all = append(all, m) }))
	return all
}

// letter is a message from a contact to user u, received now. change may make
// something else of it.
func (h *house) letter(from crm.ContactID, change func(*crm.Message)) *crm.Message {
	h.letters++
	addr := crm.Address(string(from) + "@customer.example")
	m := &crm.Message{
		Direction: crm.Inbound, ReceivedAt: h.now, Size: 1000, Raw: ref(fmt.Sprint("letter ", h.letters)),
		Matches: []crm.Match{{Contact: from, Address: addr, Sender: true}}, Correspondents: []crm.Address{addr},
		Letter: crm.Letter{
			Head: crm.Head{
				HeaderID: crm.HeaderID(fmt.Sprintf("letter-%d@customer.example", h.letters)),
				From:     []crm.Person{{Name: "Contact " + string(from), Address: addr}},
				To:       []crm.Person{{Address: "u@sample.example"}},
				Subject:  fmt.Sprintf("Letter %d", h.letters), Date: h.now,
			},
			Text: fmt.Sprintf("Text %d", h.letters), Snippet: fmt.Sprintf("Snippet %d", h.letters),
			Kind: crm.KindPersonal, Digest: sha256.Sum256(fmt.Append(nil, h.letters)),
		},
	}
	if change != nil {
		change(m)
	}
	return m
}

// answers makes a letter name others as going before it.
func answers(ids ...crm.HeaderID) func(*crm.Message) {
	return func(m *crm.Message) { m.Letter.References = ids }
}

func ref(content string) crm.BlobRef {
	return crm.BlobRef(fmt.Sprintf("%x", sha256.Sum256([]byte(content))))
}

// identity is what package dedupe would find, nearly.
func identity(m *crm.Message) crm.Identity { return sha256.Sum256([]byte(m.Letter.HeaderID)) }

// page is a page that continues a folder with these messages.
func (h *house) page(f crm.Folder, messages ...*crm.Message) crm.Page {
	p := crm.Page{
		Account: h.account, Mailbox: f.Mailbox, Folder: f.ID, UIDValidity: f.UIDValidity,
		From: f.Position, Through: f.Position + crm.UID(len(messages)),
	}
	for i, m := range messages {
		p.Arrivals = append(p.Arrivals, crm.Arrival{UID: f.Position + 1 + crm.UID(i), Identity: identity(m), Message: m})
	}
	return p
}

// arrive records messages in a folder of a mailbox, where it stands.
func (h *house) arrive(m crm.MailboxID, folder string, messages ...*crm.Message) crm.Recorded {
	h.t.Helper()
	return value(h.Record(h.t.Context(), h.page(h.folder(m, folder), messages...), h.now))(h)
}

// imported records one message and returns it as it is stored.
func (h *house) imported(m crm.MailboxID, letter *crm.Message) crm.Message {
	h.t.Helper()
	r := h.arrive(m, "INBOX", letter)
	if len(r.Imported) != 1 {
		h.t.Fatalf("recorded %+v, want one message imported", r)
	}
	return value(h.Message(h.t.Context(), h.account, r.Imported[0]))(h)
}

// events are the account's events of some types, all without any.
func (h *house) events(types ...crm.EventType) []crm.Event {
	h.t.Helper()
	var out []crm.Event
	for _, e := range value(h.ListEvents(h.t.Context(), h.account, 0, 10_000))(h) {
		if len(types) == 0 || strings.Contains(fmt.Sprint(types), string(e.Type)) {
			out = append(out, e)
		}
	}
	return out
}

// fails makes sure that an error has a kind and a code.
func fails(t *testing.T, err error, kind crm.Kind, code string) {
	t.Helper()
	if crm.KindOf(err) != kind || crm.CodeOf(err) != code {
		t.Errorf("error %v (%s, %s), want %s, %s", err, crm.KindOf(err), crm.CodeOf(err), kind, code)
	}
}

// same makes sure that two values are equal.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// pages reads a list to its end in pages of two.
func pages[T any](h *house, list func(crm.Paging) (crm.Part[T], error)) []T {
	h.t.Helper()
	var out []T
	p := crm.Paging{Limit: 2}
	for {
		part := value(list(p))(h)
		out = append(out, part.Items...)
		if len(part.Items) > 2 || (part.Next != "" && len(part.Items) < 2) {
			h.t.Fatalf("a page of %d items with next %q", len(part.Items), part.Next)
		}
		if part.Next == "" {
			return out
		}
		p.Cursor = part.Next
	}
}

// names are the ids, or whatever else, of a list.
func names[T any, N any](list []T, name func(T) N) []N {
	out := make([]N, 0, len(list))
	for _, item := range list {
		out = append(out, name(item))
	}
	return out
}

// box is a Sealer that opens what it has sealed with this key or a lower one,
// in its place, and notes the places.
type box struct {
	key    byte
	mu     sync.Mutex
	places []string
}

func (b *box) note(place []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.places = append(b.places, string(place))
}

// Seal implements store.Sealer.
func (b *box) Seal(plain, ad []byte) ([]byte, error) {
	b.note(ad)
	place := sha256.Sum256(ad)
	sealed := append([]byte{b.key}, place[:8]...)
	for _, c := range plain {
		sealed = append(sealed, c^b.key)
	}
	return sealed, nil
}

// Open implements store.Sealer.
func (b *box) Open(sealed, ad []byte) ([]byte, error) {
	b.note(ad)
	place := sha256.Sum256(ad)
	if len(sealed) < 9 || string(sealed[1:9]) != string(place[:8]) || sealed[0] > b.key {
		return nil, errors.New("sealed by another, or for another place")
	}
	var plain []byte
	for _, c := range sealed[9:] {
		plain = append(plain, c^sealed[0])
	}
	return plain, nil
}
