package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/blob"
	"mailsyncd.example/crm/outbox"
	"mailsyncd.example/crm/seal"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/sqlite"
	"mailsyncd.example/dedupe"
	"mailsyncd.example/sync/imapbox"
	"mailsyncd.example/sync/intake"
	"mailsyncd.example/sync/watch"
)

// rig is mailsyncd without its API: put together as the daemon does, on a
// SQLite file in a folder of its own.
type rig struct {
	dir     string
	store   *store.Store
	journey *intake.Journey
	watcher *watch.Watcher
	bell    outbox.Bell
	looks   *looks
	server  crm.Server
	dialer  *imapbox.Dialer
	leave   context.CancelFunc
	left    chan error // nil while the watcher does not run
}

// EventsWritten implements store.Signals.
func (r *rig) EventsWritten(a crm.AccountID) { r.bell.EventsWritten(a) }

// LinksChanged implements store.Signals.
func (r *rig) LinksChanged(a crm.AccountID, m crm.MailboxID) { r.watcher.LinksChanged(a, m) }

// openRig puts everything together for a job. Nothing runs yet.
func openRig(ctx context.Context, j job) (*rig, error) {
	r := &rig{looks: newLooks(), dialer: &imapbox.Dialer{DialContext: (&net.Dialer{}).DialContext, RootCAs: j.trusted}}
	host, port, err := net.SplitHostPort(j.Addr)
	if err != nil {
		return nil, err
	}
	r.server = crm.Server{Host: host, Security: crm.SecurityNone}
	if r.server.Port, err = strconv.Atoi(port); err != nil {
		return nil, err
	}
	if j.TLS {
		r.server.Security = crm.SecurityTLS
	}
	if r.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return nil, err
	}
	return r, r.open(ctx, j.Interval)
}

func (r *rig) open(ctx context.Context, interval time.Duration) error {
	keys, err := seal.Open(filepath.Join(r.dir, "keyset"))
	if err != nil {
		return err
	}
	blobs, err := blob.Open(filepath.Join(r.dir, "blobs"))
	if err != nil {
		return err
	}
	r.store, err = sqlite.Open(ctx, filepath.Join(r.dir, "mailsync.db"), store.Options{Sealer: keys, Signals: r})
	if err != nil {
		return err
	}
	r.journey = intake.New(intake.Options{Store: r.store, Blobs: blobs, Claims: dedupe.NewClaims()})
	r.looks.Store = r.store
	r.watcher = watch.New(watch.Options{
		Store: r.looks, Journey: r.journey, Connect: r.connect, Interval: interval,
		// All mailboxes are on one host here, and shall be there soon.
		Limits: watch.Limits{PerHost: 1 << 20, LoginsPerSecond: 1 << 20},
	})
	return nil
}

func (r *rig) connect(ctx context.Context, l crm.Login, trace func(crm.Step)) (watch.Box, error) {
	d := *r.dialer
	d.Trace = trace
	b, err := d.Connect(ctx, l)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// run sets the watcher to work until the rig is closed.
func (r *rig) run(ctx context.Context) {
	ctx, r.leave = context.WithCancel(ctx)
	r.left = make(chan error, 1)
	go func() { r.left <- r.watcher.Run(ctx) }()
}

// close ends everything. The data stay: the whole run's go at its end.
func (r *rig) close() error {
	var err error
	if r.left != nil {
		r.leave()
		err = <-r.left
	}
	return errors.Join(err, r.store.Close())
}

// account makes an account with the contacts of every mailbag, on record
// since before mail begins.
func (r *rig) account(ctx context.Context, n int) (crm.AccountID, error) {
	before := beginning.AddDate(0, -1, 0)
	a := crm.Account{
		ID: crm.AccountID(fmt.Sprintf("acc_%04d", n)), Name: "Office", Status: crm.AccountActive,
		MailEnabled: true, ContactVisibility: crm.VisibleAll, CreatedAt: before,
	}
	if err := r.store.CreateAccount(ctx, a); err != nil {
		return "", err
	}
	all := make([]crm.Contact, contactCount)
	for i := range all {
		p := contact(i)
		all[i] = crm.Contact{
			Account: a.ID, ID: crm.ContactID(strconv.Itoa(i)), Name: p.name, CreatedAt: before, UpdatedAt: before,
			Addresses: []crm.ContactAddress{{Address: crm.Address(p.address), Since: before}},
		}
	}
	_, err := r.store.PutContacts(ctx, all)
	return a.ID, err
}

// link links a user to the mailbox of that name, before mail begins; its
// folders are found by the first look.
func (r *rig) link(ctx context.Context, a crm.AccountID, name string) (crm.Link, error) {
	before := beginning.AddDate(0, 0, -1)
	u := crm.User{
		Account: a, ID: crm.UserID(name), Email: crm.Address(name), Name: name,
		Role: crm.RoleUser, Active: true, CreatedAt: before, UpdatedAt: before,
	}
	if _, err := r.store.PutUser(ctx, u, before); err != nil {
		return crm.Link{}, err
	}
	return r.store.CreateLink(ctx, crm.Link{
		Account: a, ID: crm.LinkID(crm.NewID("lnk", time.Now())), User: u.ID, Address: u.Email, Server: r.server, Username: name,
		Auth: crm.AuthPassword, Status: crm.LinkSyncing, LinkedAt: before,
	}, crm.Secret(password), nil)
}

// looks is the watcher's store, and tells when mailboxes were looked at.
type looks struct {
	watch.Store
	mu   sync.Mutex
	seen map[crm.MailboxID]bool
	ring chan struct{} // holds a value when seen has grown
}

func newLooks() *looks {
	return &looks{seen: map[crm.MailboxID]bool{}, ring: make(chan struct{}, 1)}
}

// SaveLooks implements watch.Store.
func (l *looks) SaveLooks(ctx context.Context, all []crm.Looked) error {
	err := l.Store.SaveLooks(ctx, all)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, looked := range all {
		if looked.Synced {
			l.seen[looked.Mailbox] = true
		}
	}
	select {
	case l.ring <- struct{}{}:
	default:
	}
	return err
}

// await returns once so many mailboxes were read to the end.
func (l *looks) await(ctx context.Context, mailboxes int) error {
	for {
		l.mu.Lock()
		n := len(l.seen)
		l.mu.Unlock()
		if n >= mailboxes {
			return nil
		}
		select {
		case <-l.ring:
		case <-time.After(patience):
			return fmt.Errorf("only %d of %d mailboxes were read", n, mailboxes)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// imports counts an account's imported messages as events tell of them, until
// ctx ends.
func (r *rig) imports(ctx context.Context, a crm.AccountID, heard func(messages int)) {
	ring, done := r.bell.Listen(a)
	defer done()
	var seq int64
	messages := 0
	for {
		select {
		case <-ring:
		case <-ctx.Done():
			return
		}
		for {
			events, err := r.store.ListEvents(ctx, a, seq, 1000)
			if err != nil || len(events) == 0 {
				break
			}
			for _, e := range events {
				seq = e.Seq
				if e.Type == crm.MessageImported {
					messages++
				}
			}
		}
		heard(messages)
	}
}
