package watch_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

// outside does something to a mailbox as the person's own mail program would.
func outside(t *testing.T, d *dovecottest.Server, user string, do func(*imapclient.Client)) {
	t.Helper()
	c, err := d.Client(user)
	must(t, err)
	defer c.Close()
	do(c)
}

// create makes a folder. Dovecot may say that it is there already when somebody
// lists the folders at that moment, as keepers do.
func create(t *testing.T, c *imapclient.Client, name string) {
	t.Helper()
	err := c.Create(name, nil).Wait()
	if e, ok := errors.AsType[*imap.Error](err); ok && e.Code == imap.ResponseCodeAlreadyExists {
		return
	}
	must(t, err)
}

func TestMailMovedBetweenFoldersIsNeitherLostNorTwice(t *testing.T) {
	d := dovecottest.Start(t)
	o := newOffice(t, d, nil)
	l := o.linkOwn("aoi")
	o.look(l)
	d.Deliver(t, "aoi@acme.example", mail{subject: "seen, then moved"}.raw())
	o.look(l)
	before := o.balanced(l).Receipt.Bodies
	o.stop()
	d.Deliver(t, "aoi@acme.example", mail{subject: "moved unseen"}.raw())
	outside(t, d, "aoi@acme.example", func(c *imapclient.Client) {
		create(t, c, "案件.2026")
		_, err := c.Select("INBOX", nil).Wait()
		must(t, err)
		_, err = c.Move(imap.SeqSet{imap.SeqRange{Start: 1, Stop: 2}}, "案件.2026").Wait()
		must(t, err)
	})
	o.start()
	o.look(l)
	if got := o.subjects(); got != "seen, then moved, moved unseen" {
		t.Errorf("messages: %s", got)
	}
	if n := len(o.events(crm.MessageImported)); n != 2 {
		t.Errorf("%d events for two messages", n)
	}
	if after := o.balanced(l).Receipt.Bodies; after != before+1 {
		t.Errorf("%d bodies read, %d before: a known message was read again", after, before)
	}
}

func TestUIDValidityChange(t *testing.T) {
	d := dovecottest.Start(t)
	o := newOffice(t, d, nil)
	l := o.linkOwn("aoi")
	outside(t, d, "aoi@acme.example", func(c *imapclient.Client) { create(t, c, "Deals") })
	for i := range 5 {
		d.Append(t, "aoi@acme.example", "Deals", mail{subject: fmt.Sprint("known ", i), id: fmt.Sprintf("<k%d@customer.example>", i)}.raw(), time.Now())
	}
	o.look(l)
	before := o.balanced(l).Receipt.Bodies
	// The folder is lost and restored by the administrator, with one message more.
	var kept [][]byte
	for i := range 5 {
		kept = append(kept, mail{subject: fmt.Sprint("known ", i), id: fmt.Sprintf("<k%d@customer.example>", i), date: o.dateOf(fmt.Sprint("known ", i))}.raw())
	}
	o.stop()
	outside(t, d, "aoi@acme.example", func(c *imapclient.Client) {
		must(t, c.Delete("Deals").Wait())
		create(t, c, "Deals")
	})
	_, err := d.Doveadm("mailbox", "update", "--uid-validity", "4242", "-u", "aoi@acme.example", "Deals")
	must(t, err)
	for _, raw := range kept {
		d.Append(t, "aoi@acme.example", "Deals", raw, time.Now())
	}
	d.Append(t, "aoi@acme.example", "Deals", mail{subject: "old"}.raw(), time.Now().AddDate(0, 0, -9))
	d.Append(t, "aoi@acme.example", "Deals", mail{subject: "unknown"}.raw(), time.Now())
	o.start()
	o.look(l)
	if n := len(o.messages()); n != 6 || !strings.HasSuffix(o.subjects(), "unknown") {
		t.Errorf("%d messages: %s", n, o.subjects())
	}
	if n := len(o.events(crm.MessageImported)); n != 6 {
		t.Errorf("%d events for 6 messages", n)
	}
	if after := o.balanced(l).Receipt.Bodies; after != before+1 {
		t.Errorf("%d bodies read after %d, want one more", after, before)
	}
}

// dateOf is the Date of the message with this subject.
func (o *office) dateOf(subject string) time.Time {
	for _, m := range o.messages() {
		if m.Letter.Subject == subject {
			return m.Letter.Date
		}
	}
	o.t.Fatalf("no message %q", subject)
	return time.Time{}
}

func TestFoldersComeGoAndAreRenamed(t *testing.T) {
	d := dovecottest.Start(t, dovecottest.Folder("送信済みアイテム", `\Sent`), dovecottest.Folder("ゴミ箱", `\Trash`))
	o := newOffice(t, d, nil)
	l := o.linkOwn("aoi")
	out := mail{from: "aoi@acme.example", to: "ken@customer.example", subject: "sent"}
	d.Append(t, "aoi@acme.example", "送信済みアイテム", out.raw(), time.Now())
	d.Append(t, "aoi@acme.example", "ゴミ箱", mail{subject: "thrown away"}.raw(), time.Now())
	d.Append(t, "aoi@acme.example", "Projects", mail{subject: "filed"}.raw(), time.Now())
	o.look(l)
	if got := o.subjects(); got != "sent, filed" && got != "filed, sent" {
		t.Errorf("messages: %s", got)
	}
	for _, m := range o.messages() {
		if want := map[string]crm.Direction{"sent": crm.Outbound, "filed": crm.Inbound}[m.Letter.Subject]; m.Direction != want {
			t.Errorf("%s is %s", m.Letter.Subject, m.Direction)
		}
	}
	outside(t, d, "aoi@acme.example", func(c *imapclient.Client) {
		must(t, c.Rename("Projects", "Projects 2026", nil).Wait())
	})
	d.Append(t, "aoi@acme.example", "Projects 2026", mail{subject: "filed later"}.raw(), time.Now())
	o.look(l)
	if n := len(o.messages()); n != 3 {
		t.Errorf("%d messages after a rename: %s", n, o.subjects())
	}
	outside(t, d, "aoi@acme.example", func(c *imapclient.Client) { must(t, c.Delete("Projects 2026").Wait()) })
	o.look(l)
	if n := len(o.messages()); n != 3 {
		t.Errorf("%d messages after the folder was deleted: %s", n, o.subjects())
	}
	o.balanced(l)
}

func TestBacklogIsWorkedOffBesideTheInbox(t *testing.T) {
	d := dovecottest.Start(t)
	o := newOffice(t, d, nil)
	l := o.linkOwn("aoi")
	o.look(l)
	outside(t, d, "aoi@acme.example", func(c *imapclient.Client) {
		create(t, c, "Imported")
		raw := mail{from: "x@stranger.example", subject: "bulk"}.raw()
		for range 1500 {
			cmd := c.Append("Imported", int64(len(raw)), nil)
			_, err := cmd.Write(raw)
			must(t, err)
			must(t, cmd.Close())
			_, err = cmd.Wait()
			must(t, err)
		}
	})
	d.Append(t, "aoi@acme.example", "Imported", mail{subject: "the last"}.raw(), time.Now())
	o.look(l)
	o.until("the backlog is worked off", func() bool { return len(o.events(crm.MessageImported)) == 1 })
	o.look(l)
	h := o.balanced(l)
	for _, f := range h.Folders {
		if f.Name == "Imported" && f.Outcomes[crm.NoContact] != 1500 {
			t.Errorf("outcomes of the folder: %v", f.Outcomes)
		}
	}
}

func TestAFolderThatIsRefusedStandsInNobodysWay(t *testing.T) {
	// The administrator lets Aoi see the folder, and neither open nor read it.
	d := dovecottest.Start(t, dovecottest.Setting(
		"mail_plugins = acl",
		"plugin {",
		"  acl = vfile",
		"}",
	))
	o := newOffice(t, d, nil)
	l := o.linkOwn("aoi")
	outside(t, d, "aoi@acme.example", func(c *imapclient.Client) { create(t, c, "Board") })
	_, err := d.Doveadm("acl", "set", "-u", "aoi@acme.example", "Board", "owner", "lookup")
	must(t, err)
	o.stop() // a session keeps the rights that it began with
	o.start()
	d.Deliver(t, "aoi@acme.example", mail{subject: "beside it"}.raw())
	o.look(l)
	if got := o.subjects(); got != "beside it" {
		t.Errorf("messages: %s", got)
	}
	h := o.balanced(l)
	if !strings.HasPrefix(h.LastError, "Board: ") || h.Status != crm.LinkLive {
		t.Errorf("status %s, last error %q", h.Status, h.LastError)
	}
}
