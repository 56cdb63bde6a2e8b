package watch_test

import (
	"context"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/imapbox"
	"mailsyncd.example/sync/watch"
)

// move is an office that changes from one Dovecot to another.
type move struct {
	*office
	from, to *dovecottest.Server
	tried    chan struct{} // holds a value when it was written what became of a transfer
}

// tellingStore tells when what became of a transfer is written.
type tellingStore struct {
	watch.Store
	tried chan struct{}
}

func (s tellingStore) ring() {
	select {
	case s.tried <- struct{}{}:
	default:
	}
}

func (s tellingStore) TransferLink(ctx context.Context, a crm.AccountID, l crm.LinkID, to crm.Transfer, secret crm.Secret, fence crm.Fence, at time.Time) (crm.Link, error) {
	defer s.ring()
	return s.Store.TransferLink(ctx, a, l, to, secret, fence, at)
}

func (s tellingStore) KeepLink(ctx context.Context, a crm.AccountID, l crm.LinkID, to crm.Transfer) error {
	defer s.ring()
	return s.Store.KeepLink(ctx, a, l, to)
}

// newMove opens the office on the first of the two. Both certificates are
// trusted.
func newMove(t *testing.T) *move {
	t.Helper()
	m := &move{from: dovecottest.Start(t), to: dovecottest.Start(t), tried: make(chan struct{}, 1)}
	there := imapbox.Dialer{RootCAs: m.to.CAPool}
	m.office = newOffice(t, m.from, func(o *watch.Options) {
		o.Store = tellingStore{o.Store, m.tried}
		here := o.Connect
		o.Connect = func(ctx context.Context, l crm.Login, trace func(crm.Step)) (watch.Box, error) {
			if l.Server.Port != m.to.IMAPSPort {
				return here(ctx, l, trace)
			}
			with := there
			with.Trace = trace
			b, err := with.Connect(ctx, l)
			if err != nil {
				return nil, err
			}
			return b, nil
		}
	})
	return m
}

// preset is what the account recommends: the first of the two.
func (o *move) preset() crm.Preset {
	o.t.Helper()
	now := time.Now()
	p := crm.Preset{
		Account: o.account.ID, ID: crm.PresetID(crm.NewID("pre", now)), Name: "Office",
		IMAP: o.from.Login("x", crm.SecurityTLS).Server, Auth: crm.AuthPassword, Username: crm.UsernameAddress, CreatedAt: now, UpdatedAt: now,
	}
	must(o.t, o.store.CreatePreset(o.t.Context(), p))
	return p
}

// linkBy links a user's own mailbox by a preset.
func (o *move) linkBy(p crm.Preset, name string) crm.Link {
	o.t.Helper()
	login := o.dovecot.Login(name+"@acme.example", crm.SecurityTLS)
	probe := o.watcher.Probe(o.t.Context(), login)
	must(o.t, probe.Err)
	l, err := o.store.CreateLink(o.t.Context(), crm.Link{
		Account: o.account.ID, User: crm.UserID(name), Address: crm.Address(login.Username), Server: login.Server,
		Username: login.Username, Auth: login.Auth, LinkedAt: probe.At, Recommended: crm.Recommended{Preset: p.ID},
	}, login.Secret, probe.Folders)
	must(o.t, err)
	return l
}

// edit makes a preset lead to the second.
func (o *move) edit(p crm.Preset) {
	o.t.Helper()
	p.IMAP = o.to.Login("x", crm.SecurityTLS).Server
	_, err := o.store.UpdatePreset(o.t.Context(), p)
	must(o.t, err)
}

// becomes waits for what becomes of a link whose preset was edited.
func (o *move) becomes(l crm.Link, what string, done func(crm.Link) bool) crm.Link {
	o.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		got, err := o.store.Link(o.t.Context(), l.Account, l.ID)
		must(o.t, err)
		if done(got) {
			return got
		}
		select {
		case <-o.tried:
		case <-deadline.C:
			o.t.Fatalf("waited in vain until %s: %+v", what, got)
		}
	}
}

// arrived tells whether a link is on the second server.
func (o *move) arrived(l crm.Link) bool { return l.Server.Port == o.to.IMAPSPort }

// explained tells whether a link says why it stays.
func explained(l crm.Link) bool { return l.Transfer != nil && l.Transfer.Detail != "" }

// A company changes its mail server. What was imported stays known, what came
// to either server since the link is there once, and nothing from before.
func TestALinkFollowsItsPreset(t *testing.T) {
	o := newMove(t)
	from, to := o.from, o.to
	o.user("aoi")
	must(t, to.AddUser("aoi@acme.example", "secret-aoi"))
	p := o.preset()
	to.Append(t, "aoi@acme.example", "INBOX", mail{subject: "before the link"}.raw(), time.Now().Add(-time.Hour))
	l := o.linkBy(p, "aoi")
	both := mail{subject: "migrated", id: "<1@customer.example>"}.raw()
	from.Deliver(t, "aoi@acme.example", both)
	o.look(l)
	to.Deliver(t, "aoi@acme.example", both)
	to.Deliver(t, "aoi@acme.example", mail{subject: "to the new server, before the edit"}.raw())
	o.edit(p)
	moved := o.becomes(l, "the link has followed", o.arrived)
	if moved.Transfer != nil || moved.Mailbox == l.Mailbox || !moved.LinkedAt.Equal(l.LinkedAt) {
		t.Errorf("the link is %+v", moved)
	}
	o.look(moved)
	to.Deliver(t, "aoi@acme.example", mail{subject: "after it"}.raw())
	o.look(moved)
	if got := o.subjects(); got != "migrated, to the new server, before the edit, after it" {
		t.Errorf("imported: %s", got)
	}
	if n := len(o.events(crm.MessageImported)); n != 3 {
		t.Errorf("%d events for 3 messages", n)
	}
	for _, m := range o.messages() {
		full, err := o.store.Message(t.Context(), m.Account, m.ID)
		must(t, err)
		if m.Letter.Subject == "migrated" && len(full.Sightings) != 2 {
			t.Errorf("sightings of the migrated message: %+v", full.Sightings)
		}
	}
	o.balanced(moved)
	if _, err := o.store.Standing(t.Context(), l.Account, l.Mailbox); crm.KindOf(err) != crm.NotFound {
		t.Errorf("the old mailbox is still worked: %v", err)
	}
}

// A link that would break stays where it is, says why, and goes on.
func TestALinkThatWouldBreakStays(t *testing.T) {
	o := newMove(t)
	from, to := o.from, o.to
	o.user("aoi")
	must(t, to.AddUser("aoi@acme.example", "another password"))
	p := o.preset()
	l := o.linkBy(p, "aoi")
	o.edit(p)
	kept := o.becomes(l, "it says why it stays", explained)
	if !kept.Transfer.Refused || kept.Server != l.Server || kept.Mailbox != l.Mailbox {
		t.Errorf("the link is %+v %+v", kept, kept.Transfer)
	}
	from.Deliver(t, "aoi@acme.example", mail{subject: "still there"}.raw())
	o.look(l)
	if got := o.subjects(); got != "still there" {
		t.Errorf("imported: %s", got)
	}
}

// A server that is not there yet is tried again at the next connect, after a
// restart of the daemon, too.
func TestATransferSurvivesARestart(t *testing.T) {
	o := newMove(t)
	to := o.to
	o.user("aoi")
	must(t, to.AddUser("aoi@acme.example", "secret-aoi"))
	p := o.preset()
	l := o.linkBy(p, "aoi")
	to.Stop()
	o.edit(p)
	kept := o.becomes(l, "it says why it stays", explained)
	if kept.Transfer.Refused || kept.Server != l.Server {
		t.Errorf("the link is %+v %+v", kept, kept.Transfer)
	}
	o.stop()
	must(t, to.Restart())
	o.start()
	o.becomes(l, "the link has followed", o.arrived)
}

// Of two who share a mailbox the one goes whose preset was edited.
func TestAGroupPartsWhereOnlyOneFollows(t *testing.T) {
	o := newMove(t)
	from, to := o.from, o.to
	o.user("info")
	o.user("ben")
	must(t, to.AddUser("info@acme.example", "secret-info"))
	p := o.preset()
	one := o.linkBy(p, "info")
	two := o.link("ben", from.Login("info@acme.example", crm.SecurityTLS))
	if one.Mailbox != two.Mailbox {
		t.Fatal("they share no mailbox")
	}
	o.edit(p)
	moved := o.becomes(one, "the link has followed", o.arrived)
	mails := map[*dovecottest.Server]string{from: "old", to: "new"}
	for d, subject := range mails {
		d.Deliver(t, "info@acme.example", mail{subject: subject, to: "info@acme.example"}.raw())
	}
	o.look(moved)
	o.look(two)
	if n := len(o.messages()); n != 2 {
		t.Errorf("imported: %s", o.subjects())
	}
}
