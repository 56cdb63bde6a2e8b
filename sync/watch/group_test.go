package watch_test

import (
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

func TestTheNextCredentialTakesOver(t *testing.T) {
	d := dovecottest.Start(t)
	o := newOffice(t, d, nil)
	o.user("cho")
	o.user("dan")
	must(t, d.AddUser("info@acme.example", "old"))
	login := d.Login("info@acme.example", crm.SecurityTLS)
	first := o.link("cho", login)
	o.look(first)
	// The group's password is changed; Dan knows the new one, Cho does not yet.
	must(t, d.SetPassword("info@acme.example", "new"))
	login.Secret = "new"
	second := o.link("dan", login)
	must(t, d.Kick("info@acme.example"))
	o.until("Cho is told", func() bool { return len(o.events(crm.LinkFailing)) == 1 })
	if got := field(t, o.events(crm.LinkFailing)[0], "user_id"); got != "cho" {
		t.Errorf("%s was told, want cho alone", got)
	}
	d.Deliver(t, "info@acme.example", mail{subject: "goes on", to: "info@acme.example"}.raw())
	o.look(second)
	if got := o.subjects(); got != "goes on" {
		t.Errorf("messages: %s", got)
	}
	status := func(l crm.Link) crm.LinkStatus {
		now, err := o.store.Link(t.Context(), l.Account, l.ID)
		must(t, err)
		return now.Status
	}
	if status(first) != crm.LinkAuthFailed || status(second) != crm.LinkLive {
		t.Errorf("Cho's link is %s, Dan's %s", status(first), status(second))
	}
}

func TestOneServerUnderTwoNamesGivesOneCopy(t *testing.T) {
	d := dovecottest.Start(t)
	o := newOffice(t, d, nil)
	one := o.linkOwn("aoi")
	o.user("ben")
	login := d.Login("aoi@acme.example", crm.SecurityTLS)
	login.Server.Host = "localhost"
	two := o.link("ben", login)
	if one.Mailbox == two.Mailbox {
		t.Fatal("one mailbox for two hosts: how should the daemon know?")
	}
	for range 10 {
		d.Deliver(t, "aoi@acme.example", mail{}.raw())
	}
	o.look(one)
	o.look(two)
	if n, events := len(o.messages()), len(o.events(crm.MessageImported)); n != 10 || events != 10 {
		t.Errorf("%d messages and %d events for 10 mails", n, events)
	}
	copies := o.balanced(two).Folders[0].Outcomes[crm.Copied] + o.balanced(one).Folders[0].Outcomes[crm.Copied]
	if copies != 10 {
		t.Errorf("%d copies, want 10", copies)
	}
}

func TestAProbeSaysWhatIsWrong(t *testing.T) {
	d := dovecottest.Start(t, dovecottest.Folder("送信済み", ""))
	o := newOffice(t, d, nil)
	o.user("aoi")
	good := d.Login("aoi@acme.example", crm.SecurityTLS)
	cases := map[string]struct {
		change func(*crm.Login)
		code   string
		step   string
	}{
		"all is well":             {func(*crm.Login) {}, "", "idle"},
		"wrong password":          {func(l *crm.Login) { l.Secret = "wrong" }, "credential_rejected", "login"},
		"nobody listens":          {func(l *crm.Login) { l.Server.Port = 1 }, "connect_failed", "connect"},
		"no such host":            {func(l *crm.Login) { l.Server.Host = "nowhere.invalid" }, "host_unknown", "resolve"},
		"TLS to a port in clear":  {func(l *crm.Login) { l.Server.Port = d.IMAPPort }, "", "tls"},
		"a server for deliveries": {func(l *crm.Login) { l.Server.Port, l.Server.Security = d.LMTPPort, crm.SecurityNone }, "not_imap", "greeting"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l := good
			c.change(&l)
			p := o.watcher.Probe(t.Context(), l)
			if c.code != "" && crm.CodeOf(p.Err) != c.code {
				t.Errorf("error %v, want %s", p.Err, c.code)
			}
			if (p.Err == nil) != (name == "all is well") {
				t.Errorf("error %v", p.Err)
			}
			if len(p.Steps) == 0 {
				t.Fatal("no steps")
			}
			last := p.Steps[len(p.Steps)-1]
			if c.step != "" && last.Name != c.step || last.OK != (p.Err == nil) || last.Detail == "" {
				t.Errorf("the last step is %+v, want %q", last, c.step)
			}
			for _, s := range p.Steps {
				if strings.Contains(s.Detail, string(l.Secret)) {
					t.Errorf("step %s shows the password", s.Name)
				}
			}
		})
	}
}

// What a link can do without is told, and in nobody's way.
func TestAProbeSaysWhatIsMissing(t *testing.T) {
	d := dovecottest.Start(t, dovecottest.Without("IDLE"))
	o := newOffice(t, d, nil)
	o.user("aoi")
	p := o.watcher.Probe(t.Context(), d.Login("aoi@acme.example", crm.SecurityTLS))
	must(t, p.Err)
	if n := len(p.Steps); n < 2 || p.Steps[n-2].Name != "sent" || p.Steps[n-1].Name != "idle" {
		t.Fatalf("the steps are %+v", p.Steps)
	}
	for _, s := range p.Steps {
		missing := s.Name == "sent" || s.Name == "idle"
		if s.OK == missing || missing && !strings.HasSuffix(s.Detail, ".") {
			t.Errorf("step %+v", s)
		}
	}
}

func TestPreview(t *testing.T) {
	d := dovecottest.Start(t, dovecottest.Folder("Sent", `\Sent`), dovecottest.Folder("Junk", `\Junk`))
	o := newOffice(t, d, nil)
	o.user("aoi")
	now := time.Now()
	put := func(folder string, m mail, age time.Duration) {
		d.Append(t, "aoi@acme.example", folder, m.raw(), now.Add(-age))
	}
	put("INBOX", mail{subject: "old"}, 9*24*time.Hour)
	put("INBOX", mail{subject: "new"}, 2*24*time.Hour)
	put("INBOX", mail{from: "mum@home.example"}, time.Hour)
	put("INBOX", mail{from: "mum@home.example", cc: "ken@customer.example"}, time.Hour)
	put("Sent", mail{from: "aoi@acme.example", to: "ken@customer.example"}, time.Hour)
	put("Junk", mail{}, time.Hour)
	login := d.Login("aoi@acme.example", crm.SecurityTLS)
	ask := func(login crm.Login, m crm.MailboxID) (crm.Preview, error) {
		return o.watcher.Preview(t.Context(), crm.PreviewQuery{
			Account: o.account.ID, Login: login, Mailbox: m, Own: []crm.Address{"aoi@acme.example"}, Since: now.AddDate(0, 0, -7),
		})
	}
	check := func(p crm.Preview, err error) {
		t.Helper()
		must(t, err)
		if p.Looked != 4 || p.Imported != 2 || p.Refused[crm.NoContact] != 1 || p.Refused[crm.ContactOnlyInCc] != 1 || !p.Complete {
			t.Errorf("the preview is %+v", p)
		}
		if len(p.Items) != 2 || p.Items[0].FolderName != "Sent" || p.Items[0].Direction != crm.Outbound || p.Items[1].Contacts[0] != "ken" {
			t.Errorf("the items are %+v", p.Items)
		}
	}
	check(ask(login, ""))
	if n := len(o.messages()); n != 0 || o.seen.count(crm.Imported) != 0 {
		t.Errorf("%d messages came of it", n)
	}
	l := o.link("aoi", login)
	check(ask(crm.Login{Link: l.ID}, l.Mailbox))
	_, err := ask(crm.Login{Link: "lnk_other"}, l.Mailbox)
	if crm.CodeOf(err) != "credential_rejected" {
		t.Errorf("by another link's name: %v", err)
	}
	login.Secret = "wrong"
	if _, err := ask(login, ""); crm.CodeOf(err) != "credential_rejected" {
		t.Errorf("with a wrong password: %v", err)
	}
}

func TestExplain(t *testing.T) {
	d := dovecottest.Start(t, dovecottest.Folder("Trash", `\Trash`))
	o := newOffice(t, d, nil)
	o.user("aoi")
	d.Deliver(t, "aoi@acme.example", mail{id: "<before@x.example>"}.raw())
	l := o.link("aoi", d.Login("aoi@acme.example", crm.SecurityTLS))
	d.Deliver(t, "aoi@acme.example", mail{id: "<in@x.example>"}.raw())
	d.Deliver(t, "aoi@acme.example", mail{id: "<private@x.example>", from: "mum@home.example"}.raw())
	d.Append(t, "aoi@acme.example", "Trash", mail{id: "<in@x.example>"}.raw(), time.Now())
	o.look(l)
	imported := o.messages()[0].ID
	cases := map[crm.HeaderID][]crm.Explanation{
		"before@x.example":  {{FolderName: "INBOX", UID: 1, Outcome: crm.BeforeLink, Rule: crm.BeforeLink, Watched: true}},
		"private@x.example": {{FolderName: "INBOX", UID: 3, Outcome: crm.NoContact, Rule: crm.NoContact, Watched: true}},
		"nowhere@x.example": {},
		"n@x.example":       {}, // a part of another's id
		"in@x.example": {
			{FolderName: "INBOX", UID: 2, Outcome: crm.Imported, Rule: crm.Imported, Watched: true, Message: imported},
			{FolderName: "Trash", UID: 1, Rule: crm.Imported},
		},
	}
	for id, want := range cases {
		got, err := o.watcher.Explain(t.Context(), l.Account, l.Mailbox, id)
		must(t, err)
		for i := range got {
			got[i].ReceivedAt = time.Time{}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %+v, want %+v", id, got, want)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: %+v, want %+v", id, got[i], want[i])
			}
		}
	}
}
