package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

// recorder keeps every answer of a daemon, as it came over the wire.
type recorder struct {
	t       *testing.T
	answers bytes.Buffer
}

// send makes a request, whatever becomes of it.
func (r *recorder) send(c client, method, path, body string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+string(c.token))
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	err = errors.Join(response.Header.Write(&r.answers), func() error { _, err := io.Copy(&r.answers, response.Body); return err }())
	if err != nil {
		r.t.Fatal(err)
	}
}

// A password that somebody gave, right or wrong, is nowhere to be found: not in
// what the daemon wrote, not in what it answered, its database included.
func TestPasswordsAreNowhere(t *testing.T) {
	const right, wrong = "canary-Zebra7Right", "canary-Zebra8Wrong"
	dovecot := dovecottest.Start(t)
	if err := dovecot.AddUser("dan@acme.example", right); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	daemon := serve(t, data)
	f := openFirm(t, daemon, dovecot, "elena@rossi.example")
	dan, mona := f.user("dan", crm.RoleUser), f.user("mona", crm.RoleManager)
	r := &recorder{t: t}
	link := func(password string) string {
		return fmt.Sprintf(`{"address":"dan@acme.example","password":%q,"imap":{"host":%q,"port":%d,"security":"none"}}`,
			password, dovecottest.Host, dovecot.IMAPPort)
	}
	for _, path := range []string{"/v1/links/test", "/v1/links/preview", "/v1/links"} {
		r.send(dan, http.MethodPost, path, link(wrong))
		r.send(dan, http.MethodPost, path, strings.Replace(link(wrong), `"password"`, `"passwort"`, 1)) // a mistake in the name
		r.send(dan, http.MethodPost, path, link(wrong)[:66])                                            // cut off
	}
	r.send(dan, http.MethodPost, "/v1/links/test", link(right))
	r.send(dan, http.MethodPost, "/v1/links/preview", link(right))
	r.send(dan, http.MethodPost, "/v1/links", link(right))
	mine := all[struct{ ID string }](t, dan, "/v1/links", nil)
	if len(mine) != 1 {
		t.Fatalf("%d links stand", len(mine))
	}
	id := mine[0].ID
	r.send(dan, http.MethodPost, "/v1/links/"+id+"/look", "")
	r.send(dan, http.MethodPatch, "/v1/links/"+id, `{"password":"`+wrong+`"}`)
	r.send(dan, http.MethodPatch, "/v1/links/"+id, `{"password":"`+right+`"}`)
	r.send(dan, http.MethodPost, "/v1/explain", `{"message_id":"none@acme.example"}`)
	for _, path := range []string{"/v1/links", "/v1/links/" + id, "/v1/mailboxes", "/v1/audit", "/v1/events", "/openapi.json"} {
		r.send(mona, http.MethodGet, path, "")
	}
	r.send(daemon.client, http.MethodGet, "/metrics", "")
	r.send(dan, http.MethodDelete, "/v1/links/"+id, "")
	daemon.stop()

	places := map[string][]byte{"what it answered": r.answers.Bytes(), "its log": []byte(daemon.log.String())}
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			places[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil || len(places) < 4 {
		t.Fatalf("%d places: %v", len(places), err)
	}
	seen := 0 // of the address, which is nobody's secret: proof that there is something to be seen
	for where, content := range places {
		if bytes.Contains(content, []byte("dan@acme.example")) {
			seen++
		}
		for _, password := range []string{right, wrong} {
			for _, form := range forms("dan@acme.example", password) {
				if bytes.Contains(content, []byte(form)) {
					t.Errorf("%s holds the password %q", where, form)
				}
			}
		}
	}
	if seen < 2 {
		t.Errorf("the address is seen in %d places only", seen)
	}
}

// forms are how a password goes over wires and into logs.
func forms(user, password string) []string {
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
	return []string{password, url.QueryEscape(password), base64.StdEncoding.EncodeToString([]byte(password)), plain, strings.ToUpper(password)}
}
