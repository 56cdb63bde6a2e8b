package watch_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/watch"
)

func TestNewsComesByIdle(t *testing.T) {
	o := newOffice(t, dovecottest.Start(t), nil)
	l := o.linkOwn("aoi")
	o.look(l)
	o.dovecot.Deliver(t, "aoi@acme.example", mail{subject: "estimate"}.raw())
	o.until("the message is announced", func() bool { return len(o.events(crm.MessageImported)) == 1 })
	if h := o.balanced(l); h.Mode != crm.ModeIdle || h.Status != crm.LinkLive {
		t.Errorf("mode %s, status %s", h.Mode, h.Status)
	}
	if got := o.events(crm.ContactReplied); len(got) != 1 {
		t.Errorf("%d replies, want 1", len(got))
	}
}

func TestNewsComesByLooksAlone(t *testing.T) {
	for _, missing := range []string{"IDLE", "LIST-STATUS", "SPECIAL-USE", "ESEARCH", "CONDSTORE", "UIDPLUS", "ENABLE"} {
		t.Run("without "+missing, func(t *testing.T) {
			o := newOffice(t, dovecottest.Start(t, dovecottest.Without(missing)), nil)
			l := o.linkOwn("aoi")
			for i := range 3 {
				o.dovecot.Deliver(t, "aoi@acme.example", mail{subject: fmt.Sprint(i)}.raw())
				o.look(l)
			}
			if got := o.subjects(); got != "0, 1, 2" {
				t.Errorf("messages: %s", got)
			}
			h := o.balanced(l)
			if want := (missing == "IDLE"); (h.Mode == crm.ModePoll) != want {
				t.Errorf("mode %s", h.Mode)
			}
		})
	}
}

func TestWhatCameBeforeTheLinkStaysOut(t *testing.T) {
	o := newOffice(t, dovecottest.Start(t), nil)
	o.user("aoi")
	o.dovecot.Deliver(t, "aoi@acme.example", mail{subject: "before"}.raw())
	old := o.dovecot.Append(t, "aoi@acme.example", "Archive", mail{subject: "long before"}.raw(), time.Now().AddDate(-1, 0, 0))
	l := o.link("aoi", o.dovecot.Login("aoi@acme.example", crm.SecurityTLS))
	o.dovecot.Deliver(t, "aoi@acme.example", mail{subject: "after"}.raw())
	// Moved into a folder after the link, but received before it.
	o.dovecot.Append(t, "aoi@acme.example", "Archive", mail{subject: "moved"}.raw(), time.Now().Add(-time.Hour))
	// The server's clock is behind: after the link by UIDNEXT, before it by date.
	o.dovecot.Append(t, "aoi@acme.example", "Archive", mail{subject: "late clock"}.raw(), l.LinkedAt.Add(-4*time.Minute))
	// A folder that is new after the link has the date alone to go by.
	o.dovecot.Append(t, "aoi@acme.example", "New", mail{subject: "old in a new folder"}.raw(), l.LinkedAt.Add(-time.Minute))
	o.dovecot.Append(t, "aoi@acme.example", "New", mail{subject: "new in a new folder"}.raw(), time.Now())
	o.look(l)
	got := o.subjects()
	for _, want := range []string{"after", "late clock", "new in a new folder"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing: %s", want, got)
		}
	}
	if n := len(o.messages()); n != 3 {
		t.Errorf("%d messages: %s", n, got)
	}
	if n := o.seen.count(crm.BeforeLink); n != 2 {
		t.Errorf("%d refused as before the link, want 2 (UID %d was never looked at)", n, old)
	}
	o.balanced(l)
}

func TestGroupMailboxIsSyncedOnce(t *testing.T) {
	o := newOffice(t, dovecottest.Start(t), nil)
	must(t, o.dovecot.AddUser("info@acme.example", "secret-info"))
	proxy := o.dovecot.Proxy(t, o.dovecot.IMAPSPort)
	login := o.dovecot.Login("info@acme.example", crm.SecurityTLS)
	login.Server.Port = proxy.Port()
	o.user("cho")
	o.user("dan")
	first := o.link("cho", login)
	o.look(first)
	second := o.link("dan", login)
	if first.Mailbox != second.Mailbox {
		t.Fatalf("two mailboxes, %s and %s, for one", first.Mailbox, second.Mailbox)
	}
	own := o.linkOwn("aoi")
	o.look(own)
	raw := mail{subject: "to all", to: "info@acme.example, aoi@acme.example"}.raw()
	o.dovecot.Deliver(t, "info@acme.example", raw)
	o.dovecot.Deliver(t, "aoi@acme.example", raw)
	o.look(first)
	o.look(own)
	if got := o.messages(); len(got) != 1 {
		t.Errorf("%d messages, want one: %s", len(got), o.subjects())
	}
	if n := len(o.events(crm.MessageImported)); n != 1 {
		t.Errorf("%d events, want one", n)
	}
	m, err := o.store.Message(t.Context(), o.account.ID, o.messages()[0].ID)
	must(t, err)
	if len(m.Sightings) != 2 {
		t.Errorf("sightings: %+v, want one in each mailbox", m.Sightings)
	}
	if n := proxy.Open(); n != 1 {
		t.Errorf("%d connections to the group mailbox, want one", n)
	}
	// The first user leaves; the second's credential goes on.
	must(t, o.store.EndLink(t.Context(), o.account.ID, first.ID, crm.EndedUnlinked, time.Now()))
	o.dovecot.Deliver(t, "info@acme.example", mail{subject: "after", to: "info@acme.example"}.raw())
	o.look(second)
	if got := o.subjects(); got != "to all, after" {
		t.Errorf("messages: %s", got)
	}
}

func TestRefusedPasswordStopsAndTellsItsUser(t *testing.T) {
	d := dovecottest.Start(t)
	o := newOffice(t, d, nil)
	l := o.linkOwn("aoi")
	o.look(l)
	must(t, d.SetPassword("aoi@acme.example", "changed"))
	must(t, d.Kick("aoi@acme.example"))
	o.until("the user is told", func() bool { return len(o.events(crm.LinkFailing)) == 1 })
	if got := field(t, o.events(crm.LinkFailing)[0], "status"); got != string(crm.LinkAuthFailed) {
		t.Errorf("status %s in the event", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := o.watcher.Look(ctx, l.Account, l.Mailbox); crm.KindOf(err) != crm.Rejected {
		t.Errorf("a look with a refused password: %v", err)
	}
	d.Deliver(t, "aoi@acme.example", mail{subject: "meanwhile"}.raw())
	_, err := o.store.ReplaceSecret(t.Context(), o.account.ID, l.ID, "changed", time.Now())
	must(t, err)
	o.until("the link has recovered", func() bool { return len(o.events(crm.LinkRecovered)) == 1 })
	if got := o.subjects(); got != "meanwhile" {
		t.Errorf("messages: %s", got)
	}
	o.balanced(l)
}

func TestOutageIsCaughtUp(t *testing.T) {
	d := dovecottest.Start(t)
	o := newOffice(t, d, func(w *watch.Options) { w.Interval = 2 * time.Second })
	l := o.linkOwn("aoi")
	o.look(l)
	d.Kill()
	o.until("the outage shows", func() bool { return len(o.events(crm.LinkFailing)) == 1 })
	must(t, d.Start())
	d.Deliver(t, "aoi@acme.example", mail{subject: "after the outage"}.raw())
	o.until("the link has recovered", func() bool { return len(o.events(crm.LinkRecovered)) == 1 })
	o.look(l)
	if got := o.subjects(); got != "after the outage" {
		t.Errorf("messages: %s", got)
	}
	o.balanced(l)
}

func TestUnlinkingStopsAndErases(t *testing.T) {
	o := newOffice(t, dovecottest.Start(t), nil)
	proxy := o.dovecot.Proxy(t, o.dovecot.IMAPPort)
	o.user("aoi")
	login := o.dovecot.Login("aoi@acme.example", crm.SecurityNone)
	login.Server.Port = proxy.Port()
	l := o.link("aoi", login)
	o.look(l)
	o.dovecot.Deliver(t, "aoi@acme.example", mail{subject: "kept"}.raw())
	o.look(l)
	proxy.Record()
	must(t, o.store.EndLink(t.Context(), o.account.ID, l.ID, crm.EndedUnlinked, time.Now()))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// A look at this moment would be cut off without a word; a wait is not.
	for said := ""; !strings.Contains(said, "LOGOUT"); said, _ = proxy.Transcript() {
		if ctx.Err() != nil {
			t.Fatalf("the keeper does not leave, or leaves without a word: %q", said)
		}
		runtime.Gosched()
	}
	o.stop()
	if got := o.subjects(); got != "kept" {
		t.Errorf("messages: %s", got)
	}
	// Linked again: nothing from the time in between, nothing twice.
	o.dovecot.Deliver(t, "aoi@acme.example", mail{subject: "in between"}.raw())
	o.start()
	again := o.link("aoi", login)
	if again.Mailbox != l.Mailbox {
		t.Errorf("another mailbox %s, was %s", again.Mailbox, l.Mailbox)
	}
	o.dovecot.Deliver(t, "aoi@acme.example", mail{subject: "since"}.raw())
	o.look(again)
	if got := o.subjects(); got != "kept, since" {
		t.Errorf("messages: %s", got)
	}
	o.balanced(again)
}
