package watch_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/sqlite"
	"mailsyncd.example/crm/vectortest"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/watch"
)

// realReports are the delivery reports of the shared corpus by the names of
// their files, as mail servers wrote them.
func realReports(t *testing.T) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(vectortest.Corpus(t), "sisimai+set-of-emails", "rfc822", "*.eml"))
	must(t, err)
	all := map[string][]byte{}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		must(t, err)
		head, _, _ := bytes.Cut(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
		if typeOfReport.Match(head) {
			all[strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), "maildir__bsd__"), ".eml")] = raw
		}
	}
	return all
}

var typeOfReport = regexp.MustCompile(`(?i)\ncontent-type:\s*multipart/report;[^\n]*(\n[ \t][^\n]*)*report-type="?delivery-status`)

// reportsSwitch turns the account's switch.
func (o *office) reportsSwitch(on bool) {
	o.t.Helper()
	o.account.DeliveryReports = on
	must(o.t, o.store.UpdateAccount(o.t.Context(), o.account, time.Now()))
}

// linkThrough links a new user's mailbox in the clear through a proxy that
// records what is said.
func (o *office) linkThrough(name string) (crm.Link, *dovecottest.Proxy) {
	o.t.Helper()
	o.user(name)
	login := o.dovecot.Login(name+"@acme.example", crm.SecurityNone)
	proxy := o.dovecot.Proxy(o.t, o.dovecot.IMAPPort)
	login.Server.Port = proxy.Port()
	return o.link(crm.UserID(name), login), proxy
}

// contentOf is what stands in all files of a folder.
func contentOf(t *testing.T, dir string) (all []byte) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			var content []byte
			content, err = os.ReadFile(path)
			all = append(all, content...)
		}
		return err
	}))
	return all
}

// about makes the reports' address a contact's, and says what is to be told.
var about = []struct {
	file     string
	contact  crm.ContactID
	address  crm.Address
	status   string
	severity string
	at       string // "" where the report does not say
}{
	{"lhost-postfix-28", "mike", "kijitora@gmail.example.com", "5.7.1", "soft", ""},
	{"lhost-exchange2007-02", "edu", "kijitora@example.edu", "5.2.2", "soft", ""},
	{"lhost-yandex-03", "jo", "kijitora@6jo.example.jp", "4.4.1", "soft", ""},
	{"lhost-postfix-32", "neko", "neko....nyaan....@libsisimai.org", "5.1.1", "hard", ""},
	{"rhost-gsuite-15", "maildebug", "maildebug@example.jpn", "4.0.0", "hard", "2021-12-20T15:25:59Z"},
}

func TestRealDeliveryReports(t *testing.T) { onBoth(t, testRealReports) }

// Real reports are delivered, some about contacts: these are told of, each once,
// and nothing of any is kept.
func testRealReports(t *testing.T, on engine) {
	files := realReports(t)
	o := newOfficeOn(t, on, dovecottest.Start(t), nil)
	l := o.linkOwn("aoi")
	o.reportsSwitch(true)
	for _, c := range about {
		o.contact(c.contact, c.address)
	}
	before := time.Now().Add(-time.Minute)
	for _, c := range about {
		o.dovecot.Deliver(t, "aoi@acme.example", files[c.file])
	}
	o.look(l)
	told := map[string]crm.Event{}
	for _, e := range o.events(crm.MessageBounced) {
		told[field(t, e, "address")] = e
	}
	if len(told) != len(about) || len(o.events(crm.MessageBounced)) != len(about) {
		t.Errorf("%d events about %d addresses, want %d", len(o.events(crm.MessageBounced)), len(told), len(about))
	}
	for _, c := range about {
		e, ok := told[string(c.address)]
		if !ok {
			t.Errorf("%s: nothing was told of %s", c.file, c.address)
			continue
		}
		at, err := time.Parse(time.RFC3339, field(t, e, "at"))
		if c.at != "" && field(t, e, "at") != c.at || c.at == "" && at.Before(before) || err != nil {
			t.Errorf("%s: at %s, want %s", c.file, field(t, e, "at"), c.at)
		}
		if field(t, e, "status") != c.status || field(t, e, "severity") != c.severity ||
			field(t, e, "contact_ids") != "["+string(c.contact)+"]" || field(t, e, "mailbox_id") != string(l.Mailbox) || field(t, e, "message_id") != "<nil>" {
			t.Errorf("%s: told %s", c.file, e.Data)
		}
	}
	o.keptNothing(l, len(about))
}

// keptNothing checks that so many delivery reports were read and left no more
// than their outcome.
func (o *office) keptNothing(l crm.Link, reports int) {
	o.t.Helper()
	h := o.balanced(l)
	if h.Receipt.Reports != int64(reports) || h.Receipt.Bodies != 0 || h.Receipt.RefusedBodies != 0 || h.Imported != 0 || len(h.Problems) != 0 {
		o.t.Errorf("receipt %+v, %d imported, problems %v; want %d reports", h.Receipt, h.Imported, h.Problems, reports)
	}
	if n := len(o.messages()); n != 0 {
		o.t.Errorf("%d messages were imported", n)
	}
}

// All the reports there are, about nobody on record: none is a problem to
// anybody, and no address in them is found in a file afterwards.
func TestReportsAboutOthersLeaveNothing(t *testing.T) {
	files := realReports(t)
	dir := t.TempDir()
	o := newOfficeOn(t, func(t *testing.T, with store.Options) func() *store.Store {
		s, err := sqlite.Open(t.Context(), filepath.Join(dir, "mailsync.db"), with)
		must(t, err)
		t.Cleanup(func() { must(t, s.Close()) })
		return func() *store.Store { return s }
	}, dovecottest.Start(t), nil)
	l := o.linkOwn("aoi")
	o.reportsSwitch(true)
	lmtp, err := o.dovecot.LMTP()
	must(t, err)
	defer lmtp.Close()
	for _, raw := range files {
		must(t, lmtp.Deliver("aoi@acme.example", raw))
	}
	o.look(l)
	h := o.balanced(l)
	if n := int(h.Receipt.Reports); n > len(files) || n < len(files)*9/10 { // some were cut short by whoever collected them
		t.Errorf("of %d reports the status of %d was read", len(files), n)
	}
	o.keptNothing(l, int(h.Receipt.Reports))
	if n := len(o.events(crm.MessageBounced)); n != 0 {
		t.Errorf("%d events about nobody", n)
	}
	o.stop()
	stored := bytes.ToLower(append(contentOf(t, dir), contentOf(t, o.dir)...))
	if !bytes.Contains(stored, []byte("ken@customer.example")) {
		t.Fatal("not even the contact's address is found in the files")
	}
	for _, a := range []string{"kijitora", "libsisimai", "5.1.1", "maildebug@"} {
		if bytes.Contains(stored, []byte(a)) {
			t.Errorf("%q is found in the files", a)
		}
	}
}

// fetches are the FETCH commands that a client has said, without tags.
func fetches(said string) (all []string) {
	for line := range strings.Lines(said) {
		if _, command, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(command, "UID FETCH") {
			all = append(all, command)
		}
	}
	return all
}

// touching are commands that change something, or might.
var touching = regexp.MustCompile(`(?i)\b(SELECT|STORE|COPY|MOVE|APPEND|EXPUNGE|CLOSE|DELETE|CREATE|RENAME|BODY\[|RFC822\.TEXT|RFC822\])`)

// What is said to the server: where it is switched on the delivery status of
// delivery reports and nothing else of any refused mail; where it is not, what
// was said before there was a switch.
func TestOnlyTheDeliveryStatusIsRead(t *testing.T) {
	files := realReports(t)
	o := newOffice(t, dovecottest.Start(t), nil)
	l, proxy := o.linkThrough("aoi")
	o.contact("mike", "kijitora@gmail.example.com")
	ask := func() (said []string, heard string) {
		t.Helper()
		o.look(l)
		proxy.Record()
		o.dovecot.Deliver(t, "aoi@acme.example", files["lhost-postfix-28"])
		o.dovecot.Deliver(t, "aoi@acme.example", mail{from: "x@stranger.example", body: "tr-private\r\n"}.raw())
		o.look(l)
		all, heard := proxy.Transcript()
		if bad := touching.FindString(all); bad != "" {
			t.Errorf("the client says %q", bad)
		}
		return fetches(all), heard
	}
	said, heard := ask()
	for _, command := range said {
		if !strings.HasSuffix(command, "(UID INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM TO CC BCC)])") {
			t.Errorf("switched off, the client says %s", command)
		}
	}
	if strings.Contains(heard, "report") || len(said) == 0 {
		t.Errorf("switched off, after %v the server says: %s", said, heard)
	}
	o.reportsSwitch(true)
	said, heard = ask()
	allowed := regexp.MustCompile(`^UID FETCH \d+(:\d+)? \(UID INTERNALDATE RFC822\.SIZE BODY\.PEEK\[HEADER\.FIELDS \(FROM TO CC BCC CONTENT-TYPE\)\]\)$` +
		`|^UID FETCH 3 \(UID BODY\.PEEK\[2\.MIME\]\)$|^UID FETCH 3 \(UID BODY\.PEEK\[2\]<0\.65536>\)$`)
	for _, command := range said {
		if !allowed.MatchString(command) {
			t.Errorf("switched on, the client says %s", command)
		}
	}
	if n := strings.Count(strings.Join(said, "\n"), "UID FETCH 3 (UID BODY.PEEK[2"); n != 2 {
		t.Errorf("the status was asked for by %d commands: %v", n, said)
	}
	if !strings.Contains(heard, "Final-Recipient") {
		t.Errorf("the server did not deliver the status: %s", heard)
	}
	for _, private := range []string{"tr-private", "This is the mail system", "Subject:"} {
		if strings.Contains(heard, private) {
			t.Errorf("the server was made to say %q", private)
		}
	}
	if n := len(o.events(crm.MessageBounced)); n != 1 {
		t.Errorf("%d events, want one of the second report", n)
	}
}

// The same report in the mailbox of a colleague, in another folder, and after
// a restart is told once, by whichever way it is found.
func TestAReportIsToldOnce(t *testing.T) {
	files := realReports(t)
	for _, mode := range []string{"IDLE", "poll"} {
		t.Run(mode, func(t *testing.T) {
			var lacking []dovecottest.Option
			if mode == "poll" {
				lacking = append(lacking, dovecottest.Without("IDLE"))
			}
			o := newOffice(t, dovecottest.Start(t, lacking...), nil)
			o.contact("mike", "kijitora@gmail.example.com")
			first, second := o.linkOwn("aoi"), o.linkOwn("ben")
			o.reportsSwitch(true)
			o.look(first)
			o.look(second)
			raw := files["lhost-postfix-28"]
			o.dovecot.Deliver(t, "aoi@acme.example", raw)
			if mode == "poll" {
				o.look(first)
			}
			o.until("it is told", func() bool { return len(o.events(crm.MessageBounced)) == 1 })
			o.dovecot.Deliver(t, "ben@acme.example", raw)
			o.dovecot.Append(t, "aoi@acme.example", "Filed", raw, time.Now())
			// Filed later, but received before anybody asked for it.
			o.dovecot.Append(t, "aoi@acme.example", "Filed", raw, time.Now().Add(-time.Hour))
			o.look(first)
			o.look(second)
			o.stop()
			o.watcher = watch.New(o.options)
			o.start()
			o.dovecot.Append(t, "aoi@acme.example", "Again", raw, time.Now())
			o.look(first)
			if n := len(o.events(crm.MessageBounced)); n != 1 {
				t.Errorf("%d events of one report", n)
			}
			o.keptNothing(first, 3)
			o.keptNothing(second, 1)
		})
	}
}

func TestTheSwitchIsHeardOfEverywhere(t *testing.T) { onBoth(t, testSwitchElsewhere) }

// The switch is turned in one process, and the mailbox is worked by another.
// What was received before stays unread.
func testSwitchElsewhere(t *testing.T, on engine) {
	files := realReports(t)
	p := newPair(t, on, dovecottest.Start(t))
	p.contact("mike", "kijitora@gmail.example.com")
	p.contact("jo", "kijitora@6jo.example.jp")
	l, _ := p.linkTo("aoi", p.b)
	p.look(l)
	p.dovecot.Deliver(t, "aoi@acme.example", files["lhost-postfix-28"])
	p.look(l)
	p.reportsSwitch(true)
	p.look(l)
	p.dovecot.Deliver(t, "aoi@acme.example", files["lhost-yandex-03"])
	p.until("the second is told", func() bool { return len(p.events(crm.MessageBounced)) == 1 })
	p.reportsSwitch(false)
	p.look(l)
	p.dovecot.Deliver(t, "aoi@acme.example", files["lhost-postfix-28"])
	p.look(l)
	if told := p.events(crm.MessageBounced); len(told) != 1 || field(t, told[0], "address") != "kijitora@6jo.example.jp" {
		t.Errorf("told: %v", told)
	}
	p.keptNothing(l, 1)
}
