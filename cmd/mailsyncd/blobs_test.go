package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailsyncd.example/cmd/mailsyncd/terminal"
	"mailsyncd.example/crm"
	"mailsyncd.example/crm/buckettest"
	"mailsyncd.example/sync/dovecottest"
)

// raw reads the bytes of a message, or the code of why not.
func (f *firm) raw(id string) (content, code string) {
	f.t.Helper()
	request, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, f.daemon.url+"/v1/messages/"+id+"/raw", nil)
	if err != nil {
		f.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+string(f.key.token))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	if response.StatusCode == http.StatusOK {
		return string(body), ""
	}
	_, rest, _ := strings.Cut(string(body), `"code":"`)
	code, _, _ = strings.Cut(rest, `"`)
	return "", code
}

// Mail is kept in a bucket and read from there. While the bucket is away the
// daemon says so and waits; nothing is lost, and nothing has to be done.
func TestABucketThatIsAwayIsWaitedOut(t *testing.T) {
	s3 := buckettest.Start(t)
	s3.Make(t, "mail")
	dovecot := dovecottest.Start(t)
	data := t.TempDir()
	f := openFirm(t, serve(t, data, "--blob-url", s3.URL("mail/raw")), dovecot, "elena@rossi.example")
	f.mailbox("dan@acme.example")
	dan := f.user("dan", crm.RoleUser)
	l := f.link(dan, "dan@acme.example")
	ready := func() error { return f.key.call(t.Context(), http.MethodGet, "/readyz", nil, nil) }
	first := mailOf("1@rossi", elena, danTo, "First", "kept in a bucket")
	dovecot.Deliver(t, "dan@acme.example", first)
	f.look(dan, l)
	f.expectMail("First")
	id := f.messages()[0].ID
	if content, code := f.raw(id); !strings.HasSuffix(content, string(first)) {
		t.Errorf("read %q, %s", content, code)
	}
	if keys := s3.Objects(t, "mail"); len(keys) != 1 || !strings.HasPrefix(keys[0], "raw/"+f.account+"/") {
		t.Errorf("in the bucket: %q", keys)
	}
	if left, err := filepath.Glob(filepath.Join(data, "*", "acc_*", "?", "*")); err != nil || len(left) != 0 {
		t.Errorf("left in the data folder: %q, %v", left, err)
	}
	if err := ready(); err != nil {
		t.Error(err)
	}

	s3.Kill()
	dovecot.Deliver(t, "dan@acme.example", mailOf("2@rossi", elena, danTo, "Second", "has to wait"))
	if err := dan.call(t.Context(), http.MethodPost, "/v1/links/"+l.ID+"/look", nil, nil); crm.CodeOf(err) != "bucket_unreachable" {
		t.Errorf("a look with the bucket away: %v", err)
	}
	if err := ready(); crm.CodeOf(err) != "not_ready" {
		t.Errorf("ready with the bucket away: %v", err)
	}
	if _, code := f.raw(id); code != "bucket_unreachable" {
		t.Errorf("reading with the bucket away: %s", code)
	}
	f.expectMail("First")

	s3.Restart(t)
	f.look(dan, l)
	f.expectMail("First", "Second")
	for _, m := range f.messages() {
		if content, code := f.raw(m.ID); !strings.Contains(content, "Subject: "+m.Subject) {
			t.Errorf("%s: read %q, %s", m.Subject, content, code)
		}
	}
	if h := f.balance(l.MailboxID); h.Balance.Unexplained != 0 {
		t.Errorf("%d unexplained", h.Balance.Unexplained)
	}
	if err := ready(); err != nil {
		t.Error(err)
	}
	do(t, f.daemon.client, http.MethodDelete, "/v1/accounts/"+f.account, nil)
	if keys := s3.Objects(t, "mail"); len(keys) != 0 {
		t.Errorf("left of a deleted account: %q", keys)
	}
}

// A bucket without room is waited out as a full disk is.
func TestAFullBucketIsWaitedOut(t *testing.T) {
	disk := smallDisk(t, 8)
	s3 := buckettest.StartIn(t, disk)
	s3.Make(t, "mail")
	dovecot := dovecottest.Start(t)
	f := openFirm(t, serve(t, t.TempDir(), "--blob-url", s3.URL("mail")), dovecot, "elena@rossi.example")
	f.mailbox("dan@acme.example")
	dan := f.user("dan", crm.RoleUser)
	l := f.link(dan, "dan@acme.example")
	filler := fill(t, disk)
	dovecot.Deliver(t, "dan@acme.example", mailOf("1@rossi", elena, danTo, "First", "there is no room"))
	err := dan.call(t.Context(), http.MethodPost, "/v1/links/"+l.ID+"/look", nil, nil)
	if crm.CodeOf(err) != "bucket_full" {
		t.Errorf("a look with a full bucket: %v", err)
	}
	f.expectMail()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	f.look(dan, l)
	f.expectMail("First")
}

// What is wrong with the bucket for good keeps the daemon from starting; that
// it can't be reached does not.
func TestServeLooksAtTheBucket(t *testing.T) {
	s3 := buckettest.Start(t)
	s3.Make(t, "mail")
	for _, c := range []struct{ name, url, want string }{
		{"no such bucket", s3.URL("mails"), "There is no bucket mails"},
		{"another region", strings.Replace(s3.URL("mail"), buckettest.Region, "eu-west-1", 1), "refuses"},
	} {
		code, _, stderr := run(t, nil, serveArgs(t.TempDir(), "--blob-url", c.url)...)
		if code != exitProblem || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: code %d, stderr %q", c.name, code, stderr)
		}
	}
	s3.Kill()
	daemon := serve(t, t.TempDir(), "--blob-url", s3.URL("mail"))
	ready := func() error { return daemon.call(t.Context(), http.MethodGet, "/readyz", nil, nil) }
	if err := ready(); crm.CodeOf(err) != "not_ready" {
		t.Errorf("ready with the bucket away: %v", err)
	}
	s3.Restart(t)
	if err := ready(); err != nil {
		t.Error(err)
	}
}

func TestDoctorTriesTheBucket(t *testing.T) {
	s3 := buckettest.Start(t)
	s3.Make(t, "mail")
	doctor := func(url string) string {
		_, stdout, _ := run(t, nil, "doctor", "--data-dir", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0", "--blob-url", url)
		return stdout
	}
	if out := doctor(s3.URL("mail")); !strings.Contains(out, "ok       raw mail ") {
		t.Errorf("a good bucket:\n%s", out)
	}
	if keys := s3.Objects(t, "mail"); len(keys) != 0 {
		t.Errorf("doctor has left %q", keys)
	}
	if out := doctor(s3.URL("mails")); !strings.Contains(out, "problem  raw mail ") || !strings.Contains(out, "There is no bucket mails") {
		t.Errorf("no bucket:\n%s", out)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	if out := doctor(s3.URL("mail")); !strings.Contains(out, "problem  raw mail ") || !strings.Contains(out, "AWS_SECRET_ACCESS_KEY") {
		t.Errorf("a wrong secret:\n%s", out)
	}
}

// Raw mail may stand in another folder than the rest.
func TestRawMailInAnotherFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "raw mail")
	d, err := newDaemon(t.Context(), Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), PollInterval: 1, BlobURL: "file://" + folder}, terminal.Logger(io.Discard, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	if _, _, err := d.blobs.Put(t.Context(), "acc_1", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "acc_1")); err != nil {
		t.Error(err)
	}
}
